using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onex.Kafka;

/// <summary>The log lines of this project. Ids from 4000; docs/logs.md is made from them.</summary>
internal static partial class Log
{
    /// <summary>The Kafka client library reports an error. It retries by itself.</summary>
    [LoggerMessage(4001, LogLevel.Debug, "Kafka client: {Code} {Reason}")]
    public static partial void ClientError(ILogger logger, ErrorCode code, string reason);

    /// <summary>The broker can be reached again.</summary>
    [LoggerMessage(4002, LogLevel.Information, "Kafka answers again.")]
    public static partial void BrokerAnswersAgain(ILogger logger);

    /// <summary>The broker cannot be reached. No records arrive, messages wait to be sent, and the role is not ready.</summary>
    [LoggerMessage(4003, LogLevel.Warning, "Kafka does not answer: {Error}")]
    public static partial void BrokerDoesNotAnswer(ILogger logger, string? error);

    /// <summary>A log line of the Kafka client library.</summary>
    [LoggerMessage(4004, LogLevel.Debug, "librdkafka: {Facility} {Message}")]
    public static partial void ClientLine(ILogger logger, string facility, string message);

    /// <summary>A commit of offsets failed. The next one includes them.</summary>
    [LoggerMessage(4005, LogLevel.Debug, "{Endpoint}: offsets not committed: {Reason}")]
    public static partial void OffsetsNotCommitted(ILogger logger, string endpoint, string reason);

    /// <summary>A topic was created again, and its old offset stays committed. This process reads it from its beginning anyway.</summary>
    [LoggerMessage(4006, LogLevel.Debug, "{Endpoint}: the offsets of a deleted topic are not overwritten: {Reason}")]
    public static partial void OffsetsOfGoneTopic(ILogger logger, string endpoint, string reason);

    /// <summary>The consumer stopped before these records had a durable outcome.</summary>
    [LoggerMessage(4010, LogLevel.Warning, "{Endpoint}: some records ({Count}) were not completed in time; they are read again.")]
    public static partial void UnfinishedRecords(ILogger logger, string endpoint, int count);

    /// <summary>The consumer lost its partitions and joins the group again after a delay.</summary>
    [LoggerMessage(4011, LogLevel.Error, "{Endpoint}: the consumer failed; recreating it.")]
    public static partial void ConsumerBroke(ILogger logger, string endpoint, Exception? exception);

    /// <summary>A topic was created again or truncated and is read from its beginning; or unread records were deleted.</summary>
    [LoggerMessage(4012, LogLevel.Warning, "{Endpoint}: {Change}")]
    public static partial void LogChanged(ILogger logger, string endpoint, string change);

    /// <summary>The broker or the client library reported an error while records were read. Reading is retried.</summary>
    [LoggerMessage(4013, LogLevel.Warning, "{Endpoint}: {Reason}")]
    public static partial void ConsumeFailed(ILogger logger, string endpoint, string reason);

    /// <summary>Raise the retention of the topic, or find out why the records waited so long.</summary>
    [LoggerMessage(
        4014, LogLevel.Error,
        "{Endpoint}: some records ({Count}) of {Topic} [{Partition}] were deleted before they were read (offsets {From} to {To}). Their "
        + "requests are not processed and get no response. The topic's retention is too short, or somebody deleted the records.")]
    public static partial void RecordsMissed(ILogger logger, string endpoint, long count, string topic, int partition, long from, long to);

    /// <summary>The group gave these partitions to this process.</summary>
    [LoggerMessage(4015, LogLevel.Information, "{Endpoint}: assigned {Partitions}.")]
    public static partial void PartitionsAssigned(ILogger logger, string endpoint, string partitions);

    /// <summary>The partitions are read as soon as preparing them succeeds.</summary>
    [LoggerMessage(4016, LogLevel.Warning, "{Endpoint}: preparing the assigned partitions failed; retrying.")]
    public static partial void PartitionsNotReady(ILogger logger, string endpoint, Exception? exception);

    /// <summary>The process has these partitions no more: the group took them, the process stops, or its consumer failed.</summary>
    [LoggerMessage(4017, LogLevel.Information, "{Endpoint}: revoked {Partitions}.")]
    public static partial void PartitionsRevoked(ILogger logger, string endpoint, string partitions);

    /// <summary>A defect: report it, with the exception.</summary>
    [LoggerMessage(4018, LogLevel.Error, "{Endpoint}: the handler failed to release its partitions.")]
    public static partial void RevokeFailed(ILogger logger, string endpoint, Exception? exception);

