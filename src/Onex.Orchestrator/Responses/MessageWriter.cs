using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Orchestrator.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Responses;

/// <summary>What leaves main because of a transition.</summary>
internal sealed class MessageWriter(Topics topics, ResponseWriter responses)
{
    /// <summary>A command, keyed by its id so that commands spread over all partitions.</summary>
    public OutgoingMessage Command(SagaState saga, CommandToSend command, Guid? argumentsRef, Guid messageId, DateTimeOffset at)
    {
        var message = new StepCommand
        {
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            SagaId = saga.Facts.SagaId,
            CorrelationId = saga.Facts.Asker.CorrelationId,
            Contract = saga.Facts.Contract,
            Step = command.Step,
            Direction = command.Direction,
            Operation = command.Operation,
            Connection = command.Connection,
            Arguments = argumentsRef is null ? command.Arguments : null,
            ArgumentsRef = argumentsRef,
            HomePartition = saga.Facts.HomePartition,
            TimeoutMs = (int)Math.Min(command.Timeout.TotalMilliseconds, int.MaxValue),
            NotAfter = command.NotAfter,
        };
        return new OutgoingMessage
        {
            MessageId = messageId,
            Topic = command.Kind == StepKind.Effect ? topics.EffectRequests : topics.WorkerRequests,
            Key = command.CommandId.ToString(),
            Value = JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.StepCommand),
            Headers = MessageHeaders.Of(
                EventTypes.Command, messageId, message.CorrelationId, at,
                saga.Facts.Asker.Headers.RemoveRange(saga.Facts.Asker.Headers.Keys.Where(name => !IsTrace(name)))),
        };
    }

    /// <summary>A saga's response.</summary>
    public OutgoingMessage Response(Guid sagaId, Answer answer, Guid messageId, DateTimeOffset at) =>
        responses.Write(sagaId, answer, messageId, at);

    private static bool IsTrace(string name) => name is HeaderNames.TraceParent or HeaderNames.TraceState;
}
