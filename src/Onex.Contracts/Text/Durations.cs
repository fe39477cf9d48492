using System.Globalization;
using System.Numerics;

namespace Onex.Contracts.Text;

/// <summary>
/// Durations as people write them (<c>200ms</c>, <c>1.5s</c>, <c>1h30m</c>, <c>7d</c>): one grammar for contracts, connections,
/// settings and queries. In expressions it has no days, but a sign.
/// </summary>
public static class Durations
{
    private const long NanosPerSecond = 1_000_000_000;
    private const int LengthMax = 100;

    /// <summary>Ten years: longer than any saga lives, and so short that sums of such durations do not overflow.</summary>
    internal static TimeSpan Longest { get; } = TimeSpan.FromDays(3660);

    private static readonly (string Symbol, string Name, long Ticks)[] _units =
    [
        ("d", "day", TimeSpan.TicksPerDay),
        ("h", "hour", TimeSpan.TicksPerHour),
        ("m", "minute", TimeSpan.TicksPerMinute),
        ("s", "second", TimeSpan.TicksPerSecond),
    ];

    /// <summary>Formats it as <see cref="TryParse"/> reads it, in the largest unit that divides it, or in whole milliseconds.</summary>
    public static string Format(TimeSpan duration)
    {
        foreach (var (symbol, _, ticks) in _units)
        {
            if (duration.Ticks % ticks == 0)
            {
                return (duration.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + symbol;
            }
        }

        return (duration.Ticks / TimeSpan.TicksPerMillisecond).ToString(CultureInfo.InvariantCulture) + "ms";
    }

    /// <summary>Formats it in words, in the largest unit that divides it, or in seconds: <c>90 minutes</c>, <c>1.5 seconds</c>.</summary>
    public static string Describe(TimeSpan duration)
    {
        foreach (var (_, name, ticks) in _units)
        {
            if (duration.Ticks >= ticks && duration.Ticks % ticks == 0)
            {
                return Plural.Format(duration.Ticks / ticks, name);
            }
        }

        return $"{duration.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} seconds";
    }

    /// <summary>Parses a duration of zero to ten years in whole milliseconds.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (ParseUnsigned(text) is not { } nanos || nanos % 1_000_000 != 0)
        {
            return false;
        }

        duration = TimeSpan.FromTicks(nanos / TimeSpan.NanosecondsPerTick);
        return duration <= Longest;
    }

    /// <summary>Parses a duration of any precision, cut to 100 ns, or one in clock form: <c>00:00:15</c>. None is negative.</summary>
    public static bool TryParseUnitsOrClock(string text, out TimeSpan duration)
    {
        if (ParseUnsigned(text) is { } nanos)
        {
            duration = TimeSpan.FromTicks(nanos / TimeSpan.NanosecondsPerTick);
            return true;
        }

        duration = default;
        return text.Contains(':', StringComparison.Ordinal)
            && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration)
            && duration >= TimeSpan.Zero;
    }

    /// <summary>
    /// Parses a duration with an optional sign (<c>-1h2m3.5s</c>, <c>250ms</c>, <c>0</c>) into nanoseconds, rounded half away from zero.
    /// Null if the text is not a duration, exceeds 64 bits (about 292 years), or has more than 100 characters.
    /// </summary>
    internal static long? ParseNanoseconds(ReadOnlySpan<char> text, bool withDays = false)
    {
        var isNegative = text.StartsWith('-');
        text = isNegative || text.StartsWith('+') ? text[1..] : text;
        if (text is "0")
        {
            return 0;
        }

        if (text.IsEmpty || text.Length > LengthMax)
        {
            return null;
        }

        // The sum is scaled by a power of ten, so that no digit of a fraction is lost.
        var total = BigInteger.Zero;
        while (!text.IsEmpty)
        {
            var whole = text[..CountDigits(text)];
            text = text[whole.Length..];
            var fraction = ReadOnlySpan<char>.Empty;
            if (text.StartsWith('.'))
            {
                text = text[1..];
                fraction = text[..CountDigits(text)];
                text = text[fraction.Length..];
            }

            var (unit, length) = withDays && text.StartsWith('d') ? (24 * 3_600 * NanosPerSecond, 1) : ReadUnit(text);
            if (unit == 0 || (whole.IsEmpty && fraction.IsEmpty))
            {
                return null;
            }

            text = text[length..];
            total += BigInteger.Parse($"0{whole}{fraction}", NumberStyles.None, CultureInfo.InvariantCulture) * unit
                * BigInteger.Pow(10, LengthMax - fraction.Length);
        }

        var scale = BigInteger.Pow(10, LengthMax);
        var nanos = (total + (scale / 2)) / scale * (isNegative ? -1 : 1);
        return nanos >= long.MinValue && nanos <= long.MaxValue ? (long)nanos : null;
    }

    // A number without a unit is not a duration, not even 0.
    private static long? ParseUnsigned(string text) =>
        text.Length > 1 && text[0] is not ('+' or '-') ? ParseNanoseconds(text, withDays: true) : null;

    private static int CountDigits(ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAnyExceptInRange('0', '9');
        return length < 0 ? text.Length : length;
    }

    private static (long Nanos, int Length) ReadUnit(ReadOnlySpan<char> text) => text switch
    {
        ['n', 's', ..] => (1, 2),
        ['u' or 'µ' or 'μ', 's', ..] => (1_000, 2),
        ['m', 's', ..] => (1_000_000, 2),
        ['s', ..] => (NanosPerSecond, 1),
        ['m', ..] => (60 * NanosPerSecond, 1),
        ['h', ..] => (3_600 * NanosPerSecond, 1),
        _ => (0, 0),
    };
}
