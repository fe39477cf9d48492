using Onex.Contracts.Expressions;
using Onex.Contracts.Text;

namespace Onex.Contracts.Plans;

/// <summary>The times at which sagas start without a request: <c>schedule</c>.</summary>
public sealed class SchedulePlan
{
    private readonly CalendarTimes? _calendar;

    private SchedulePlan(TimeSpan? every, CalendarTimes? calendar, string text, TimeZoneInfo zone)
    {
        Every = every;
        _calendar = calendar;
        Text = text;
        TimeZone = zone;
    }

    /// <summary>The time between two starts; null if the starts have calendar times.</summary>
    public TimeSpan? Every { get; }

    /// <summary>The time zone of the calendar times; UTC for a fixed interval.</summary>
    public TimeZoneInfo TimeZone { get; }

    /// <summary>
    /// The schedule in readable form: <c>every 1h</c>, <c>0 3 * * * Europe/Zurich</c>. Schedules with the same text have the same times.
    /// </summary>
    public string Text { get; }

    /// <summary>The policy for a start that is due while the saga of an earlier start is live.</summary>
    public Overlap Overlap { get; init; }

    /// <summary>The policy for starts that were missed while no orchestrator ran.</summary>
    public MissedTimes Missed { get; init; }

    /// <summary>The input of the started sagas, valid for the contract.</summary>
    public required CelValue Input { get; init; }

    /// <summary>The next time of the schedule; null if there is none.</summary>
    /// <param name="time">The time before it, or the one at which the schedule began.</param>
    public DateTimeOffset? After(DateTimeOffset time) =>
        Every is { } every ? time + every : _calendar!.After(time, TimeZone);

    /// <summary>The last time of the schedule up to a moment; null if there is none after <paramref name="after"/>.</summary>
    public DateTimeOffset? Latest(DateTimeOffset after, DateTimeOffset until)
    {
        if (After(after) is not { } first || first > until)
        {
            return null;
        }

        return Every is { } every ? after + (every * Math.Floor((until - after) / every)) : LatestByBisection(first, until);
    }

    // Around a clock change Cronos returns other times when it searches backwards, and two times for one start would start two sagas. So
    // this only searches forwards: `known` is the last scheduled time that was found, and no time up to `until` is after `end`. Times are
    // at least a minute apart, so the search ends at a distance of one second.
    private DateTimeOffset LatestByBisection(DateTimeOffset known, DateTimeOffset until)
    {
        var end = until;
        while (end - known > TimeSpan.FromSeconds(1))
        {
            var middle = known + ((end - known) / 2);
            if (After(middle) is { } later && later <= until)
            {
                known = later;
            }
            else
            {
                end = middle;
            }
        }

        return known;
    }

    /// <summary>Starts at a fixed interval.</summary>
    internal static SchedulePlan Create(TimeSpan every, Overlap overlap, MissedTimes missed, CelValue input) =>
        new(every, null, $"every {Durations.Format(every)}", TimeZoneInfo.Utc) { Overlap = overlap, Missed = missed, Input = input };

    /// <summary>Starts at calendar times.</summary>
    internal static SchedulePlan Create(CalendarTimes calendar, string text, TimeZoneInfo zone, Overlap overlap, MissedTimes missed,
        CelValue input) =>
        new(null, calendar, $"{text} {zone.Id}", zone) { Overlap = overlap, Missed = missed, Input = input };
}

/// <summary>The policy for a start that is due while the saga of an earlier start is live.</summary>
public enum Overlap
{
    /// <summary>No saga starts.</summary>
    Skip,

    /// <summary>Another saga starts.</summary>
    Allow,
}

/// <summary>What happens to starts that were due while no orchestrator ran.</summary>
public enum MissedTimes
{
    /// <summary>The last missed time starts a saga, unless another time is due by then.</summary>
    Latest,

    /// <summary>No missed time starts a saga.</summary>
    Skip,
}
