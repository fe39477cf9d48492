using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>Runs branches at the same time: <c>parallel</c>.</summary>
public sealed class ParallelStep : StepPlan
{
    internal ParallelStep()
    {
    }

    /// <summary>The branches; two at least.</summary>
    public required ImmutableArray<BranchPlan> Branches { get; init; }

    /// <summary>When it is done.</summary>
    public required Join Join { get; init; }

    /// <summary>How many branches must complete.</summary>
    public required int Needed { get; init; }
}

/// <summary>When branches that run at the same time are done.</summary>
public enum Join
{
    /// <summary>All of them must complete; the first that fails ends the others.</summary>
    All,

    /// <summary>One must complete; the others are ended then.</summary>
    Any,

    /// <summary>A number of them must complete; the others are ended then.</summary>
    AtLeast,
}

/// <summary>One branch: steps that run in order.</summary>
/// <param name="Steps">The steps; one at least.</param>
/// <param name="Keep">Whether what it has done stays done if the join does not wait for it (<c>losers: keep</c>); else it is taken back.</param>
public sealed record BranchPlan(ImmutableArray<StepPlan> Steps, bool Keep);
