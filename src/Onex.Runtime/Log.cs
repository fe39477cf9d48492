using Microsoft.Extensions.Logging;

namespace Onex.Runtime;

/// <summary>The log lines of the start. Ids from 7000; docs/logs.md is made from them.</summary>
internal static partial class Log
{
    /// <summary>Create the topic, or set ONEX_CREATE_TOPICS.</summary>
    [LoggerMessage(
        7001, LogLevel.Warning,
        "Topic {Topic}, to which contracts write, does not exist: messages to it become dead letters until it is created.")]
    public static partial void EmittedTopicMissing(ILogger logger, string topic);

    /// <summary>A request that is read again after its saga was deleted starts another saga.</summary>
    [LoggerMessage(
        7002, LogLevel.Warning,
        "Topic {Topic} keeps records for {Kept}, but ended sagas are kept for {Retention} only: set ONEX_RETENTION to more than "
        + "that, or the topic's retention.ms to less.")]
    public static partial void RetentionTooShort(ILogger logger, string topic, string kept, string retention);

    /// <summary>Files have changed, and new sagas start with these contracts.</summary>
    [LoggerMessage(7004, LogLevel.Information, "Contracts were reloaded: {Changes}.")]
    public static partial void ContractsReloaded(ILogger logger, string changes);

    /// <summary>Files have changed, and commands that begin from now on use these connections.</summary>
    [LoggerMessage(7005, LogLevel.Information, "Connections were reloaded: {Changes}.")]
    public static partial void ConnectionsReloaded(ILogger logger, string changes);

    /// <summary>Correct the files. Until then what was loaded before stays in use, and /health is degraded.</summary>
    [LoggerMessage(7006, LogLevel.Error, "Changed files have errors and are not used; what was loaded before stays in use.\n{Errors}")]
    public static partial void ReloadRejected(ILogger logger, string errors);

    /// <summary>The files that had errors are in use now.</summary>
    [LoggerMessage(7007, LogLevel.Information, "The changed files have no errors any more and are in use.")]
    public static partial void ReloadCorrected(ILogger logger);

    /// <summary>Files have changed, and they are used nevertheless.</summary>
    [LoggerMessage(7008, LogLevel.Warning, "{Warning}")]
    public static partial void ReloadWarning(ILogger logger, string warning);

    /// <summary>Files have changed, but the store or the broker does not answer, or too few brokers are up. They are tried again.</summary>
    [LoggerMessage(7009, LogLevel.Warning, "Changed contracts wait until they can be registered: {Reason}")]
    public static partial void ReloadWaits(ILogger logger, string reason);

    /// <summary>Live sagas may still use them. Restart the role once none does, or put them back.</summary>
    [LoggerMessage(
        7011, LogLevel.Warning, "The files no longer have these connections; they stay in use until a restart: {Connections}.")]
    public static partial void ConnectionsRemoved(ILogger logger, string connections);

    /// <summary>A defect: report it. Files are looked at again two seconds later.</summary>
    [LoggerMessage(7010, LogLevel.Error, "Changed files could not be loaded.")]
    public static partial void ReloadThrew(ILogger logger, Exception exception);
}
