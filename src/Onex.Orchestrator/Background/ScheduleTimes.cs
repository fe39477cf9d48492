using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Background;

/// <summary>The times of a schedule since it was last handled.</summary>
/// <param name="Starts">The times that start a saga, in order.</param>
/// <param name="Last">The last time that is handled once these have started.</param>
internal sealed record DueTimes(IReadOnlyList<DateTimeOffset> Starts, DateTimeOffset Last);

/// <summary>Decides which times of a schedule start a saga. Pure, so that every orchestrator decides the same.</summary>
internal static class ScheduleTimes
{
    /// <summary>
    /// A time that is late by at most this starts its saga, regardless of the policy for missed times. A restart of the only orchestrator
    /// takes less; a longer period would start too many sagas at once.
    /// </summary>
    public static readonly TimeSpan LateMax = TimeSpan.FromMinutes(1);

    /// <summary>The times since the last one that was handled.</summary>
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

        // The time that is due now replaces all missed ones.
        if (starts.Count == 0 && missed is { } latest && schedule.Missed == MissedTimes.Latest)
        {
            starts.Add(latest);
        }

        return new DueTimes(starts, dealt);
    }
}
