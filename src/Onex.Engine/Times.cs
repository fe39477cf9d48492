namespace Onex.Engine;

/// <summary>Arithmetic with times that a contract gives.</summary>
internal static class Times
{
    /// <summary>The time plus a duration, or the maximum instead of an overflow.</summary>
    public static DateTimeOffset After(DateTimeOffset at, TimeSpan span) =>
        span >= DateTimeOffset.MaxValue - at ? DateTimeOffset.MaxValue : at + span;
}
