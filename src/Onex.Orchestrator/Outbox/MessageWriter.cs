using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>Writes the messages of sagas and of early events: commands, cancellations, events, responses and dead letters.</summary>
internal sealed class MessageWriter(Topics topics, ResponseWriter responses)
{
    /// <summary>A command, keyed by its id. The producer chooses the partition, because commands need no order.</summary>
    public OutgoingMessage Command(SagaState saga, CommandToSend command, Guid? argumentsRef, MessageId messageId, DateTimeOffset at)
    {
        if (command.Role == CallRole.Saga)
        {
            return Call(saga, command, argumentsRef, messageId, at);
        }

        var message = new StepCommand
        {
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            SagaId = saga.Facts.SagaId,
            CorrelationId = saga.Facts.Requester.CorrelationId,
            Contract = saga.Facts.Contract,
            Step = command.Step,
            Direction = command.Direction.ToText(),
            Operation = command.Operation,
            Connection = command.Connection,
            LimitKey = command.LimitKey,
            Arguments = argumentsRef is null ? command.Arguments : null,
            ArgumentsRef = argumentsRef,
            ArgumentsBytes = argumentsRef is null ? null : command.Arguments.Utf8.Length,
            HomePartition = saga.Facts.HomePartition,
            TimeoutMs = (int)Math.Min(command.Timeout.TotalMilliseconds, int.MaxValue),
            NotAfter = command.NotAfter,
            AskAgain = command.CallsAgain ? true : null,
            Once = command.Once ? true : null,
            Reports = command.Role is CallRole.Compute or CallRole.Effect ? true : null,
            HeartbeatMs = command.Heartbeat is { } heartbeat ? (int)Math.Min(heartbeat.TotalMilliseconds, int.MaxValue) : null,
        };
        return new OutgoingMessage
        {
            MessageId = messageId,
            Topic = command.Topic is { } remoteTopic ? topics.Prefix + remoteTopic
                : command.Role == CallRole.Effect ? topics.EffectRequests : topics.WorkerRequests,
            Key = command.CommandId.ToString(),
            Value = JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.StepCommand),
            Headers = Headers(EventTypes.Command, messageId, saga, at),
        };
    }

    public OutgoingMessage Cancel(SagaState saga, CommandToCancel cancelled, MessageId messageId, DateTimeOffset at) => new()
    {
        MessageId = messageId,
        Topic = cancelled.Topic is { } remoteTopic ? Topics.CancelTopicOf(topics.Prefix + remoteTopic) : topics.WorkerCancels,
        Key = cancelled.CommandId.ToString(),
        Value = JsonSerializer.SerializeToUtf8Bytes(
            new StepCancel
            {
                CommandId = cancelled.CommandId,
                Attempt = cancelled.Attempt,
                SagaId = saga.Facts.SagaId,
                CorrelationId = saga.Facts.Requester.CorrelationId,
            },
            MessageJson.Default.StepCancel),
        Headers = Headers(EventTypes.Cancel, messageId, saga, at),
    };

    // The message has no partition: the producer chooses one, from which the child's home partition follows (SagaHomes).
    private OutgoingMessage Call(SagaState saga, CommandToSend command, Guid? inputRef, MessageId messageId, DateTimeOffset at)
    {
        var message = new SagaMessage
        {
            Call = new SagaCall
            {
                CommandId = command.CommandId,
                Attempt = command.Attempt,
                Contract = command.Operation,
                Input = inputRef is null && !command.Cancels ? command.Arguments : null,
                InputRef = command.Cancels ? null : inputRef,
                CorrelationId = saga.Facts.Requester.CorrelationId,
                ParentId = saga.Facts.SagaId,
                HomePartition = saga.Facts.HomePartition,
                Awaits = !command.Detached,
                Cancels = command.Cancels,
            },
        };
        return new OutgoingMessage
        {
            MessageId = messageId,
            Topic = topics.SagaEvents,
            Key = command.CommandId.ToString(),
            Value = JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.SagaMessage),
            Headers = Headers(EventTypes.Command, messageId, saga, at),
        };
    }

    /// <summary>A domain event. The contract defines its value; Onex adds only headers.</summary>
    public static OutgoingMessage DomainEvent(SagaState saga, EventToPublish published, MessageId messageId, DateTimeOffset at) => new()
    {
        MessageId = messageId,
        Topic = published.Topic,
        Key = published.Key,
        Value = published.Value.Utf8,
        Headers = Headers(EventTypes.DomainEvent, messageId, saga, at)
            .With(HeaderNames.SagaId, saga.Facts.SagaId.ToString())
            .With(HeaderNames.Contract, saga.Facts.Contract)
            .With(HeaderNames.Step, published.Step),
    };

    public OutgoingMessage Response(SagaId sagaId, Answer answer, MessageId messageId, DateTimeOffset at) =>
        responses.Write(sagaId, answer, messageId, at);

    /// <summary>The answer to an event that a saga declined, or to an early one that was rejected.</summary>
    public OutgoingMessage Rejection(Rejection rejection, MessageId messageId, DateTimeOffset at) =>
        responses.WriteDeclined(rejection, messageId, at);

    /// <summary>The dead letter of such an event; see <see cref="EventDeadLetter.Write"/>.</summary>
    public OutgoingMessage DeadEvent(
        Rejection rejection, RawJson request, Guid? requestRef, MessageId messageId, DateTimeOffset at) => new()
        {
            MessageId = messageId,
            Topic = Topics.DeadLetterTopicOf(topics.Requests),
            Key = rejection.Requester!.CorrelationId.ToString(),
            Value = EventDeadLetter.Write(topics.Requests, rejection, request, requestRef, at),
            Headers = Headers(EventTypes.DeadLetter, messageId, rejection.Requester.CorrelationId, SagaTrace.From(rejection.Requester), at)
                .With(HeaderNames.Redrive, EventDeadLetter.RedrivenFrom(rejection.Requester)?.ToString()),
        };

    /// <summary>The row of that dead letter in the index; see <see cref="EventDeadLetter.Row"/>.</summary>
    public DeadLetterRow DeadEventRow(Rejection rejection, RawJson request, Guid id, DateTimeOffset at, Guid identity) =>
        EventDeadLetter.Row(id, topics.Requests, rejection, request, at, identity);

    /// <summary>The standard headers of a message from the orchestrator.</summary>
    public static MessageHeaders Headers(string eventType, MessageId messageId, Guid correlationId, DateTimeOffset at) =>
        MessageHeaders.Create("onex-main", eventType, messageId, correlationId, at);

    private static MessageHeaders Headers(string eventType, MessageId messageId, SagaState saga, DateTimeOffset at) =>
        Headers(eventType, messageId, saga.Facts.Requester.CorrelationId, SagaTrace.From(saga), at);

    private static MessageHeaders Headers(string eventType, MessageId messageId, Guid correlationId, SagaTrace trace, DateTimeOffset at) =>
        Headers(eventType, messageId, correlationId, at).WithTrace(trace.Parent, trace.State);
}
