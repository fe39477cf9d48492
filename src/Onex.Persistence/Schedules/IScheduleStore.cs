namespace Onex.Persistence.Schedules;

/// <summary>How far the schedules of contracts have come. Throws <see cref="Sagas.StoreUnavailableException"/>.</summary>
public interface IScheduleStore
{
    /// <summary>The last time that each of these has dealt with, in their order. One that was never seen begins now, by the database's clock.</summary>
    Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation);

    /// <summary>Moves one on from where it stands; false if it stands elsewhere: another main was faster.</summary>
    Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation);
}

/// <summary>Which schedule.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Times">Its times as text: other times are another schedule, which begins anew.</param>
public sealed record ScheduleName(string Contract, string Times);