    /// <summary>Handling works again after a pause.</summary>
    [LoggerMessage(4019, LogLevel.Information, "{Endpoint}: resumed.")]
    public static partial void ConsumerResumed(ILogger logger, string endpoint);

    /// <summary>Handling a batch ran out of memory. Give the process more memory if this comes often.</summary>
    [LoggerMessage(
        4020, LogLevel.Information,
        "{Endpoint}: a batch of records ({Count}) does not fit into memory; it is halved. Before: {Before}. Now: {Now}.")]
    public static partial void BatchHalved(ILogger logger, string endpoint, int count, string before, string now);

    /// <summary>The failure of a batch counts as one that all records share, such as a lost database or broker.</summary>
    [LoggerMessage(4021, LogLevel.Warning, "{Endpoint}: handling failed; the consumer is paused and retries until it succeeds.")]
    public static partial void ConsumerPaused(ILogger logger, string endpoint, Exception? exception);

    /// <summary>
    /// A defect: report it, with the exception. Later records are handled, but the partition's offset is not stored beyond this one, so a
    /// restart reads them all again, and `/ready` says that the consumer is stalled while no others come.
    /// </summary>
    [LoggerMessage(
        4022, LogLevel.Critical,
        "{Endpoint}: no dead letter can be written for {Topic} [{Partition}] @{Offset}. The offset stays there until a restart.")]
    public static partial void DeadLetterNotWritten(
        ILogger logger, string endpoint, string topic, int partition, long offset, Exception? exception);

    /// <summary>The partition was revoked meanwhile; its next owner commits.</summary>
    [LoggerMessage(4023, LogLevel.Debug, "{Endpoint}: {Offset} is not stored: {Reason}")]
    public static partial void OffsetNotStored(ILogger logger, string endpoint, TopicPartitionOffset offset, string reason);

    /// <summary>A record could not be handled. `onex dlq` shows it, and redrives or discards it.</summary>
    [LoggerMessage(4030, LogLevel.Warning, "Dead letter: {Topic} [{Partition}] @{Offset}: {Code} {Reason}")]
    public static partial void DeadLetterWritten(ILogger logger, string topic, int partition, long offset, string code, string reason);

    /// <summary>The broker rejects the dead letter or does not answer. The offset does not pass the record until it is written.</summary>
    [LoggerMessage(4031, LogLevel.Error, "Writing a dead letter to {Topic} failed; retrying: {Reason}")]
    public static partial void DeadLetterRejected(ILogger logger, string topic, string reason);

    /// <summary>The database failed. The offset does not pass the record until the dead letter is in the database.</summary>
    [LoggerMessage(4032, LogLevel.Error, "Writing a dead letter to {Topic} failed; retrying.")]
    public static partial void DeadLetterFailed(ILogger logger, string topic, Exception? exception);

    /// <summary>The record was read again, because its offset was not committed, and could be handled.</summary>
    [LoggerMessage(
        4033, LogLevel.Information,
        "Dead letter of {Topic} [{Partition}] @{Offset} is closed: its record was handled after all.")]
    public static partial void DeadLetterClosed(ILogger logger, string topic, int partition, long offset);

    /// <summary>The database failed.</summary>
    [LoggerMessage(4034, LogLevel.Debug, "Closing a dead letter of {Topic} failed; retrying.")]
    public static partial void DeadLetterNotClosed(ILogger logger, string topic, Exception? exception);

    /// <summary>
    /// Messages that were not acknowledged are sent again: those of an orchestrator from its outbox, a result when its command is handled
    /// again.
    /// </summary>
    [LoggerMessage(4040, LogLevel.Warning, "The Kafka producer failed; recreating it: {Reason}")]
    public static partial void ProducerBroke(ILogger logger, string reason);

    /// <summary>The cause is shared by all records, such as a lost broker.</summary>
    [LoggerMessage(4050, LogLevel.Warning, "{Topic}: handling failed; messages are retried until it succeeds.")]
    public static partial void TopicPaused(ILogger logger, string topic, Exception? exception);

    /// <summary>Handling works again after a pause.</summary>
    [LoggerMessage(4051, LogLevel.Information, "{Topic}: resumed.")]
    public static partial void TopicResumed(ILogger logger, string topic);

    /// <summary>
    /// Two processes of a group have the same name, for example two containers with the same host name. This one goes on without the name:
    /// give each its own host name, so that one that is killed and starts again gets its partitions at once.
    /// </summary>
    [LoggerMessage(4052, LogLevel.Warning, "{Endpoint}: another member has the instance id '{InstanceId}': {Error}")]
    public static partial void InstanceIdTaken(ILogger logger, string endpoint, string instanceId, string error);
}
