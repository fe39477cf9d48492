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

    public sealed record Start(SagaFacts Facts) : AcceptedRequest;

    /// <summary>An event for a saga that is still to be found.</summary>
    public sealed record Event(EventRequest Request) : AcceptedRequest;
}

/// <summary>An event whose saga is still to be found.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Event">The event's name.</param>
/// <param name="Payload">The event's payload as sent: the plan of its saga declares the types, and that saga is not known yet.</param>
/// <param name="Requester">Who is answered if the event is rejected.</param>
internal sealed record EventRequest(string Contract, string Event, CelValue Payload, Requester Requester)
{
    /// <summary>How long before its saga the event may arrive; null if it may not arrive before, or the newest plan rejects it.</summary>
    public TimeSpan? Early { get; init; }

    /// <summary>
    /// Why the event is rejected if there is no live saga: no plan of its contract is loaded, or the newest one rejects it; else null.
    /// </summary>
    public Rejection? RejectionByNewest { get; init; }

    /// <summary>The event's saga, if an earlier search found it; overrides the target that the sender named.</summary>
    public SagaId? KnownSagaId { get; init; }

    public MessageId MessageId => Requester.RequestId;

    public EventAddress Address =>
        new(MessageId, Contract, Requester.CorrelationId, KnownSagaId ?? Requester.Target?.SagaId, Requester.Target?.Key);

    /// <summary>
    /// The event with the types of the saga's own plan, or why that plan rejects it. The newest plan affects only a rejection's code.
    /// </summary>
    public (ExternalEvent? Event, Rejection? Rejection) For(Plan plan, SagaId sagaId)
    {
        if (!plan.Events.TryGetValue(Event, out var declared))
        {
            // If the newest plan does not declare the event either, or none is loaded, its name is taken to be misspelt.
            var code = RejectionByNewest is { Code: ErrorCodes.OperationUnknown } ? ErrorCodes.OperationUnknown : ErrorCodes.EventUnwanted;
            return (null, new Rejection(
                code,
                $"The saga runs '{plan.Name}' {plan.Version}, which has no event '{Spelling.Clip(Event)}'. "
                + Spelling.Suggest(Event, "events", [.. plan.Events.Keys.Order(StringComparer.Ordinal)]),
                Requester)
            {
                SagaId = sagaId,
            });
        }

        // Sorts the fields as the store does, so that an event that the saga buffers is the same when it is read again.
        return RequestRules.TryRead(declared, StoredOrder.Sort(Payload), out var data, out var problem)
            ? (new ExternalEvent { SagaId = sagaId, CausedBy = MessageId, Event = Event, Data = data, Requester = Requester }, null)
            : (null, RequestRules.Mismatch(plan, Event, problem, Requester) with { SagaId = sagaId });
    }
}
