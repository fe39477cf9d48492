using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>Calls an operation, or runs a saga of another contract: <c>effect</c>, <c>compute</c>, <c>saga</c>.</summary>
public sealed class CallStep : StepPlan
{
    internal CallStep()
    {
    }

    /// <summary>The time limit of an attempt if the step, its connection and the declaration of its remote operation set none.</summary>
    public static TimeSpan DefaultTimeout { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Who runs it.</summary>
    public required CallRole Role { get; init; }

    /// <summary>The operation or the contract that it calls.</summary>
    public required Invocation Invocation { get; init; }

    /// <summary>The type that the contract requires of the result (<c>returns</c>), or null.</summary>
    public DataType? Returns { get; init; }

    /// <summary>The type of the operation's own result.</summary>
    public required DataType ResultType { get; init; }

    /// <summary>The assignments to <c>data</c>; they may read <c>result</c>.</summary>
    public ImmutableArray<Assignment> Save { get; init; } = [];

    /// <summary>How failures are retried.</summary>
    public required RetryPolicy Retry { get; init; }

    /// <summary>The time limit of an attempt.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The time without a report after which a running attempt of a compute times out; null for no limit.</summary>
    public TimeSpan? HeartbeatTimeout { get; init; }

    /// <summary>The shortest heartbeat timeout. It leaves time for several reports, so that a late one does no harm.</summary>
    public static TimeSpan HeartbeatMin { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The results that count as a rejection, a final business "no".</summary>
    public ImmutableArray<RejectRule> Reject { get; init; } = [];

    /// <summary>Its compensation, or null.</summary>
    public CompensationPlan? Compensation { get; init; }

    /// <summary>Whether another attempt may follow one that took effect, but whose result cannot be used.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>Whether an expression reads <c>steps.&lt;id&gt;</c>, so the result must be stored.</summary>
    public bool ResultIsRead { get; internal set; }

    /// <summary>The paths of the result that are read (<c>body.score</c>); an empty path means the whole result.</summary>
    public ImmutableArray<ImmutableArray<string>> ResultPaths { get; internal set; } = [];
}

/// <summary>A result that counts as a rejection, a final business "no".</summary>
/// <param name="When">The guard over <c>result</c>.</param>
/// <param name="Code">The code of the rejection.</param>
public sealed record RejectRule(Expression When, string Code);
