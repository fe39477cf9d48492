using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>A step of a plan.</summary>
public abstract class StepPlan
{
    private protected StepPlan()
    {
    }

    /// <summary>Its id, unique in the contract. A step without an id is named by its position: <c>state[2]</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The transitions for its final failure, before those of the state.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];
}
