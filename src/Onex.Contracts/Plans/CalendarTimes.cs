using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Cronos;
using Onex.Contracts.Text;

namespace Onex.Contracts.Plans;

/// <summary>
/// The times of a cron expression with five fields. Two rules differ from the package Cronos. A schedule that names hours (a list, a range,
/// a step) starts once at each of its times, although clocks show an hour twice in autumn; only a schedule for every hour starts in both.
/// If both the day of the month and the day of the week are set, a day that matches one of them suffices, as in POSIX.
/// </summary>
internal sealed class CalendarTimes
{
    private const int FieldCount = 5;
    private const int DayOfMonth = 2;
    private const int DayOfWeek = 4;

    private static readonly (string Name, string Range)[] _fields =
    [
        ("minute", "0 to 59"), ("hour", "0 to 23"), ("day of the month", "1 to 31"), ("month", "1 to 12 or JAN to DEC"),
        ("day of the week", "0 to 7 or SUN to SAT"),
    ];

    private readonly CronExpression[] _expressions;

    private CalendarTimes(CronExpression[] expressions) => _expressions = expressions;

    /// <summary>The first time after a moment; null if there is none.</summary>
    public DateTimeOffset? After(DateTimeOffset moment, TimeZoneInfo zone) =>
        _expressions.Min(each => each.GetNextOccurrence(moment, zone)?.ToUniversalTime());

    /// <summary>Parses a cron expression; false with the problem, as a clause.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out CalendarTimes? calendar, [NotNullWhen(false)] out string? problem)
    {
        calendar = null;
        var fields = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        problem = fields.Length != FieldCount ? $"it has {Plural.Format(fields.Length, "field")}"
            : !CronExpression.TryParse(text, CronFormat.Standard, out _) ? DescribeWrongField(fields)
            : null;
        if (problem is not null)
        {
            return false;
        }

        (fields[0], fields[1]) = ListTimesOfDay(fields[0], fields[1]);
        string[][] alternatives = IsAny(fields[DayOfMonth]) || IsAny(fields[DayOfWeek])
            ? [fields]
            : [WithAny(fields, DayOfMonth), WithAny(fields, DayOfWeek)];
        var expressions = alternatives
            .Select(each => CronExpression.Parse(string.Join(' ', each), CronFormat.Standard))
            .Where(each => each.GetNextOccurrence(DateTimeOffset.UnixEpoch, TimeZoneInfo.Utc) is not null)
            .ToArray();
        problem = expressions.Length == 0 ? "the calendar has no such day" : null;
        calendar = problem is null ? new CalendarTimes(expressions) : null;
        return problem is null;
    }

    // Describes the first field that is invalid by itself.
    private static string DescribeWrongField(string[] fields)
    {
        for (var index = 0; index < FieldCount; index++)
        {
            string[] alone = [.. Enumerable.Repeat("*", FieldCount)];
            alone[index] = fields[index];
            if (!CronExpression.TryParse(string.Join(' ', alone), CronFormat.Standard, out _))
            {
                var (name, range) = _fields[index];
                return $"'{Spelling.Clip(fields[index])}' is not a valid {name}, which is {range}, '*', "
                    + "a range (1-5), a list (1,3) or a step (*/5)";
            }
        }

        return "its fields do not go together";
    }

    private static bool IsAny(string field) => field is "*" or "?";

    private static string[] WithAny(string[] fields, int index)
    {
        var copy = (string[])fields.Clone();
        copy[index] = "*";
        return copy;
    }

    // Cronos treats '*', a range or a step as an interval, which starts in both of two equal hours, and a list as times of the day. So
    // all of them become lists.
    private static (string Minutes, string Hours) ListTimesOfDay(string minutes, string hours)
    {
        var day = new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var times = CronExpression.Parse($"{minutes} {hours} * * *").GetOccurrences(day, day.AddDays(1), TimeZoneInfo.Utc).ToList();
        var hoursOfDay = times.Select(time => time.Hour).Distinct().ToList();
        return hoursOfDay.Count == 24 ? (minutes, "*") : (List(times.Select(time => time.Minute)), List(hoursOfDay));
    }

    private static string List(IEnumerable<int> numbers) =>
        string.Join(',', numbers.Distinct().Order().Select(number => number.ToString(CultureInfo.InvariantCulture)));
}
