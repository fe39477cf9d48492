using Microsoft.Extensions.Logging;

namespace Onex.Persistence;

/// <summary>The log lines of the stores. Ids from 5000; docs/logs.md is made from them.</summary>
internal static partial class Log
{
    /// <summary>The schema is brought up to date.</summary>
    [LoggerMessage(5001, LogLevel.Information, "Migrating the database: {Migrations}")]
    public static partial void Migrating(ILogger logger, string migrations);

    /// <summary>The migration runs under an advisory lock.</summary>
    [LoggerMessage(5002, LogLevel.Information, "Another process is migrating the database; waiting for it.")]
    public static partial void MigrationWaits(ILogger logger);

    /// <summary>Turn it on for the runtime's user: ALTER ROLE ... SET synchronous_commit = on.</summary>
    [LoggerMessage(
        5003, LogLevel.Warning,
        "synchronous_commit is off in {Store}: a crash of the database loses sagas whose messages are not read again")]
    public static partial void AsynchronousCommit(ILogger logger, object store);
}
