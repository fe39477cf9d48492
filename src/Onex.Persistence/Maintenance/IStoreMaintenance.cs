namespace Onex.Persistence.Maintenance;

/// <summary>Applies the retention and prepares partitions. The orchestrator runs it at its start and every hour.</summary>
public interface IStoreMaintenance
{
    /// <summary>
    /// Removes sagas that ended longer ago than <paramref name="sagasKept"/>, unless they are children of a live saga; history older than
    /// <paramref name="historyKept"/>, unless its saga is live or ended within that time; expired rows of the ledger; and dead letters that
    /// were decided longer ago than <paramref name="sagasKept"/>. Live sagas, open dead letters, parked commands, and what has unsent
    /// messages stay. Works in steps, so that nothing else waits long. May be repeated, also by several processes at once. Throws
    /// <see cref="StoreUnavailableException"/>.
    /// </summary>
    Task RemoveExpiredAsync(TimeSpan sagasKept, TimeSpan historyKept, CancellationToken cancellation);
}
