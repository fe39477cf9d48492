using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>What an event does in a state: a transition or, with <see cref="Stay"/>, only assignments to <c>data</c>.</summary>
/// <param name="Event">The event's name; declared in <see cref="Plan.Events"/>.</param>
/// <param name="When">The guard over <c>event</c>, or null if it always holds.</param>
/// <param name="Set">The assignments to <c>data</c>, made before the transition; they may read <c>event</c>.</param>
/// <param name="Next">The target state; null with <c>stay: true</c>.</param>
public sealed record EventRule(string Event, Expression? When, ImmutableArray<Assignment> Set, string? Next)
{
    /// <summary>Whether the saga stays in its state: its steps and timers continue.</summary>
    public bool Stay => Next is null;
}
