namespace Onex.Contracts.Plans;

/// <summary>A call of an operation.</summary>
/// <param name="Operation">Its name, or that of the contract (<see cref="CallRole.Saga"/>).</param>
/// <param name="Connection">The connection it goes through, or null.</param>
/// <param name="Arguments">Its arguments: a template for a map.</param>
public sealed record Invocation(string Operation, string? Connection, Template Arguments)
{
    /// <summary>A template over <c>input</c>; the limits of the connection that have a key count each value alone. Null if unset.</summary>
    public Template? LimitKey { get; init; }

    /// <summary>The topic of its commands, without the configured prefix, if a remote worker runs it; else null.</summary>
    public string? Topic { get; init; }
}
