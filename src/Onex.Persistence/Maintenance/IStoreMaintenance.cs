namespace Onex.Persistence.Maintenance;

/// <summary>Keeps the store fit: makes room ahead, and lets go of what is old. Main asks for it at its start and every hour.</summary>
public interface IStoreMaintenance
{
    /// <summary>
    /// Removes sagas that ended longer ago than <paramref name="sagasKept"/>, with all that belongs to them but their history, unless they are
    /// children of one that lives; history older than <paramref name="historyKept"/>, unless its saga lives or ended within that time; outcomes in the ledger that nobody can ask for any more; and dead letters that were
    /// decided about longer ago than <paramref name="sagasKept"/>. In small steps, so that nothing else waits. Live sagas, open letters, and whatever
    /// has messages that have not left yet, stay. Harmless to repeat, also from several
    /// processes at once. Throws <see cref="Sagas.StoreUnavailableException"/>.
    /// </summary>
    Task RemoveExpiredAsync(TimeSpan sagasKept, TimeSpan historyKept, CancellationToken cancellation);
}
