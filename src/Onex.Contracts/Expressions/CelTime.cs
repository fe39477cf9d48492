using System.Globalization;
using System.Text;
using NodaTime;
using Onex.Contracts.Text;

namespace Onex.Contracts.Expressions;

/// <summary>Timestamps (RFC 3339, years 1 to 9999, nanoseconds) and durations (<c>1h30m</c>, nanoseconds).</summary>
internal static class CelTime
{
    // 1973-01-01. The last zone whose offset had seconds was Africa/Monrovia, until January 1972.
    private const long OffsetsAreWholeMinutesFrom = 94_694_400;

    private const int NanosPerSecond = 1_000_000_000;

    // 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the bounds of a CEL timestamp.
    private const long FirstSecond = -62_135_596_800;
    private const long LastSecond = 253_402_300_799;

    /// <summary>A timestamp from seconds since 1970; null outside of the years 1 to 9999.</summary>
    public static CelValue? Timestamp(long seconds, long nanos)
    {
        Normalize(ref seconds, ref nanos);
        if (nanos < 0)
        {
            (seconds, nanos) = (seconds - 1, nanos + NanosPerSecond);
        }

        return seconds is < FirstSecond or > LastSecond ? null : CelValue.Timestamp(seconds, (int)nanos);
    }

    /// <summary>A duration; null beyond 292 years in either direction.</summary>
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

    /// <summary>
    /// Parses an RFC 3339 timestamp of the years 1 to 9999; null for any other text. Drops the decimals of a second after the ninth. A leap
    /// second becomes the following second.
    /// </summary>
    public static CelValue? ParseTimestamp(ReadOnlySpan<char> text)
    {
        if (!IsDateTime(text, out var fraction, out var offset) || !TryDigits(text, 0, 4, out var year) || year == 0)
        {
            return null;
        }

        // IsDateTime has checked that all of these are digits.
        _ = TryDigits(text, 5, 2, out var month) & TryDigits(text, 8, 2, out var day);
        _ = TryDigits(text, 11, 2, out var hour) & TryDigits(text, 14, 2, out var minute) & TryDigits(text, 17, 2, out var second);
        var local = new DateTime(year, month, day, hour, minute, 0, DateTimeKind.Utc);
        return Timestamp(((local.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond) + second - offset, FractionNanos(fraction));
    }

    /// <summary>Whether the text is a date-time of RFC 3339.</summary>
    public static bool IsDateTime(ReadOnlySpan<char> text) => IsDateTime(text, out _, out _);

    /// <summary>Whether the text begins with a full-date of RFC 3339.</summary>
    public static bool IsDate(ReadOnlySpan<char> text) =>
        text.Length >= 10 && TryDigits(text, 0, 4, out var year) && text[4] == '-' && TryDigits(text, 5, 2, out var month) && text[7] == '-'
        && TryDigits(text, 8, 2, out var day) && month is >= 1 and <= 12 && day >= 1
        // Year 0 is a leap year like 2000, but DateTime does not have it.
        && day <= DateTime.DaysInMonth(year == 0 ? 2000 : year, month);

    private static bool IsDateTime(ReadOnlySpan<char> text, out ReadOnlySpan<char> fraction, out int offset)
    {
        fraction = [];
        offset = 0;
        if (text.Length < 20 || !IsDate(text) || text[10] is not ('T' or 't')
            || !TryDigits(text, 11, 2, out var hour) || text[13] != ':' || !TryDigits(text, 14, 2, out var minute) || text[16] != ':'
            || !TryDigits(text, 17, 2, out var second) || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        var rest = text[19..];
        if (rest[0] == '.')
        {
            var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (digits < 1)
            {
                return false;
            }

            fraction = rest.Slice(1, digits);
            rest = rest[(digits + 1)..];
        }

        if (rest.Length is not (1 or 6) || !TryOffset(rest, out offset))
        {
            return false;
        }

        // A leap second (60) is valid only in the last minute of a day in UTC.
        const int MinutesPerDay = 24 * 60;
        return second < 60 || (((hour * 60) + minute - (offset / 60)) % MinutesPerDay + MinutesPerDay) % MinutesPerDay == MinutesPerDay - 1;
    }

    /// <summary>Parses a duration (<c>-1h2m3.5s</c>, <c>250ms</c>, <c>0</c>); null for any other text.</summary>
    public static CelValue? ParseDuration(ReadOnlySpan<char> text) =>
        Durations.ParseNanoseconds(text) is { } nanos ? CelValue.Duration(nanos / NanosPerSecond, (int)(nanos % NanosPerSecond)) : null;

    // CEL durations have 64 bits of nanoseconds: about 292 years in either direction.
    private static bool IsDuration(Int128 nanos) => nanos >= long.MinValue && nanos <= long.MaxValue;

    /// <summary>
    /// The local time in a zone, in seconds since 1970 as if it were UTC; null for an unknown zone. A zone is a name of the IANA database
    /// or an offset, <c>-08:00</c> or <c>08:00</c>.
    /// </summary>
    public static long? WallSeconds(CelValue timestamp, string zone)
    {
        if (TryOffset(zone, out var offset) || (zone.Length is 5 or 8 && char.IsAsciiDigit(zone[0]) && TryOffset("+" + zone, out offset)))
        {
            return timestamp.Bits + offset;
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) ? timestamp.Bits + OffsetSeconds(found, timestamp.Bits) : null;
    }

    // Current rules come from TimeZoneInfo, whose data is kept up to date. It lacks the seconds of old offsets, which NodaTime has.
    private static long OffsetSeconds(TimeZoneInfo zone, long seconds) =>
        seconds < OffsetsAreWholeMinutesFrom && DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone.Id) is { } past
            ? past.GetUtcOffset(Instant.FromUnixTimeSeconds(seconds)).Seconds
            : (long)zone.GetUtcOffset(DateTime.UnixEpoch.AddSeconds(seconds)).TotalSeconds;

    // Z, +01:00, or with the seconds of a historic offset, +00:34:08.
    private static bool TryOffset(ReadOnlySpan<char> text, out int seconds)
    {
        seconds = 0;
        if (text is "Z" or "z")
        {
            return true;
        }

        var rest = 0;
        if (text.Length is not (6 or 9) || text[0] is not ('+' or '-') || text[3] != ':'
            || !TryDigits(text, 1, 2, out var hours) || !TryDigits(text, 4, 2, out var minutes) || hours > 23 || minutes > 59
            || (text.Length == 9 && (text[6] != ':' || !TryDigits(text, 7, 2, out rest) || rest > 59)))
        {
            return false;
        }

        seconds = ((((hours * 60) + minutes) * 60) + rest) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<char> text, int at, int count, out int value)
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

    // The nanoseconds of the first nine decimals of a second.
    private static int FractionNanos(ReadOnlySpan<char> digits)
    {
        var value = 0;
        for (var i = 0; i < 9; i++)
        {
            value = (value * 10) + (i < digits.Length ? digits[i] - '0' : 0);
        }

        return value;
    }

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
