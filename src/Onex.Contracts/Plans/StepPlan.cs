using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>One step.</summary>
public abstract class StepPlan
{
    private protected StepPlan()
    {
    }

    /// <summary>Its id, unique in the contract. A step that calls nothing and has none of its own is called after its place: <c>state[2]</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Where its final error leads, before the state's own <c>catch</c>.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];
}

/// <summary>Which role runs a call.</summary>
public enum StepKind
{
    /// <summary>A touch on the outside world, run by runtime-effects.</summary>
    Effect,

    /// <summary>A pure computation, run by runtime-worker.</summary>
    Compute,

    /// <summary>Another contract's saga, run by main: a child, whose end is the call's outcome.</summary>
    Saga,
}
