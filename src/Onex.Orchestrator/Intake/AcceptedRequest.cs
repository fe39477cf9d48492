using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Intake;

/// <summary>What an accepted request does.</summary>
internal abstract record AcceptedRequest
{
    private AcceptedRequest()
    {
    }

    /// <summary>It starts a saga.</summary>
    public sealed record Start(SagaFacts Facts) : AcceptedRequest;

    /// <summary>It is an event for a saga that is still to be found.</summary>
    public sealed record Event(EventRequest Request) : AcceptedRequest;
}

/// <summary>An event whose saga is still to be found.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Event">The event's name.</param>
/// <param name="Given">Its payload as it was sent. The plan of its saga determines the types.</param>
/// <param name="Requester">Who is answered if it is rejected.</param>
internal sealed record EventRequest(string Contract, string Event, CelValue Given, Requester Requester)
{
    /// <summary>How long it may arrive before its saga, or null if it may not.</summary>
    public TimeSpan? Early { get; init; }

    /// <summary>
    /// Why the newest loaded plan rejects it, or null. Used only if there is no live saga, because a live saga's own plan decides.
    /// </summary>
    public Rejection? Misfit { get; init; }

    /// <summary>The saga that it is known to be for, whatever the sender named; or null.</summary>
    public SagaId? KnownSagaId { get; init; }

    /// <summary>The identity of its request.</summary>
    public MessageId MessageId => Requester.RequestId;

    /// <summary>The address of its saga.</summary>
    public EventAddress Address =>
        new(MessageId, Contract, Requester.CorrelationId, KnownSagaId ?? Requester.Target?.SagaId, Requester.Target?.Key);

    /// <summary>
    /// The event as the saga's own plan reads it, or why that plan rejects it. The saga's plan decides, whichever is the newest.
    /// </summary>
    public (ExternalEvent? Event, Rejection? Rejection) For(Plan plan, SagaId sagaId)
    {
        if (!plan.Events.TryGetValue(Event, out var declared))
        {
            // If the newest plan does not declare it either, the name is misspelt.
            var code = Misfit is { Code: ErrorCodes.OperationUnknown } ? ErrorCodes.OperationUnknown : ErrorCodes.EventUnwanted;
            return (null, new Rejection(
                code,
                $"The saga runs '{plan.Name}' {plan.Version}, which has no event '{Spelling.Clip(Event)}'. "
                + Spelling.Suggest(Event, "events", [.. plan.Events.Keys.Order(StringComparer.Ordinal)]),
                Requester)
            {
                SagaId = sagaId,
            });
        }

        // In the order in which it would be read again if the saga buffers it.
        return RequestRules.TryRead(declared, StoredOrder.Sort(Given), out var data, out var problem)
            ? (new ExternalEvent { SagaId = sagaId, CausedBy = MessageId, Event = Event, Data = data, Requester = Requester }, null)
            : (null, RequestRules.Mismatch(plan, Event, problem, Requester) with { SagaId = sagaId });
    }
}
