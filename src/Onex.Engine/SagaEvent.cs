using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>
/// A message to a saga. MassTransit calls all of them events; what the glossary calls an event is <see cref="ExternalEvent"/>.
/// </summary>
internal abstract record SagaEvent
{
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

/// <summary>A saga's wake-up is due.</summary>
internal sealed record TimerFired : SagaEvent
{
    /// <summary>The ledger entries of the due effects without an outcome. A command without an entry has no element.</summary>
    public required IReadOnlyDictionary<CommandId, Lease> Leases { get; init; }

    /// <summary>
    /// The commands as they were when the ledger was queried, which the results that it had may have changed since; empty if it was not.
    /// </summary>
    public ImmutableArray<Outstanding> Queried { get; init; } = [];

    /// <summary>The items that were requested (<see cref="EachItems.Wanted"/>), as they are stored.</summary>
    public IReadOnlyList<StoredItems> Items { get; init; } = [];
}

/// <summary>Another request joins the saga and receives its response; or the parent sent its request again.</summary>
internal sealed record RequestJoined : SagaEvent
{
    public required Waiter Waiter { get; init; }

    /// <summary>Whether the saga's parent cancels the saga with it.</summary>
    public bool Cancels { get; init; }
}

/// <summary>An event from outside, addressed to this saga.</summary>
internal sealed record ExternalEvent : SagaEvent
{
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

    /// <summary>Who sent it: the name of the operator's token, or the parent saga.</summary>
    public required string By { get; init; }

    /// <summary>Why, in the operator's words, or null.</summary>
    public string? Reason { get; init; }
}

/// <summary>
/// The messages of the saga's commands in flight may be lost, because the embedded log is in memory: the same attempts are sent again.
/// </summary>
internal sealed record ResendRequested : SagaEvent;
