using System.Globalization;

namespace Onex.Contracts.Compiling;

/// <summary>Durations as contracts write them: <c>200ms, 20s, 2m, 48h, 7d</c>.</summary>
public static class Durations
{
    // Ten years: longer than any process, short enough for every sum of such times.
    private static readonly TimeSpan _longest = TimeSpan.FromDays(3660);

    /// <summary>The same length as a contract writes it, in the largest unit that does.</summary>
    public static string Format(TimeSpan duration)
    {
        foreach (var (unit, ticks) in (ReadOnlySpan<(string, long)>)
            [("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond)])
        {
            if (duration.Ticks % ticks == 0)
            {
                return (duration.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + unit;
            }
        }

        return (duration.Ticks / TimeSpan.TicksPerMillisecond).ToString(CultureInfo.InvariantCulture) + "ms";
    }

    /// <summary>The same length for people, in the largest unit that leaves nothing over: <c>2 days</c>, <c>90 minutes</c>.</summary>
    public static string Say(TimeSpan duration)
    {
        foreach (var (unit, ticks) in (ReadOnlySpan<(string, long)>)
            [("day", TimeSpan.TicksPerDay), ("hour", TimeSpan.TicksPerHour), ("minute", TimeSpan.TicksPerMinute), ("second", TimeSpan.TicksPerSecond)])
        {
            if (duration.Ticks >= ticks && duration.Ticks % ticks == 0)
            {
                var count = duration.Ticks / ticks;
                return $"{count.ToString(CultureInfo.InvariantCulture)} {unit}{(count == 1 ? "" : "s")}";
            }
        }

        return $"{duration.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} seconds";
    }

    public static bool TryParse(string text, out TimeSpan duration)
    {
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
        {
            digits++;
        }

        duration = default;
        var unit = text[digits..] switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            _ => 0,
        };
        if (unit == 0
            || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number < 1
            || number > _longest.Ticks / unit)
        {
            return false;
        }

        duration = TimeSpan.FromTicks(number * unit);
        return true;
    }
}
