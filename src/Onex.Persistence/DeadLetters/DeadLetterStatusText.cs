using System.Diagnostics;

namespace Onex.Persistence.DeadLetters;

/// <summary>The text of a status in the database, in logs and in the API.</summary>
public static class DeadLetterStatusText
{
    /// <summary>The status as text: <c>open</c>.</summary>
    public static string ToText(this DeadLetterStatus status) => status switch
    {
        DeadLetterStatus.Open => "open",
        DeadLetterStatus.Redriven => "redriven",
        DeadLetterStatus.Discarded => "discarded",
        _ => throw new UnreachableException(),
    };

    /// <summary>Parses a stored status. Throws for an unknown one, which a check constraint excludes.</summary>
    public static DeadLetterStatus Parse(string text) => text switch
    {
        "open" => DeadLetterStatus.Open,
        "redriven" => DeadLetterStatus.Redriven,
        "discarded" => DeadLetterStatus.Discarded,
        _ => throw new InvalidOperationException($"'{text}' is not a dead letter status."),
    };
}
