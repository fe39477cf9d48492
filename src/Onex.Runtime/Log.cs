using Microsoft.Extensions.Logging;

namespace Onex.Runtime;

/// <summary>The log lines of the start. Ids from 7000; docs/logs.md is made from them.</summary>
internal static partial class Log
{
    /// <summary>Create the topic, or set ONEX_CREATE_TOPICS.</summary>
    [LoggerMessage(
        7001, LogLevel.Warning,
        "Topic {Topic}, to which a contract emits, does not exist: events become dead letters until it is created.")]
    public static partial void EmittedTopicMissing(ILogger logger, string topic);

    /// <summary>A request that is read again after its saga was deleted starts another saga.</summary>
    [LoggerMessage(
        7002, LogLevel.Warning,
        "Topic {Topic} keeps records for {Kept}, but ended sagas are kept for {Retention} only: set ONEX_RETENTION to more than "
        + "that, or the topic's retention.ms to less.")]
    public static partial void RetentionTooShort(ILogger logger, string topic, string kept, string retention);
}
