using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>Writes into <c>data</c> inside the transition, without a message: <c>set: { total: data.total + 1.0 }</c>.</summary>
public sealed class SetStep : StepPlan
{
    internal SetStep()
    {
    }

    /// <summary>The assignments; all are evaluated over the previous <c>data</c>.</summary>
    public required ImmutableArray<Assignment> Assignments { get; init; }
}
