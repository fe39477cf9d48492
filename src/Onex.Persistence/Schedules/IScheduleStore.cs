namespace Onex.Persistence.Schedules;

/// <summary>How far the schedules of contracts have come. Throws <see cref="Sagas.StoreUnavailableException"/>.</summary>
public interface IScheduleStore
{
    /// <summary>
    /// For a main that begins: these are all the schedules that its contracts have. Answers the last time that each has dealt with, in their
    /// order. One that was never seen, or that was removed, begins now, by the database's clock; all others count as removed from now on.
    /// </summary>
    Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation);

    /// <summary>The last time that it has dealt with; null if it never began.</summary>
    Task<DateTimeOffset?> LastAsync(ScheduleName schedule, CancellationToken cancellation);

    /// <summary>Moves one on from where it stands; false if it stands elsewhere: another main was faster.</summary>
    Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation);
}

/// <summary>Which schedule.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Times">Its times as text: other times are another schedule, which begins anew.</param>
public sealed record ScheduleName(string Contract, string Times);
