using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>What a saga is told of a message that the broker refuses for good, so that none waits for ever for what cannot come.</summary>
internal sealed class UndeliverableMessages(IEffectLedger ledger, IDeadLetterIndex letters, TimeProvider clock, Topics topics)
{
    /// <summary>What is to be told, or null if no saga waits for anything that the message would bring about.</summary>
    /// <param name="sagaId">Whose message it is.</param>
    /// <param name="message">The message.</param>
    /// <param name="reason">Why it is refused, for people.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<WorkItem?> TellAsync(Guid sagaId, OutgoingMessage message, string reason, CancellationToken cancellation)
    {
        if (message.Topic == topics.SagaEvents)
        {
            return ResultReader.ReadSagaMessage(message.Value.Span, out _) switch
            {
                // The saga that waits for the child's outcome is told without the broker.
                { Result: { } result } => RecordHandler.Of(result, entry: null, Caller()),
                { Call: { } call } => Undeliverable(sagaId, message, reason, call.CommandId, call.Attempt, isClosed: false),
                _ => null,
            };
        }

        var isEffect = message.Topic == topics.EffectRequests;
        if ((!isEffect && message.Topic != topics.WorkerRequests)
            || JsonSerializer.Deserialize(message.Value.Span, MessageJson.Default.StepCommand) is not { } command)
        {
            return null;
        }

        // A computation changes nothing, whoever runs a copy of it after all. A compensation is never given up: its key is needed again.
        var isClosed = command.Direction == StepDirections.Do && (!isEffect || await CloseAsync(command, cancellation));
        return Undeliverable(sagaId, message, reason, command.CommandId, command.Attempt, isClosed);
    }

    /// <summary>
    /// Closes the message's letter once its saga has been told, unless the saga waits for an operator because of it: what its step has failed by, or
    /// what it was told without the broker, need not be sent again.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="told">What <see cref="TellAsync"/> gave, handed to the router.</param>
    public async Task CloseDeadLetterAsync(OutgoingMessage message, WorkItem told)
    {
        var command = ((StepResultArrived)told.Message).CommandId;
        if (await told.Caller!.Task is WorkOutcome.Done { Saga: { } saga } && saga.Blockages.All(blockage => blockage.CommandId != command))
        {
            await letters.CloseAsync(UndeliverableDeadLetter.Id(message), $"Saga {told.Message.SagaId} was told of it and does not wait for it any more.", CancellationToken.None);
        }
    }

    // From then on no copy of it is run: neither one that waits in the topic, nor one that leaves the outbox or the dead letters later. False
    // if somebody has taken one before, and where the ledger may have forgotten that.
    private async Task<bool> CloseAsync(StepCommand command, CancellationToken cancellation) =>
        command.NotAfter > clock.GetUtcNow()
        && (await ledger.CancelAsync([command.CommandId], cancellation)).TryGetValue(command.CommandId, out var state)
        && state.Cancelled;

    private static WorkItem Undeliverable(
        Guid sagaId, OutgoingMessage message, string reason, Guid commandId, int attempt, bool isClosed) => new(
        new StepResultArrived
        {
            SagaId = sagaId,
            CausedBy = message.MessageId,
            CommandId = commandId,
            Attempt = attempt,
            Outcome = StepOutcome.Undeliverable,
            IsClosed = isClosed,
            Code = ErrorCodes.DeliveryRefused,
            Message = reason,
        },
        entry: null)
        {
            Caller = Caller(),
        };

    private static TaskCompletionSource<WorkOutcome> Caller() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
