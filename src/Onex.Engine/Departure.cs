namespace Onex.Engine;

/// <summary>The state that a saga enters later: interrupted commands are resolved first, or it is paused, blocked or delayed.</summary>
/// <param name="Next">The state.</param>
internal sealed record Departure(string Next)
{
    /// <summary>Whether a failure leads there.</summary>
    public bool Failed { get; init; }

    /// <summary>The earliest time to enter the state, because the contract is in a cycle without progress; null for at once.</summary>
    public DateTimeOffset? At { get; init; }
}
