namespace Onex.Persistence.Schedules;

/// <summary>The progress of contracts' schedules. Throws <see cref="StoreUnavailableException"/>.</summary>
public interface IScheduleStore
{
    /// <summary>
    /// Called by an orchestrator at its start, with all the schedules of its contracts. Returns the last processed time of each, in their
    /// order. A schedule that is new or was removed begins now, by the database's clock. Schedules that are not named count as removed.
    /// </summary>
    Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation);

    /// <summary>The last processed time; null if the schedule never began.</summary>
    Task<DateTimeOffset?> LastDueAsync(ScheduleName schedule, CancellationToken cancellation);

    /// <summary>
    /// Advances a schedule; false if its last processed time is not <paramref name="from"/>, because another orchestrator was faster.
    /// </summary>
    Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation);
}

/// <summary>The name of a schedule.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Times">Its times as text. Other times make another schedule.</param>
public sealed record ScheduleName(string Contract, string Times);
