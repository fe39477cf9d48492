using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;

namespace Onex.Orchestrator.Routing;

/// <summary>One message for one saga, on its way through the router.</summary>
internal sealed class WorkItem(SagaEvent message, BatchEntry? entry)
{
    private static readonly Dictionary<Guid, Lease> _none = [];

    /// <summary>What happened. A start that finds its saga there already becomes a joining request.</summary>
    public SagaEvent Message { get; private set; } = message;

    /// <summary>The record it came from; null if it came another way.</summary>
    public BatchEntry? Entry { get; } = entry;

    /// <summary>Who waits for its outcome without a record, or null.</summary>
    public TaskCompletionSource<WorkOutcome>? Caller { get; init; }

    /// <summary>The event that it carries, or null if it carries none.</summary>
    public EventRequest? Event { get; private set; }

    /// <summary>Whether nobody knows yet which saga its event is for.</summary>
    public bool IsUnaddressed => Event is not null && Message.SagaId == Guid.Empty;

    /// <summary>The stored result that it refers to, or null.</summary>
    public Guid? ResultRef { get; init; }

    /// <summary>Whether it is an outcome that the ledger told because of a wake-up, which would ask again.</summary>
    public bool IsFromLedger { get; init; }

    /// <summary>Whether its values were refused by the database once.</summary>
    public bool WasRefused { get; set; }

    /// <summary>What was decided on it last; null if its saga's state does not accept it.</summary>
    public Decision? Decision { get; private set; }

    /// <summary>Why nothing comes of its event, if that was decided last.</summary>
    public Rejection? Rejection { get; private set; }

    /// <summary>Whether its event goes to the dead-letter topic then.</summary>
    public bool IsDead { get; private set; }

    /// <summary>Why Onex cannot handle it, or null.</summary>
    public HandlingFailure? HandlingFailure { get; private set; }

    /// <summary>Says why it cannot be handled; told once the outcome of its saga is durable.</summary>
    public void Break(HandlingFailure trouble) => (Decision, HandlingFailure) = (null, trouble);

    /// <summary>Looks into its saga on behalf of others: what that throws is this message's trouble, and of no other one.</summary>
    public void Attempt(Action look)
    {
        try
        {
            look();
        }
#pragma warning disable CA1031 // One saga that cannot be handled must hold up no other.
        catch (Exception failure) when (!Contracts.Messages.MemoryShortage.Is(failure))
#pragma warning restore CA1031
        {
            Break(new HandlingFailure(Contracts.Messages.ErrorCodes.HandlingFailed, failure.Message, failure.GetType().Name));
        }
    }

