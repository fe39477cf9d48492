namespace Onex.Engine;

/// <summary>What a saga waits for, as a sentence and as its parts.</summary>
/// <param name="Sentence">For people: what it waits for, since when and until when.</param>
/// <param name="Status">The saga's status.</param>
/// <param name="State">Its state.</param>
/// <param name="Since">Since when.</param>
/// <param name="Until">The next wake-up, or null.</param>
/// <param name="Waits">What it waits for: steps in flight, events by name, a time, an operator.</param>
/// <param name="Actions">The commands that an operator can use: arguments of <c>onex</c>.</param>
internal sealed record WaitReason(
    string Sentence,
    string Status,
    string State,
    DateTimeOffset Since,
    DateTimeOffset? Until,
    IReadOnlyList<string> Waits,
    IReadOnlyList<string> Actions);
