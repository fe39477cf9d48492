using System.Globalization;

namespace Onex.Engine;

/// <summary>The last report of the process that runs the attempt in flight.</summary>
/// <param name="StartedAt">When the orchestrator learnt that the attempt has begun.</param>
/// <param name="At">When the last report arrived.</param>
internal sealed record AttemptReport(DateTimeOffset StartedAt, DateTimeOffset At)
{
    /// <summary>How much is done, from 0 to 1; null if it is not known.</summary>
    public double? Progress { get; init; }

    /// <summary>What is being done, for people, or null.</summary>
    public string? Text { get; init; }

    /// <summary>The process that runs it, for people, or null.</summary>
    public string? Worker { get; init; }

    /// <summary>How far it is, for people: <c>42 %: read 10 of 24 files</c>; empty if neither was reported.</summary>
    public string Describe()
    {
        var percent = Progress is { } done ? string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(done * 100):0} %") : null;
        return (percent, Text) switch
        {
            (null, null) => "",
            (null, { } text) => text,
            ({ } share, null) => share,
            ({ } share, { } text) => $"{share}: {text}",
        };
    }
}
