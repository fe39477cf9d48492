using System.Globalization;

namespace Onex.Persistence.Sagas;

/// <summary>
/// Where a page of sagas ended, as text for clients: when the last one began, in microseconds, and its id. Pages stay right while sagas come
/// and go, for neither ever changes.
/// </summary>
internal sealed record SagaCursor(DateTimeOffset StartedAt, Guid Id)
{
    public static SagaCursor Of(SagaRow row) => new(row.StartedAt, row.Id);

    /// <exception cref="ArgumentException">It is not what an earlier page gave.</exception>
    public static SagaCursor? Read(SagaFilter filter)
    {
        if (filter.After is not { } text)
        {
            return null;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash > 0
            && long.TryParse(text.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() * 1_000
            && Guid.TryParseExact(text.AsSpan(dash + 1), "N", out var id))
        {
            return new SagaCursor(DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), id);
        }

        throw new ArgumentException("'after' is no cursor: give the 'next' of the page before.", nameof(filter));
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(StartedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}-{Id:N}");
}
