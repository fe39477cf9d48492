using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Background;

/// <summary>What has come of a schedule since it was last looked after.</summary>
/// <param name="Starts">The times that start a saga, in order.</param>
/// <param name="Last">The last time that is dealt with then.</param>
internal sealed record DueTimes(IReadOnlyList<DateTimeOffset> Starts, DateTimeOffset Last);

/// <summary>Which times of a schedule start a saga. Pure: the same question has the same answer in every main.</summary>
internal static class ScheduleTimes
{
    /// <summary>
    /// For how long a time is merely late: each such time starts its saga, whatever is done about missed ones. A restart of the only main takes
    /// less; more than it would bring too many sagas at once.
    /// </summary>
    public static readonly TimeSpan LateMax = TimeSpan.FromMinutes(1);

    /// <summary>The times since the last one that was dealt with.</summary>
    public static DueTimes Since(SchedulePlan schedule, DateTimeOffset last, DateTimeOffset now)
    {
        var missed = schedule.Latest(last, now - LateMax);
        var dealt = missed ?? last;
        var starts = new List<DateTimeOffset>();
        while (schedule.After(dealt) is { } next && next <= now)
        {
            starts.Add(next);
            dealt = next;
        }

        // Whatever was missed is made up for by what is due now.
        if (starts.Count == 0 && missed is { } latest && schedule.Missed == MissedTimes.Latest)
        {
            starts.Add(latest);
        }

        return new DueTimes(starts, dealt);
    }
}
