using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>Calls an operation that a role runs, or another contract: <c>effect</c>, <c>compute</c>, <c>saga</c>.</summary>
public sealed class CallStep : StepPlan
{
    internal CallStep()
    {
    }

    /// <summary>Which role runs it.</summary>
    public required StepKind Kind { get; init; }

    /// <summary>What is called.</summary>
    public required Invocation Invocation { get; init; }

    /// <summary>What the result must look like, beyond the operation's own schema, or null.</summary>
    public DataType? Returns { get; init; }

    /// <summary>The type of the operation's own result.</summary>
    public required DataType ResultType { get; init; }

    /// <summary>What is written into <c>data</c> from <c>result</c>.</summary>
    public ImmutableArray<Assignment> Save { get; init; } = [];

    /// <summary>How failures are retried.</summary>
    public required RetryPolicy Retry { get; init; }

    /// <summary>The time limit of an attempt if neither the step nor its connection sets one.</summary>
    public static TimeSpan DefaultTimeout { get; } = TimeSpan.FromSeconds(30);

    /// <summary>The time limit of an attempt.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Answers that are a final "no".</summary>
    public ImmutableArray<RejectRule> Reject { get; init; } = [];

    /// <summary>How it is taken back, or null.</summary>
    public CompensationPlan? Compensation { get; init; }

    /// <summary>Whether it may be called again after it has happened, to get an answer that is understood.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>Whether some expression reads <c>steps.&lt;id&gt;</c>, so that the result must be kept.</summary>
    public bool ResultIsRead { get; internal set; }

    /// <summary>Which paths below the result are read (<c>body.score</c>); a path that ends in nothing means all of it.</summary>
    public ImmutableArray<ImmutableArray<string>> ResultPaths { get; internal set; } = [];
}

/// <summary>An answer that is a final "no".</summary>
/// <param name="When">The guard over <c>result</c>.</param>
/// <param name="Code">The code of the rejection.</param>
public sealed record RejectRule(Expression When, string Code);
