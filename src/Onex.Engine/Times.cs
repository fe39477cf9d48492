namespace Onex.Engine;

/// <summary>Arithmetic with times that a contract gives.</summary>
internal static class Times
{
    /// <summary>That long after a time; the end of all time rather than an overflow.</summary>
    public static DateTimeOffset After(DateTimeOffset at, TimeSpan span) =>
        span >= DateTimeOffset.MaxValue - at ? DateTimeOffset.MaxValue : at + span;
}
