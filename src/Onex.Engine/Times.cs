namespace Onex.Engine;

/// <summary>Arithmetic with the times of a saga.</summary>
internal static class Times
{
    /// <summary>The time plus a duration, or the maximum instead of an overflow.</summary>
    public static DateTimeOffset After(DateTimeOffset at, TimeSpan span) =>
        span >= DateTimeOffset.MaxValue - at ? DateTimeOffset.MaxValue : at + span;

    /// <summary>The earlier of two times. Null is never, so it is later than any time.</summary>
    public static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => other is null || one < other ? one : other;
}
