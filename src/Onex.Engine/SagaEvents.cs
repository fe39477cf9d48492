using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>What may happen to a saga: the few message types that every plan's state machine accepts.</summary>
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

    /// <summary>Whether its parent has cancelled it before it began: it ends at once, so that it never begins.</summary>
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

    /// <summary>Why the result's body is text although the service declares JSON, for people; null if it is what it says.</summary>
    public string? Unparsed { get; init; }

    /// <summary>
    /// Whether <see cref="Result"/> stands for one that an example does not give: it has no type, and where it is read it is an error that says so.
    /// </summary>
    public bool IsStandIn { get; init; }

    /// <summary>Of an undeliverable command: whether nobody has taken any copy of it, and nobody can any more.</summary>
    public bool IsClosed { get; init; }

    /// <summary>The other side's wish for when to try again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>How far the attempt came as its role says it; null if it does not.</summary>
    public AttemptReach? Reach { get; init; }

    /// <summary>How far it came: without more, what failed is unknown, and what was rejected is the service's word.</summary>
    public AttemptReach Reached => Outcome switch
    {
        StepOutcome.Completed => AttemptReach.Done,
        StepOutcome.Rejected => Reach ?? AttemptReach.Answered,
        _ => Reach ?? AttemptReach.Sent,
    };
}

/// <summary>How a role classified an attempt; the contract's own rules come on top.</summary>
internal enum StepOutcome
{
    Completed,
    Rejected,
    Failed,

    /// <summary>The broker refuses a copy of the command for good.</summary>
    Undeliverable,
}

/// <summary>A saga's wake-up time has come.</summary>
internal sealed record TimerFired : SagaEvent
{
    /// <summary>What the ledger says of the commands in flight that are due. Commands it has never seen are missing.</summary>
    public required IReadOnlyDictionary<CommandId, Lease> Leases { get; init; }

    /// <summary>The items that were wanted (<see cref="EachItems.Wanted"/>), as they are stored.</summary>
    public IReadOnlyList<StoredItems> Items { get; init; } = [];
}

/// <summary>Items of an <c>each</c> that a decision needs.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">Which visit of its state.</param>
/// <param name="Below">Only those of a lower index, from the highest down: to be taken back. Null: all, in order.</param>
/// <param name="Limit">How many at most.</param>
internal sealed record WantedItems(string Step, int Visit, int? Below, int Limit);

/// <summary>The answer to that.</summary>
internal sealed record StoredItems(WantedItems Wanted, IReadOnlyList<SagaItem> Items);

/// <summary>What the effect ledger says of a command whose outcome it does not know.</summary>
/// <param name="Attempt">The latest attempt that was taken.</param>
/// <param name="ValidUntil">Until when the lease is valid, or null if it has run out.</param>
internal sealed record Lease(int Attempt, DateTimeOffset? ValidUntil)
{
    /// <summary>Whether it was cancelled before anyone took it: it has not happened and never will.</summary>
    public bool Cancelled { get; init; }
}

/// <summary>A further request wants the saga's answer.</summary>
internal sealed record RequestJoined : SagaEvent
{
    public required Waiter Waiter { get; init; }

    /// <summary>Whether it is the saga's parent, which has no more use for it.</summary>
    public bool Cancels { get; init; }
}

/// <summary>An event from outside, addressed to this saga.</summary>
internal sealed record ExternalEvent : SagaEvent
{
    /// <summary>The event's name.</summary>
    public required string Event { get; init; }

    /// <summary>Its payload, checked against the event's type.</summary>
    public required CelValue Data { get; init; }

    /// <summary>Who is told if it is refused. <see cref="Requester.RequestId"/> is the event's identity.</summary>
    public required Requester Requester { get; init; }
}

/// <summary>What an operator asks for.</summary>
internal sealed record OperatorRequested : SagaEvent
{
    public required OperatorCommand Command { get; init; }

    /// <summary>Who asked: the name of the token.</summary>
    public required string By { get; init; }

    /// <summary>Why, in the operator's words, or null.</summary>
    public string? Reason { get; init; }
}

/// <summary>What an operator may ask of a saga.</summary>
internal enum OperatorCommand
{
    /// <summary>Compensate what was done and end as cancelled, whatever the contract does about failures. Not past the pivot.</summary>
    Cancel,

    /// <summary>End at once and compensate nothing.</summary>
    Terminate,

    /// <summary>A blocked saga tries again what it is blocked by.</summary>
    Retry,

    /// <summary>A blocked saga passes over what it is blocked by.</summary>
    Skip,

    /// <summary>Send nothing new until it is resumed.</summary>
    Pause,

    /// <summary>Go on.</summary>
    Resume,
}

/// <summary>The messages of its commands in flight may be lost (the embedded log lives in memory): the same attempts are sent again.</summary>
internal sealed record ResendRequested : SagaEvent;
