using System.Globalization;

namespace Onex.Persistence.Postgres;

/// <summary>
/// Where a page of a list ended, as text for clients: the time by which the list is sorted, in microseconds, and the id of the last row. Pages
/// stay right while rows come and go, for neither ever changes.
/// </summary>
internal sealed record ListCursor(DateTimeOffset At, Guid Id)
{
    /// <summary>The cursor of that text, or null if there is none.</summary>
    /// <exception cref="FormatException">It is not what an earlier page gave.</exception>
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

        throw new FormatException("'after' is no cursor: give the 'next' of the page before.");
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(At - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}-{Id:N}");
}
