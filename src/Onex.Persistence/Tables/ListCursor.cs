using System.Globalization;

namespace Onex.Persistence.Tables;

/// <summary>
/// The end of a page of a list, as text for clients: the time of the last row, in microseconds, and its id. Rows that are added or removed
/// do not shift the next page. A dead letter that is reopened gets a new time, so it moves to the first page.
/// </summary>
internal sealed record ListCursor(DateTimeOffset At, Guid Id)
{
    /// <summary>Parses a cursor; null for null.</summary>
    /// <exception cref="FormatException">The text is not a cursor of an earlier page.</exception>
    public static ListCursor? Read(string? after)
    {
        if (after is not { } text)
        {
            return null;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash > 0
            && long.TryParse(text.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() * 1_000
            && Guid.TryParseExact(text.AsSpan(dash + 1), "N", out var id))
        {
            return new ListCursor(DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), id);
        }

        throw new FormatException("'after' is not a cursor: use the 'next' of the previous page.");
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(At - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}-{Id:N}");
}
