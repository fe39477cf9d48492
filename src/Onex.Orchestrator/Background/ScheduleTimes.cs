using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Background;

/// <summary>The times of a schedule since it was last handled.</summary>
/// <param name="Starts">The times that start a saga, in order.</param>
/// <param name="LastHandled">The time up to which the schedule is handled once these sagas have started.</param>
internal sealed record DueTimes(IReadOnlyList<DateTimeOffset> Starts, DateTimeOffset LastHandled);

/// <summary>Decides which times of a schedule start a saga. A pure function.</summary>
internal static class ScheduleTimes
{
    /// <summary>
    /// A time counts as missed once it is this long past; until then it starts its saga whatever the policy for missed times. A restart of
    /// the only orchestrator takes less. With a longer period, too many sagas could start at once.
    /// </summary>
    public static readonly TimeSpan LateMax = TimeSpan.FromMinutes(1);

    /// <summary>The times since the last one that was handled.</summary>
    public static DueTimes DueSince(SchedulePlan schedule, DateTimeOffset lastHandled, DateTimeOffset now)
    {
        var missed = schedule.Latest(lastHandled, now - LateMax);
        var handled = missed ?? lastHandled;
        var starts = new List<DateTimeOffset>();
        while (schedule.After(handled) is { } next && next <= now)
        {
            starts.Add(next);
            handled = next;
        }

        // A time that is due now replaces all missed times; without one, the latest missed time starts a saga if the policy says so.
        if (starts.Count == 0 && missed is { } latest && schedule.Missed == MissedTimes.Latest)
        {
            starts.Add(latest);
        }

        return new DueTimes(starts, handled);
    }
}
