using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;

namespace Onex.Orchestrator;

/// <summary>
/// The log lines that no other class of the orchestrator declares. Ids start at 1000; docs/logs.md is generated from them.
/// </summary>
internal static partial class Log
{
    /// <summary>
    /// Another version of Onex wrote the row in onex.early_events, or somebody changed it. This process does not read it again: if the row
    /// is repaired, restart the orchestrators.
    /// </summary>
    [LoggerMessage(1020, LogLevel.Error, "The early event {MessageId} of contract {Contract} cannot be read, and stays stored")]
    public static partial void EarlyEventUnreadable(ILogger logger, MessageId messageId, string contract, Exception? exception);

    /// <summary>This process owns the timers and unsent messages of sagas whose home is one of these.</summary>
    [LoggerMessage(1021, LogLevel.Information, "Home partitions: {Partitions}")]
    public static partial void HomePartitionsAssigned(ILogger logger, string partitions);

    /// <summary>With the in-memory bus, the commands of live sagas are sent again at the start. These sagas wait until then.</summary>
    [LoggerMessage(1022, LogLevel.Warning, "Resending the commands of live sagas failed and is retried: {Reason}")]
    public static partial void ResendFailed(ILogger logger, string reason, Exception? exception);

    /// <summary>With the in-memory bus, the commands of live sagas were sent again.</summary>
    [LoggerMessage(1023, LogLevel.Information, "Live sagas of an earlier process continue ({Sagas})")]
    public static partial void SagasContinued(ILogger logger, int sagas);

    /// <summary>
    /// Before the process stopped, the broker did not acknowledge all messages, the database did not delete them, or the saga of a rejected
    /// one did not learn of it. Readers recognise copies by their message_id.
    /// </summary>
    [LoggerMessage(
        1024, LogLevel.Warning,
        "The outbox could not be cleared before the stop; the messages in it are sent after the next start, some of them again, with the "
        + "same ids.")]
    public static partial void OutboxNotCleared(ILogger logger);

    /// <summary>A periodic job that failed succeeds again.</summary>
    [LoggerMessage(1025, LogLevel.Information, "Background job succeeds again: {What}")]
    public static partial void JobWorksAgain(ILogger logger, string what);

    /// <summary>A periodic job (timers, unsent messages, maintenance) failed, usually because the database does not answer.</summary>
    [LoggerMessage(1026, LogLevel.Warning, "Background job failed and is retried: {What}: {Reason}")]
    public static partial void JobFailed(ILogger logger, string what, string reason);

    /// <summary>The record becomes a dead letter.</summary>
    [LoggerMessage(1027, LogLevel.Error, "A record of {Topic} cannot be read")]
    public static partial void RecordUnreadable(ILogger logger, string topic, Exception? exception);

    /// <summary>
    /// The contract was never registered, or this version of Onex does not compile it. The saga waits until the contract is loaded, or
    /// another version of Onex runs.
    /// </summary>
    [LoggerMessage(
        1028, LogLevel.Error, "Saga {SagaId} runs contract {Contract} {Version} ({Hash}), which is not registered or does not compile")]
    public static partial void PlanNotRegistered(ILogger logger, SagaId sagaId, string contract, string version, string hash);

    /// <summary>Another version of Onex wrote the row, or somebody changed it. A message for the saga blocks it; others go on.</summary>
    [LoggerMessage(1029, LogLevel.Error, "The row of saga {SagaId} cannot be read")]
    public static partial void SagaUnreadable(ILogger logger, SagaId sagaId, Exception? exception);

    /// <summary>
    /// A result, a timer or a request to resend blocks the saga with this reason; any other message is rejected or fails. Other sagas
    /// go on.
    /// </summary>
    [LoggerMessage(1030, LogLevel.Error, "A message for saga {SagaId} cannot be handled: {Reason}")]
    public static partial void MessageNotHandled(ILogger logger, SagaId sagaId, string reason);

