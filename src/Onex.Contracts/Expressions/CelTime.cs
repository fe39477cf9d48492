using System.Globalization;
using System.Text;

namespace Onex.Contracts.Expressions;

/// <summary>Timestamps (RFC 3339, years 1 to 9999, nanoseconds) and durations (<c>1h30m</c>, nanoseconds).</summary>
internal static class CelTime
{
    private const int NanosPerSecond = 1_000_000_000;
    private const long FirstSecond = -62_135_596_800;
    private const long LastSecond = 253_402_300_799;

    public static CelValue? Timestamp(long seconds, long nanos)
    {
        Normalize(ref seconds, ref nanos);
        if (nanos < 0)
        {
            (seconds, nanos) = (seconds - 1, nanos + NanosPerSecond);
        }

        return seconds is < FirstSecond or > LastSecond ? null : CelValue.Timestamp(seconds, (int)nanos);
    }

    public static CelValue? Duration(long seconds, long nanos)
    {
        Normalize(ref seconds, ref nanos);
        if (seconds > 0 && nanos < 0)
        {
            (seconds, nanos) = (seconds - 1, nanos + NanosPerSecond);
        }
        else if (seconds < 0 && nanos > 0)
        {
            (seconds, nanos) = (seconds + 1, nanos - NanosPerSecond);
        }

        return IsDuration(((Int128)seconds * NanosPerSecond) + nanos) ? CelValue.Duration(seconds, (int)nanos) : null;
    }

    public static string TimestampText(CelValue value)
    {
        var text = new StringBuilder(32);
        text.Append(DateTime.UnixEpoch.AddSeconds(value.Bits).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture));
        AppendFraction(text, value.Nanos);
        return text.Append('Z').ToString();
    }

    public static string DurationText(CelValue value)
    {
        var text = new StringBuilder(24);
        if (value.Bits < 0 || value.Nanos < 0)
        {
            text.Append('-');
        }

        text.Append(Math.Abs(value.Bits).ToString(CultureInfo.InvariantCulture));
        AppendFraction(text, Math.Abs(value.Nanos));
        return text.Append('s').ToString();
    }

    /// <summary>A timestamp of RFC 3339, or null.</summary>
    public static CelValue? ParseTimestamp(ReadOnlySpan<char> text)
    {
        if (text.Length < 20
            || !Digits(text, 0, 4, out var year) || text[4] != '-' || !Digits(text, 5, 2, out var month) || text[7] != '-'
            || !Digits(text, 8, 2, out var day) || text[10] is not ('T' or 't') || !Digits(text, 11, 2, out var hour) || text[13] != ':'
            || !Digits(text, 14, 2, out var minute) || text[16] != ':' || !Digits(text, 17, 2, out var second)
            || year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
        {
            return null;
        }

        var rest = text[19..];
        var nanos = 0;
        if (rest[0] == '.')
        {
            var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (digits is < 1 or > 9)
            {
                return null;
            }

            nanos = Fraction(rest.Slice(1, digits));
            rest = rest[(digits + 1)..];
        }

        if (!TryOffset(rest, out var offset))
        {
            return null;
        }

        var local = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc);
        return Timestamp(((local.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond) - offset, nanos);
    }

    /// <summary>A duration such as <c>-1h2m3.5s</c>, <c>250ms</c>, <c>0</c>; or null.</summary>
    public static CelValue? ParseDuration(ReadOnlySpan<char> text)
    {
        var negative = text.StartsWith('-');
        text = negative || text.StartsWith('+') ? text[1..] : text;
        if (text is "0")
        {
            return CelValue.Duration(0, 0);
        }

        Int128 total = 0;
        if (text.IsEmpty || text.Length > 100)
        {
            return null;
        }

        while (!text.IsEmpty)
        {
            var length = text.IndexOfAnyExceptInRange('0', '9');
            var whole = length < 0 ? text : text[..length];
            text = text[whole.Length..];
            var fraction = ReadOnlySpan<char>.Empty;
            if (text.StartsWith('.'))
            {
                text = text[1..];
                length = text.IndexOfAnyExceptInRange('0', '9');
                fraction = length < 0 ? text : text[..length];
                text = text[fraction.Length..];
            }

            var (unit, symbol) = Unit(text);
            if (unit == 0 || (whole.IsEmpty && fraction.IsEmpty) || whole.Length > 18)
            {
                return null;
            }

            text = text[symbol..];
            total += (whole.IsEmpty ? 0 : Int128.Parse(whole, NumberStyles.None, CultureInfo.InvariantCulture)) * unit;
            total += (Int128)Fraction(fraction) * unit / NanosPerSecond;
        }

        total = negative ? -total : total;
        return IsDuration(total) ? CelValue.Duration((long)(total / NanosPerSecond), (int)(total % NanosPerSecond)) : null;
    }

    // The language gives a duration 64 bits of nanoseconds: about 292 years either way.
    private static bool IsDuration(Int128 nanos) => nanos >= long.MinValue && nanos <= long.MaxValue;

    /// <summary>
    /// The clock on the wall of a zone: its seconds since 1970 as if that wall were in UTC; null for a zone that does not exist. A zone is a
    /// name of the IANA database or an offset such as <c>-08:00</c>.
    /// </summary>
    public static long? WallSeconds(CelValue timestamp, string zone)
    {
        if (TryOffset(zone, out var offset) || (zone.Length == 5 && TryOffset("+" + zone, out offset)))
        {
            return timestamp.Bits + offset;
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)
            ? timestamp.Bits + (long)found.GetUtcOffset(DateTime.UnixEpoch.AddSeconds(timestamp.Bits)).TotalSeconds
            : null;
    }

    private static bool TryOffset(ReadOnlySpan<char> text, out int seconds)
    {
        seconds = 0;
        if (text is "Z" or "z" or "UTC")
        {
            return true;
        }

        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':'
            || !Digits(text, 1, 2, out var hours) || !Digits(text, 4, 2, out var minutes) || hours > 23 || minutes > 59)
        {
            return false;
        }

        seconds = ((hours * 60) + minutes) * (text[0] == '-' ? -60 : 60);
        return true;
    }

    private static bool Digits(ReadOnlySpan<char> text, int at, int count, out int value)
    {
        value = 0;
        foreach (var c in text.Slice(at, count))
        {
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }

            value = (value * 10) + (c - '0');
        }

        return true;
    }

    // The first nine digits, as billionths.
    private static int Fraction(ReadOnlySpan<char> digits)
    {
        var value = 0;
        for (var i = 0; i < 9; i++)
        {
            value = (value * 10) + (i < digits.Length ? digits[i] - '0' : 0);
        }

        return value;
    }

    private static (long Nanos, int Symbol) Unit(ReadOnlySpan<char> text) => text switch
    {
        ['n', 's', ..] => (1, 2),
        ['u' or 'µ' or 'μ', 's', ..] => (1_000, 2),
        ['m', 's', ..] => (1_000_000, 2),
        ['s', ..] => (NanosPerSecond, 1),
        ['m', ..] => (60L * NanosPerSecond, 1),
        ['h', ..] => (3_600L * NanosPerSecond, 1),
        _ => (0, 0),
    };

    private static void Normalize(ref long seconds, ref long nanos)
    {
        seconds += nanos / NanosPerSecond;
        nanos %= NanosPerSecond;
    }

    private static void AppendFraction(StringBuilder text, int nanos)
    {
        if (nanos != 0)
        {
            text.Append('.').Append(nanos.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0'));
        }
    }
}
