using Onex.Contracts.Expressions;
using Onex.Contracts.Text;

namespace Onex.Contracts.Plans;

/// <summary>When sagas start without a request: <c>schedule</c>.</summary>
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

    /// <summary>The time zone whose calendar counts.</summary>
    public TimeZoneInfo TimeZone { get; }

    /// <summary>Its times as a person writes them: <c>every 1h</c>, <c>0 3 * * * Europe/Zurich</c>. Two with one text have the same times.</summary>
    public string Text { get; }

    /// <summary>What happens when a time comes and the saga of an earlier one still lives.</summary>
    public Overlap Overlap { get; init; }

    /// <summary>What happens about times at which nothing ran.</summary>
    public MissedTimes Missed { get; init; }

    /// <summary>The input that the sagas start with; it fits the contract's.</summary>
    public required CelValue Input { get; init; }

    /// <summary>The first time after one of its own times (or after the moment at which it began); null if there is none any more.</summary>
    public DateTimeOffset? After(DateTimeOffset time) =>
        Every is { } every ? time + every : _calendar!.After(time, TimeZone);

    /// <summary>The last time after one of its own times and not after another moment; null if there is none.</summary>
    public DateTimeOffset? Latest(DateTimeOffset after, DateTimeOffset until)
    {
        if (After(after) is not { } first || first > until)
        {
            return null;
        }

        return Every is { } every ? after + (every * Math.Floor((until - after) / every)) : LatestByHalves(first, until);
    }

    // Backwards the calendar's package gives other times than forwards where clocks are put on, and a time that has two names starts two
    // sagas. So it is only asked forwards; times are a minute apart at least.
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

    /// <summary>A start every so often, from the moment on at which it begins.</summary>
    internal static SchedulePlan Create(TimeSpan every, Overlap overlap, MissedTimes missed, CelValue input) =>
        new(every, null, $"every {Durations.Format(every)}", TimeZoneInfo.Utc) { Overlap = overlap, Missed = missed, Input = input };

    /// <summary>Starts by the calendar.</summary>
    internal static SchedulePlan Create(CalendarTimes calendar, string text, TimeZoneInfo zone, Overlap overlap, MissedTimes missed, CelValue input) =>
        new(null, calendar, $"{text} {zone.Id}", zone) { Overlap = overlap, Missed = missed, Input = input };
}

/// <summary>What happens when a time comes and the saga of an earlier one still lives.</summary>
public enum Overlap
{
    /// <summary>Nothing starts.</summary>
    Skip,

    /// <summary>Another one starts.</summary>
    Allow,
}

/// <summary>What happens about times that came while nothing ran.</summary>
public enum MissedTimes
{
    /// <summary>The last of them starts a saga.</summary>
    Latest,

    /// <summary>None does.</summary>
    Skip,
}
