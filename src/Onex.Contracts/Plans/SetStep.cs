using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>Writes into <c>data</c> inside the transition, without a message: <c>set: { total: data.total + 1.0 }</c>.</summary>
public sealed class SetStep : StepPlan
{
    internal SetStep()
    {
    }

    /// <summary>What is written; all are evaluated over <c>data</c> as it was before.</summary>
    public required ImmutableArray<Assignment> Assignments { get; init; }
}
