using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Turns a message that the broker rejects for good into a message for the saga that waits for an answer, because none can arrive.
/// </summary>
internal sealed class UndeliverableMessages(IEffectLedger ledger, IDeadLetterIndex deadLetters, DatabaseClock clock, Topics topics)
{
    /// <summary>The message that a saga receives instead; null if none waits for an answer, or a parked copy will still give one.</summary>
    public async Task<Delivery?> ConvertAsync(UndeliverableMessage undeliverable, CancellationToken cancellation)
    {
        var message = undeliverable.Message;
        if (message.Topic == topics.SagaEvents)
        {
            return ResultReader.ReadSagaMessage(message.Value.Span, out _) switch
            {
                // The parent saga gets the child's outcome without the broker.
                { Result: { } result } => Delivery.For(result, CreateSink()),
                { Call: { } call } => Failed(undeliverable, call.ParentId, call.CommandId, call.Attempt, isClosed: false),
                _ => null,
            };
        }

        var isEffect = message.Topic == topics.EffectRequests;
        if (message.Headers[HeaderNames.EventType] != EventTypes.Command
            || JsonSerializer.Deserialize(message.Value.Span, MessageJson.Default.StepCommand) is not { } command)
        {
            return null;
        }

        // An earlier copy is parked and will still begin, so the saga waits for that one.
        if (isEffect && await IsParkedAsync(command, cancellation))
        {
            return null;
        }

        // Closed: no copy of the command can still take effect. A compute has no effect, and the engine itself takes account of copies at
        // remote workers. A compensation does not count as closed: it is not cancelled in the ledger, because its retries use the same key.
        var isClosed = command.Direction == StepDirections.Do && (!isEffect || await CloseAsync(command, cancellation));
        return Failed(undeliverable, command.SagaId, command.CommandId, command.Attempt, isClosed);
    }

    /// <summary>
    /// Discards the message's dead letter once its saga is committed, unless the message blocks the saga. A message whose step has failed,
    /// or whose content reached the saga without the broker, need not be sent again.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="delivery">What <see cref="ConvertAsync"/> returned, handled by the router.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task CloseDeadLetterAsync(OutgoingMessage message, Delivery delivery, CancellationToken cancellation)
    {
        var command = ((StepResultArrived)delivery.Message).CommandId;
        if (await delivery.Sink.Caller!.Task is DeliveryOutcome.Done { Saga: { } saga }
            && saga.Blockages.All(blockage => blockage.CommandId != command))
        {
            await deadLetters.CloseUndeliveredAsync(
                UndeliverableDeadLetter.Id(message),
                $"Saga {delivery.Message.SagaId} knows that the message was not delivered, and does not wait for it.",
                cancellation);
        }
    }

    private async Task<bool> IsParkedAsync(StepCommand command, CancellationToken cancellation) =>
        (await ledger.LookUpAsync([command.CommandId], cancellation)).GetValueOrDefault(command.CommandId) is { ParkedAt: not null };

    // Prevents every copy of the command from being run, whether it is in the topic, the outbox or the dead letters. Returns false if a
    // role has claimed a copy before, or if such a claim may have been deleted because the command has expired.
    private async Task<bool> CloseAsync(StepCommand command, CancellationToken cancellation) =>
        command.NotAfter > clock.Now
        && (await ledger.CancelAsync([command.CommandId], cancellation)).TryGetValue(command.CommandId, out var state)
        && state.Cancelled;

    private static Delivery Failed(
        UndeliverableMessage undeliverable, SagaId sagaId, CommandId commandId, int attempt, bool isClosed) => new(
        new StepResultArrived
        {
            SagaId = sagaId,
            CausedBy = undeliverable.Message.MessageId,
            CommandId = commandId,
            Attempt = attempt,
            Outcome = StepOutcome.Undeliverable,
            IsClosed = isClosed,
            Code = ErrorCodes.DeliveryRefused,
            Message = undeliverable.Reason,
        },
        CreateSink());

    private static OutcomeSink CreateSink() =>
        OutcomeSink.For(new TaskCompletionSource<DeliveryOutcome>(TaskCreationOptions.RunContinuationsAsynchronously));
}
