using System.Runtime.InteropServices;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.Consuming;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// A message for one saga, or an event whose saga is still to be found, with the sink of its outcome. Immutable: each stage of the router
/// passes on a changed copy.
/// </summary>
/// <param name="Message">The message. Until the saga of an event is found, the message's saga id is the default.</param>
/// <param name="Sink">Receives the outcome.</param>
internal sealed record Delivery(SagaEvent Message, OutcomeSink Sink)
{
    /// <summary>The request that carried the event; null if the message is not an event from outside.</summary>
    public EventRequest? Event { get; init; }

    /// <summary>Whether the saga of its event is still to be found.</summary>
    public bool IsUnaddressed => Event is not null && Message.SagaId == default;

    /// <summary>The id of the stored result that the message refers to, loaded or not; null if the record contained the result.</summary>
    public Guid? ResultRef { get; init; }

    /// <summary>
    /// Whether it is an outcome that a wake-up found in the ledger. After a stale commit only the wake-up is decided again, which finds it.
    /// </summary>
    public bool IsFromLedger { get; init; }

    /// <summary>
    /// Whether it is decided and committed alone, because the database has rejected a commit of its saga with several deliveries.
    /// </summary>
    public bool IsAlone { get; init; }

    /// <summary>Whether the database has rejected its values before.</summary>
    public bool IsRejectedByDatabase { get; init; }

    /// <summary>Why the delivery cannot be decided, if that is known before the decision; or null.</summary>
    public HandlingFailure? Failure { get; init; }

    public static Delivery For(AcceptedRequest request, OutcomeSink sink) => request switch
    {
        AcceptedRequest.Start { Facts: var facts } =>
            new Delivery(new SagaStarted { SagaId = facts.SagaId, CausedBy = facts.Requester.RequestId, Facts = facts }, sink),
        AcceptedRequest.Event { Request: var sent } => For(sent, sink),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>The delivery of an event whose saga is still to be found.</summary>
    public static Delivery For(EventRequest request, OutcomeSink sink) => new(ToMessage(request, default), sink) { Event = request };

    public static Delivery For(StepResult result, OutcomeSink sink, bool isFromWorker = false)
    {
        var message = ResultReader.ToEvent(result, Identity.Result(result.CommandId, result.Attempt, result.Outcome));
        return new(message with { IsFromWorker = isFromWorker }, sink) { ResultRef = result.ResultRef };
    }

    public static Delivery For(StepReport report, OutcomeSink sink, bool isFromWorker = false)
    {
        var message = ResultReader.ToEvent(report, Identity.Result(report.CommandId, report.Attempt, report.Report));
        return new(message with { IsFromWorker = isFromWorker }, sink);
    }

    /// <summary>The same event, for that saga; only for events.</summary>
    public Delivery AddressedTo(SagaId sagaId) => this with { Message = ToMessage(Event!, sagaId) };

    /// <summary>The same event, whose saga is to be found again.</summary>
    public Delivery WithoutAddress() => AddressedTo(default);

    /// <summary>The same delivery, to be decided again: only a final failure is kept.</summary>
    public Delivery ToDecideAgain() => Failure is { IsFinal: false } ? this with { Failure = null } : this;

    /// <summary>
    /// Does work for this delivery alone. If it throws, returns a copy with the failure, so that no other delivery fails.
    /// </summary>
    public Delivery Try(Action work)
    {
        try
        {
            work();
            return this;
        }
#pragma warning disable CA1031 // One saga that cannot be handled must not stop the others.
        catch (Exception failure) when (!MemoryShortage.Is(failure))
#pragma warning restore CA1031
        {
            return this with { Failure = HandlingFailure.From(failure) };
        }
    }

    private static ExternalEvent ToMessage(EventRequest request, SagaId sagaId) => new()
    {
        SagaId = sagaId,
        CausedBy = request.MessageId,
        Event = request.Event,
        Data = request.Payload,
        Requester = request.Requester,
    };
}

/// <summary>The receiver of a delivery's outcome: the record that it came from, a caller in this process, or nobody.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct OutcomeSink
{
    private OutcomeSink(BatchEntry? record, TaskCompletionSource<DeliveryOutcome>? caller) => (Record, Caller) = (record, caller);

    public static OutcomeSink None => default;

    /// <summary>The record, whose offset may advance once the outcome is durable.</summary>
    public BatchEntry? Record { get; }

    public TaskCompletionSource<DeliveryOutcome>? Caller { get; }

    public static OutcomeSink For(BatchEntry record) => new(record, null);

    public static OutcomeSink For(TaskCompletionSource<DeliveryOutcome> caller) => new(null, caller);
}

/// <summary>Why a message cannot be handled.</summary>
/// <param name="Code">See <see cref="ErrorCodes"/>.</param>
/// <param name="Reason">For people.</param>
/// <param name="IsFinal">Whether the failure stays when the delivery is decided again, so that the engine never gets the message.</param>
internal sealed record HandlingFailure(string Code, string Reason, bool IsFinal = false)
{
    /// <summary>The error type of the dead letter.</summary>
    public string ErrorType { get => field ?? ErrorTypes.For(Code); init; }

    /// <summary>An exception while a message was handled.</summary>
    public static HandlingFailure From(Exception exception) =>
        new(ErrorCodes.HandlingFailed, exception.Message) { ErrorType = exception.GetType().Name };

    /// <summary>The same failure as a rejection, which is sent to the requester.</summary>
    public Rejection ToRejection(Requester requester) => new(Code, Reason, requester) { ErrorType = ErrorType };
}

/// <summary>The outcome of a delivery. <c>OutcomeReporter</c> reports it to the delivery's sink.</summary>
internal abstract record DeliveryOutcome
{
    private DeliveryOutcome()
    {
    }

    /// <summary>What the message causes is durable, or it causes nothing.</summary>
    /// <param name="SagaId">The saga of the message; null for an early event, or if there is no such saga.</param>
    /// <param name="Saga">That saga afterwards; null if there is none, or it was not loaded.</param>
    /// <param name="Decision">
    /// The decision; null without one: the saga does not exist, its state accepts no such message, or it has seen the message before.
    /// </param>
    public sealed record Done(SagaId? SagaId, SagaState? Saga = null, Decision? Decision = null) : DeliveryOutcome;

    /// <summary>The message is rejected, and its requester is answered with the reason.</summary>
    /// <param name="Rejection">Why.</param>
    /// <param name="Disposition">Where the message's record goes.</param>
    /// <param name="IsAnswered">Whether the answer was committed with the saga, so that no second answer is sent.</param>
    public sealed record Rejected(Rejection Rejection, Disposition Disposition, bool IsAnswered = false) : DeliveryOutcome;

    public sealed record Failed(HandlingFailure Failure) : DeliveryOutcome;
}

/// <summary>Where a rejected request goes once its requester has been answered.</summary>
internal enum Disposition
{
    /// <summary>To the dead-letter topic, so that an operator can redrive it.</summary>
    DeadLetter,

    /// <summary>Nowhere: the answer is enough.</summary>
    Discard,
}
