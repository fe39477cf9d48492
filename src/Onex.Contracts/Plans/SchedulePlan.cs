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

    /// <summary>The time between two starts; null for one by the calendar.</summary>
    public TimeSpan? Every { get; }

    /// <summary>The time zone of the calendar.</summary>
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

    /// <summary>The next scheduled time after a scheduled time or after the first start; null if there is none.</summary>
    public DateTimeOffset? After(DateTimeOffset time) =>
        Every is { } every ? time + every : _calendar!.After(time, TimeZone);

    /// <summary>The last scheduled time after a scheduled time and up to a given moment; null if there is none.</summary>
    public DateTimeOffset? Latest(DateTimeOffset after, DateTimeOffset until)
    {
        if (After(after) is not { } first || first > until)
        {
            return null;
        }

        return Every is { } every ? after + (every * Math.Floor((until - after) / every)) : LatestByHalves(first, until);
    }

    // Around a clock change the cron package returns different times when it searches backwards, and a time found twice would start two
    // sagas. So the search only goes forwards; times are at least a minute apart.
    private DateTimeOffset LatestByHalves(DateTimeOffset known, DateTimeOffset until)
    {
        var none = until;
        while (none - known > TimeSpan.FromSeconds(1))
        {
            var middle = known + ((none - known) / 2);
            if (After(middle) is { } later && later <= until)
            {
                known = later;
            }
            else
            {
                none = middle;
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
    /// <summary>Prevents a start.</summary>
    Skip,

    /// <summary>Another one starts.</summary>
    Allow,
}

/// <summary>What happens to starts that were due while no orchestrator ran.</summary>
public enum MissedTimes
{
    /// <summary>The last one starts a saga.</summary>
    Latest,

    /// <summary>They start nothing.</summary>
    Skip,
}
