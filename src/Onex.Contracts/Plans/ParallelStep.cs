using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>Runs branches at the same time: <c>parallel</c>.</summary>
public sealed class ParallelStep : StepPlan
{
    internal ParallelStep()
    {
    }

    /// <summary>The branches; at least two.</summary>
    public required ImmutableArray<BranchPlan> Branches { get; init; }

    /// <summary>When the step completes.</summary>
    public required Join Join { get; init; }

    /// <summary>How many branches must complete.</summary>
    public required int Needed { get; init; }
}

/// <summary>When a <c>parallel</c> step completes.</summary>
public enum Join
{
    /// <summary>All branches must complete; the first failure ends the others.</summary>
    All,

    /// <summary>One must complete; then the others are ended.</summary>
    Any,

    /// <summary>A number of them must complete; then the others are ended.</summary>
    AtLeast,
}

/// <summary>A branch: steps that run in order.</summary>
/// <param name="Steps">The steps; at least one.</param>
/// <param name="Keep">Whether completed steps are kept if the join does not wait for the branch (<c>losers: keep</c>); otherwise they are
/// compensated.</param>
public sealed record BranchPlan(ImmutableArray<StepPlan> Steps, bool Keep);
