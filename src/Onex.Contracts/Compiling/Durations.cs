using System.Globalization;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Compiling;

/// <summary>Durations as contracts write them: <c>200ms, 1.5s, 2m, 1h30m, 7d</c>.</summary>
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

    /// <summary>
    /// Reads one: as <c>duration()</c> of expressions does, and with days of 24 hours besides; whole milliseconds, more than nothing, ten years at most.
    /// </summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length == 0 || text[0] is '+' or '-' || CelTime.ParseDuration(text, withDays: true) is not { } value)
        {
            return false;
        }

        var (seconds, nanos) = (value.Bits, value.Nanos);
        if (nanos % 1_000_000 != 0 || seconds > _longest.TotalSeconds || (seconds == 0 && nanos == 0))
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(seconds) + TimeSpan.FromMilliseconds(nanos / 1_000_000);
        return duration <= _longest;
    }
}
