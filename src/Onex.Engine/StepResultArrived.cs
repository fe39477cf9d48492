using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>A result of a command.</summary>
internal sealed record StepResultArrived : SagaEvent
{
    public required CommandId CommandId { get; init; }

    public required int Attempt { get; init; }

    public required StepOutcome Outcome { get; init; }

    /// <summary>What the operation returned, or null if there was no answer.</summary>
    public CelValue? Result { get; init; }

    /// <summary>The reason's code, unless completed.</summary>
    public string? Code { get; init; }

    /// <summary>The reason for people, unless completed.</summary>
    public string? Message { get; init; }

    /// <summary>Why the result's body is text although the service declares JSON, for people; null if it has the declared type.</summary>
    public string? Unparsed { get; init; }

    /// <summary>
    /// Whether <see cref="Result"/> stands for a result that an example does not script. It has no type, and an expression that reads it
    /// gets an error that says so.
    /// </summary>
    public bool IsStandIn { get; init; }

    /// <summary>Whether it was read from the topic of the workers' results, to which remote workers write.</summary>
    public bool IsFromWorker { get; init; }

    /// <summary>
    /// For an undeliverable command: whether nothing more is to be found out about it. The ledger has cancelled an effect before any role
    /// claimed it; a compute has no effect; a remote worker may have a copy, which the engine takes into account itself.
    /// </summary>
    public bool IsClosed { get; init; }

    /// <summary>The delay that the service requests before the next attempt, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>How far the attempt came, as its role reports it; null if it does not.</summary>
    public AttemptReach? Reach { get; init; }

    /// <summary>How far it came. By default a failed attempt may have taken effect, and a rejection came from the service.</summary>
    public AttemptReach Reached => Outcome switch
    {
        StepOutcome.Completed => AttemptReach.Done,
        StepOutcome.Rejected => Reach ?? AttemptReach.Answered,
        _ => Reach ?? AttemptReach.Sent,
    };
}

/// <summary>How an attempt ended, as its role classified it; in a <see cref="ClassifiedResult"/> also by the contract's rules.</summary>
internal enum StepOutcome
{
    Completed,
    Rejected,
    Failed,

    /// <summary>Not from a role: the broker rejects a copy of the command for good.</summary>
    Undeliverable,
}
