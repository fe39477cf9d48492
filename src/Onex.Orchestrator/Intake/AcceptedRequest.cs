using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Intake;

/// <summary>What an accepted request asks for.</summary>
internal abstract record AcceptedRequest
{
    private AcceptedRequest()
    {
    }

    /// <summary>A saga is to be started.</summary>
    public sealed record Start(SagaFacts Facts) : AcceptedRequest;

    /// <summary>An event is for a saga that is to be found.</summary>
    public sealed record Event(EventRequest Request) : AcceptedRequest;
}

/// <summary>An event on its way to its saga.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Event">The event's name.</param>
/// <param name="Given">Its payload as it came: the plan that the saga started with gives it its types.</param>
/// <param name="Requester">Who is told if it is refused.</param>
internal sealed record EventRequest(string Contract, string Event, CelValue Given, Requester Requester)
{
    /// <summary>How long it may come before its saga, or null if it may not.</summary>
    public TimeSpan? Early { get; init; }

    /// <summary>Why the newest plan that is loaded does not take it, or null. Only told where no live saga fits: a saga's own plan has the last word.</summary>
    public Rejection? Misfit { get; init; }

    /// <summary>The saga that it is known to be for, whatever its sender named; or null.</summary>
    public SagaId? KnownSagaId { get; init; }

    /// <summary>Its identity.</summary>
    public MessageId MessageId => Requester.RequestId;

    /// <summary>Where it goes.</summary>
    public EventAddress Address => new(MessageId, Contract, Requester.CorrelationId, KnownSagaId ?? Requester.Target?.SagaId, Requester.Target?.Key);

    /// <summary>The event as a saga's own plan takes it, or why it does not. That plan has the last word, whichever is the newest.</summary>
    public (ExternalEvent? Event, Rejection? Rejection) For(Plan plan, SagaId sagaId)
    {
        if (!plan.Events.TryGetValue(Event, out var declared))
        {
            // Where the newest plan does not know it either, it is a misspelt name.
            var code = Misfit is { Code: ErrorCodes.OperationUnknown } ? ErrorCodes.OperationUnknown : ErrorCodes.EventUnwanted;
            return (null, new Rejection(
                code,
                $"The saga runs '{plan.Name}' {plan.Version}, which has no event '{Spelling.Clip(Event)}'. "
                + Spelling.Suggest(Event, "events", [.. plan.Events.Keys.Order(StringComparer.Ordinal)]),
                code == ErrorCodes.OperationUnknown ? nameof(ErrorCodes.OperationUnknown) : nameof(ErrorCodes.EventUnwanted),
                Requester)
            {
                SagaId = sagaId,
            });
        }

        // In the order in which it would be read again if the saga keeps it.
        return RequestRules.TryRead(declared, StoredOrder.Of(Given), out var data, out var problem)
            ? (new ExternalEvent { SagaId = sagaId, CausedBy = MessageId, Event = Event, Data = data, Requester = Requester }, null)
            : (null, RequestRules.Mismatch(plan, Event, problem, Requester) with { SagaId = sagaId });
    }
}
