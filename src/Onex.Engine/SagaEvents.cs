using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>The events of a saga: the few message types that every plan's state machine accepts.</summary>
internal abstract record SagaEvent
{
    /// <summary>The saga it is for.</summary>
    public required SagaId SagaId { get; init; }

    /// <summary>The identity of the message that carries it: part of the transition's identity.</summary>
    public required MessageId CausedBy { get; init; }
}

/// <summary>The request that starts a saga was accepted.</summary>
internal sealed record SagaStarted : SagaEvent
{
    public required SagaFacts Facts { get; init; }

    /// <summary>Whether its parent cancelled it before it started. It ends at once, so it never runs.</summary>
    public bool CancelledBeforeStart { get; init; }
}

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

    /// <summary>For an undeliverable command: whether no role has taken a copy of it, and none can any more.</summary>
    public bool IsClosed { get; init; }

    /// <summary>The delay that the service requests before the next attempt.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>How far the attempt came, as its role reports it; null if it does not.</summary>
    public AttemptReach? Reach { get; init; }

    /// <summary>How far it came. By default the outcome of a failure is unknown, and a rejection is the service's answer.</summary>
    public AttemptReach Reached => Outcome switch
    {
        StepOutcome.Completed => AttemptReach.Done,
        StepOutcome.Rejected => Reach ?? AttemptReach.Answered,
        _ => Reach ?? AttemptReach.Sent,
    };
}

/// <summary>How a role classified an attempt. The contract's own rules apply after it.</summary>
internal enum StepOutcome
{
    Completed,
    Rejected,
    Failed,

    /// <summary>The broker rejects a copy of the command for good.</summary>
    Undeliverable,
}

/// <summary>A saga's wake-up is due.</summary>
internal sealed record TimerFired : SagaEvent
{
    /// <summary>The ledger entries of the commands in flight that are due. Commands without an entry are missing.</summary>
    public required IReadOnlyDictionary<CommandId, Lease> Leases { get; init; }

    /// <summary>The items that were requested (<see cref="EachItems.Wanted"/>), as they are stored.</summary>
    public IReadOnlyList<StoredItems> Items { get; init; } = [];
}

/// <summary>Items of an <c>each</c> that a decision needs.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">Which visit of its state.</param>
/// <param name="Below">Only items below this index, from the highest down, for compensation. Null: all, in order.</param>
/// <param name="Limit">How many at most.</param>
internal sealed record WantedItems(string Step, int Visit, int? Below, int Limit);

/// <summary>The items that were requested.</summary>
internal sealed record StoredItems(WantedItems Wanted, IReadOnlyList<SagaItem> Items);

/// <summary>The ledger entry of a command whose outcome it does not know.</summary>
/// <param name="Attempt">The latest attempt that a role claimed.</param>
/// <param name="ValidUntil">When the lease expires; null if it has expired.</param>
internal sealed record Lease(int Attempt, DateTimeOffset? ValidUntil)
{
    /// <summary>Whether it was cancelled before a role claimed it, so it never takes effect.</summary>
    public bool Cancelled { get; init; }
}

/// <summary>Another request joins the saga and receives its response.</summary>
internal sealed record RequestJoined : SagaEvent
{
    public required Waiter Waiter { get; init; }

    /// <summary>Whether it comes from the saga's parent, which cancels the saga.</summary>
    public bool Cancels { get; init; }
}

/// <summary>An event from outside, addressed to this saga.</summary>
internal sealed record ExternalEvent : SagaEvent
{
    /// <summary>The event's name.</summary>
    public required string Event { get; init; }

    /// <summary>Its payload, checked against the event's type.</summary>
    public required CelValue Data { get; init; }

    /// <summary>Who is answered if the event is declined. <see cref="Requester.RequestId"/> is the event's identity.</summary>
    public required Requester Requester { get; init; }
}

/// <summary>An operator's command.</summary>
internal sealed record OperatorRequested : SagaEvent
{
    public required OperatorCommand Command { get; init; }

    /// <summary>Who sent it: the name of the token.</summary>
    public required string By { get; init; }

    /// <summary>Why, in the operator's words, or null.</summary>
    public string? Reason { get; init; }
}

/// <summary>What an operator can do with a saga.</summary>
internal enum OperatorCommand
{
    /// <summary>Compensate completed steps and end as cancelled, whatever the contract does about failures. Not past the pivot.</summary>
    Cancel,

    /// <summary>End at once and compensate nothing.</summary>
    Terminate,

    /// <summary>Retry what blocks the saga.</summary>
    Retry,

    /// <summary>Skip what blocks the saga.</summary>
    Skip,

    /// <summary>Send nothing new until it is resumed.</summary>
    Pause,

    /// <summary>Continue a paused saga.</summary>
    Resume,
}

/// <summary>
/// The messages of its commands in flight may be lost, because the embedded log is in memory: the same attempts are sent again.
/// </summary>
internal sealed record ResendRequested : SagaEvent;