    /// <summary>A defect: report it, with the exception. The message is handled as described for 1030.</summary>
    [LoggerMessage(1031, LogLevel.Error, "A message for saga {SagaId} cannot be handled")]
    public static partial void HandlingThrew(ILogger logger, SagaId sagaId, Exception? exception);

    /// <summary>After 1030 or 1031, marking the saga as blocked failed as well. Other sagas go on.</summary>
    [LoggerMessage(1032, LogLevel.Error, "Saga {SagaId} cannot be blocked")]
    public static partial void SagaNotBlocked(ILogger logger, SagaId sagaId, Exception? exception);

    /// <summary>The database rejects a value. The message is handled as described for 1030.</summary>
    [LoggerMessage(1033, LogLevel.Error, "A message for saga {SagaId} cannot be stored: {Reason}")]
    public static partial void MessageNotStored(ILogger logger, SagaId sagaId, string reason);

    /// <summary>The message stays in the outbox.</summary>
    [LoggerMessage(1040, LogLevel.Error, "A committed message could not be sent; it is sent again later.")]
    public static partial void MessageNotProduced(ILogger logger, Exception? exception);

    /// <summary>
    /// Too large, or its topic does not exist or is forbidden. A response is replaced by a short one; any other message becomes a
    /// dead letter. The step of a command fails or blocks.
    /// </summary>
    [LoggerMessage(1041, LogLevel.Error, "The broker rejects message {MessageId} of saga {SagaId} for topic {Topic}: {Reason}")]
    public static partial void MessageUndeliverable(ILogger logger, MessageId messageId, SagaId sagaId, string topic, string reason);

    /// <summary>
    /// No saga is known: it is the response to a rejected request or event, or its dead letter; or it is a redriven record, whose
    /// dead letter has the reason.
    /// </summary>
    [LoggerMessage(1042, LogLevel.Error, "The broker rejects message {MessageId} for topic {Topic}: {Reason}")]
    public static partial void MessageWithoutSagaUndeliverable(ILogger logger, MessageId messageId, string topic, string? reason);

    /// <summary>
    /// The broker did not acknowledge these messages, or another process may have sent them. Copies have the same message_id.
    /// </summary>
    [LoggerMessage(1043, LogLevel.Information, "Messages of the outbox are sent although a copy may be there ({Count}): {Messages}")]
    public static partial void MessagesResent(ILogger logger, int count, string messages);

    /// <summary>
    /// The broker did not acknowledge the answer to a rejected request or event, or its dead letter. Copies have the same message_id.
    /// </summary>
    [LoggerMessage(1044, LogLevel.Information, "Message {MessageId} for topic {Topic} is sent although a copy may be there")]
    public static partial void ResponseResent(ILogger logger, MessageId messageId, string topic);

    /// <summary>
    /// The metrics of docs/metrics.md that are read from the store keep their last values for a minute, and then are missing until it
    /// answers. Logged once per outage.
    /// </summary>
    [LoggerMessage(1045, LogLevel.Warning, "The store could not be read for metrics: {Reason}")]
    public static partial void GaugesNotRead(ILogger logger, string reason);

    /// <summary>An API call failed because of an error in the runtime; its answer has the same correlation id.</summary>
    [LoggerMessage(1201, LogLevel.Error, "{Method} {Path} failed (correlation id {CorrelationId})")]
    public static partial void CallFailed(ILogger logger, string method, string? path, Guid correlationId, Exception? exception);

    /// <summary>Somebody redrove or discarded a dead letter.</summary>
    [LoggerMessage(1202, LogLevel.Information, "Dead letter {DeadLetterId} of {Topic} is {Status} by {Caller}")]
    public static partial void DeadLetterDecided(ILogger logger, Guid deadLetterId, string topic, string status, string caller);

    /// <summary>
    /// The saga learns of it when it sends the message again. If the store was available, it is a defect: report it, with the exception.
    /// </summary>
    [LoggerMessage(1203, LogLevel.Error, "That the broker rejects message {MessageId} for topic {Topic} could not be reported to its saga")]
    public static partial void UndeliverableNotReported(ILogger logger, MessageId messageId, string topic, Exception? exception);
}