    /// <summary>What an accepted request asks for.</summary>
    public static WorkItem Of(AcceptedRequest request, BatchEntry? entry, TaskCompletionSource<WorkOutcome>? caller = null) => request switch
    {
        AcceptedRequest.Start { Facts: var facts } =>
            new WorkItem(new SagaStarted { SagaId = facts.SagaId, CausedBy = facts.Requester.RequestId, Facts = facts }, entry) { Caller = caller },
        AcceptedRequest.Event { Request: var sent } => Of(sent, entry, caller),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>An event on its way to a saga that is to be found.</summary>
    public static WorkItem Of(EventRequest request, BatchEntry? entry, TaskCompletionSource<WorkOutcome>? caller = null) =>
        new(ToEvent(request, Guid.Empty), entry) { Event = request, Caller = caller };

    /// <summary>Says which saga its event is for.</summary>
    public void Address(Guid sagaId) => Message = ToEvent(Event!, sagaId);

    /// <summary>The saga that it was for is no longer the one: it is to be found again.</summary>
    public void Unaddress() => Address(Guid.Empty);

    /// <summary>Replaces what happened.</summary>
    public void Become(SagaEvent other) => Message = other;

    /// <summary>It is decided anew.</summary>
    public void Forget() => (Decision, Rejection, IsDead, HandlingFailure) = (null, null, false, HandlingFailure is { IsFinal: true } ? HandlingFailure : null);

    /// <summary>What was decided on it.</summary>
    public void Take(Decision? decision)
    {
        Decision = decision;
        if (Event is { } sent && decision?.Rejections.FirstOrDefault(refused => refused.Event.MessageId == sent.MessageId) is { } rejection)
        {
            Turn(rejection.ToRejection(Message.SagaId), rejection.IsDead);
        }
    }

    /// <summary>Nothing comes of its event.</summary>
    public void Turn(Rejection rejection, bool isDead) => (Rejection, IsDead) = (rejection, isDead);

    /// <summary>Its outcome is durable.</summary>
    /// <param name="sagaId">The saga that has it, or null if none has it yet.</param>
    /// <param name="saga">That saga as it is now, if it is at hand.</param>
    public void Done(Guid? sagaId, SagaState? saga = null)
    {
        Entry?.Complete(RecordOutcome.Handled.Instance);
        Caller?.TrySetResult(new WorkOutcome.Done(sagaId, saga, Decision));
        LetGo();
    }

    /// <summary>Nothing comes of it, and whoever sent it is told why.</summary>
    public void Refuse(Rejection rejection, bool isDead, RejectionSender rejections, CancellationToken cancellation)
    {
        if (Decision is { Changed: true })
        {
            // The answer has left with the commit.
            Entry?.Complete(RecordOutcome.Handled.Instance);
        }
        else if (Entry is { } entry)
        {
            _ = rejections.AnswerAsync(entry, rejection, isDead, cancellation);
        }

        Caller?.TrySetResult(new WorkOutcome.Refused(rejection, isDead));
        LetGo();
    }

    /// <summary>It cannot be handled.</summary>
    public void Fail(string code, string reason, string errorType)
    {
        Entry?.Complete(new RecordOutcome.Dead(code, reason, errorType, null));
        Caller?.TrySetResult(new WorkOutcome.Failed(code, reason, errorType));
    }

    // Its batch goes on without it, and must not hold what it carried and what came of it until the last one is done. Who waits for it looks at it still.
    private void LetGo()
    {
        if (Caller is null)
        {
            (Decision, Event) = (null, null);
            Message = new TimerFired { SagaId = Message.SagaId, CausedBy = Message.CausedBy, Leases = _none };
        }
    }

    private static ExternalEvent ToEvent(EventRequest request, Guid sagaId) => new()
    {
        SagaId = sagaId,
        CausedBy = request.MessageId,
        Event = request.Event,
        Data = request.Given,
        Requester = request.Requester,
    };
}

/// <summary>Why a message cannot be handled.</summary>
/// <param name="Code">See <see cref="Contracts.Messages.ErrorCodes"/>.</param>
/// <param name="Reason">For people.</param>
/// <param name="ErrorType">The kind, for the dead letter.</param>
/// <param name="IsFinal">Whether it is not to be decided anew.</param>
internal sealed record HandlingFailure(string Code, string Reason, string ErrorType, bool IsFinal = false);

/// <summary>What came of a message, for one who waits for it.</summary>
internal abstract record WorkOutcome
{
    private WorkOutcome()
    {
    }

    /// <summary>Its outcome is durable.</summary>
    /// <param name="SagaId">The saga that has it; null for an event that is kept until its saga starts.</param>
    /// <param name="Saga">That saga afterwards; null if there is none, or it was not looked at.</param>
    /// <param name="Decision">What was decided on it; null if nothing was, for the saga has ended, is not there, or knew it already.</param>
    public sealed record Done(Guid? SagaId, SagaState? Saga, Decision? Decision) : WorkOutcome;

    /// <summary>Nothing comes of it.</summary>
    public sealed record Refused(Rejection Rejection, bool IsDead) : WorkOutcome;

    /// <summary>It cannot be handled.</summary>
    public sealed record Failed(string Code, string Reason, string ErrorType) : WorkOutcome;
}
