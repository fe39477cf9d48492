using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.DeadLetters;

namespace Onex.Orchestrator.Api;

/// <summary>The record of a dead letter that was handled nevertheless.</summary>
/// <param name="SagaId">The saga that handled it.</param>
/// <param name="Reason">Why no redrive is needed, for people.</param>
internal sealed record HandledRecord(SagaId SagaId, string Reason);

/// <summary>
/// Checks whether the record of a dead letter was handled nevertheless. A dead letter is durable before its record's offset advances, so
/// if an orchestrator dies in between, the record is read again and may be handled then. A redriven record may have been handled, too.
/// </summary>
internal sealed class HandledRecords(Topics topics, RequestReader requests, SagaReader sagas, IDeadLetterIndex deadLetters)
{
    /// <summary>How the record was handled; null if it was not, or if that is unknown: its value is missing or unreadable.</summary>
    public async Task<HandledRecord?> FindAsync(DeadLetterRow deadLetter, CancellationToken cancellation)
    {
        if (deadLetter.Value is not { Length: > 0 } value)
        {
            return null;
        }

        if (deadLetter.Topic == topics.Requests)
        {
            var (parsed, _) = requests.Read(
                value,
                new RequestOrigin(
                    RequestReader.RequestId(deadLetter.Topic, Redrive.Origin(deadLetter), value),
                    "",
                    ImmutableSortedDictionary<string, string>.Empty));
            return parsed is not null && await deadLetters.HandledByAsync(parsed.Requester.RequestId, cancellation) is { } known
                ? new HandledRecord(known, $"Saga {known} has its request already.")
                : null;
        }

        var message = deadLetter.Topic == topics.SagaEvents ? ResultReader.ReadSagaMessage(value, out _) : null;
        if (message is { Call: { } call })
        {
            return await deadLetters.HandledByAsync(new(call.CommandId.Value), cancellation) is { } child
                ? new HandledRecord(child, $"Saga {child} was started by this call already.")
                : null;
        }

        if (deadLetter.Topic == topics.EffectResponses || deadLetter.Topic == topics.WorkerResponses || message is not null)
        {
            var result = message is null ? ResultReader.Read(value, out _) : message.Result;
            return result is null ? null : await FindUnlessAwaitedAsync(result.SagaId, result.CommandId, cancellation);
        }

        return (deadLetter.Topic == topics.EffectRequests || deadLetter.Topic == topics.WorkerRequests) && ReadCommand(value) is { } command
            ? await FindUnlessAwaitedAsync(command.SagaId, command.CommandId, cancellation)
            : null;
    }

    // A saga that no longer waits for the command has its outcome, or does not need it.
    private async Task<HandledRecord?> FindUnlessAwaitedAsync(SagaId sagaId, CommandId commandId, CancellationToken cancellation) =>
        await sagas.ReadAsync([sagaId], cancellation) is [{ Saga: { } saga }]
            && (saga.EndedAt is not null || saga.Outstanding.All(command => command.CommandId != commandId))
            ? new HandledRecord(sagaId, $"Saga {sagaId} does not wait for the outcome of command {commandId} any more.")
            : null;

    private static StepCommand? ReadCommand(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, MessageJson.Default.StepCommand);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
