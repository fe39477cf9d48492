namespace Onex.Persistence.Schedules;

/// <summary>The progress of contracts' schedules. Throws <see cref="StoreUnavailableException"/>.</summary>
public interface IScheduleStore
{
    /// <summary>
    /// Called by an orchestrator when its contracts are loaded, with all their schedules. Returns the last processed time of each, in their
    /// order: for one that is new or was removed, the present second of the database's clock. Stored schedules not given become removed.
    /// </summary>
    Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation);

    /// <summary>The last processed time; null if the schedule has no row: the database may have been restored.</summary>
    Task<DateTimeOffset?> LastDueAsync(ScheduleName schedule, CancellationToken cancellation);

    /// <summary>
    /// Advances the last processed time; false if it was not <paramref name="from"/>, because another orchestrator was faster.
    /// </summary>
    Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation);
}

/// <summary>The name of a schedule.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Times">The schedule's times as text. Other times make another schedule.</param>
public sealed record ScheduleName(string Contract, string Times);
