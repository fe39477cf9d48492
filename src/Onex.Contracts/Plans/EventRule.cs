using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>What an event does in a state: it leads to another state, or, with <see cref="Stay"/>, only sets fields of <c>data</c>.</summary>
/// <param name="Event">The event's name; declared in <see cref="Plan.Events"/>.</param>
/// <param name="When">The guard over <c>event</c>, or null if it always holds.</param>
/// <param name="Set">What is written into <c>data</c>, from <c>event</c> too, before the state changes.</param>
/// <param name="Next">The state it leads to; null with <c>stay: true</c>.</param>
public sealed record EventRule(string Event, Expression? When, ImmutableArray<Assignment> Set, string? Next)
{
    /// <summary>Whether the saga stays where it is: its steps and timers go on.</summary>
    public bool Stay => Next is null;
}
