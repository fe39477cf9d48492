using System.Net.Sockets;
using Npgsql;
using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schema;
using Onex.Persistence.Sqlite;

namespace Onex.Persistence.Postgres;

/// <summary>What an exception of Npgsql means to us.</summary>
internal static class StoreErrors
{
    /// <summary>The same again will do: two transactions waited for each other.</summary>
    public static bool IsContention(Exception error) => error is PostgresException
    {
        SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.LockNotAvailable,
    };

    /// <summary>
    /// The connection believes in a prepared statement that the server does not have: the transaction that was to prepare it failed before. It
    /// would go on believing, so it must be closed; nothing was done.
    /// </summary>
    public static bool IsForgottenStatement(Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.InvalidSqlStatementName };

    /// <summary>The values are at fault: data exception (22), constraint (23), a limit of the program such as the size of an index entry (54).</summary>
    public static bool IsData(Exception error) =>
        error is UnstorableException || (error is PostgresException postgres && postgres.SqlState[..2] is "22" or "23" or "54");

    /// <summary>A table or a column that this version counts on is not there: nobody has migrated, or another state was restored. Nothing was done.</summary>
    public static bool IsSchemaMissing(Exception error) => error is PostgresException
    {
        SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName,
    };

    /// <summary>
    /// The database is not there, going down, or not fit for work (disk full, read-only after a failover, schema not yet there): wait.
    /// </summary>
    public static bool IsUnavailable(Exception error) => error switch
    {
        PostgresException postgres => postgres.SqlState switch
        {
            PostgresErrorCodes.QueryCanceled => true,
            PostgresErrorCodes.ReadOnlySqlTransaction => true,
            PostgresErrorCodes.InvalidCatalogName => true,
            PostgresErrorCodes.InsufficientPrivilege => true,
            var state => IsSchemaMissing(postgres) || state[..2] is "08" or "28" or "53" or "57" or "58" or "XX",
        },
        // The driver wraps what failed while it read or wrote.
        _ when MemoryShortage.Is(error) => false,
        NpgsqlException or SocketException or IOException or TimeoutException => true,
        _ => IsOutOfStep(error),
    };

    /// <summary>As the seam's callers see it.</summary>
    public static StoreUnavailableException Unavailable(Exception error) => new(
        error switch
        {
            _ when IsSchemaMissing(error) => $"{SchemaState.WhatToDo} It says: {Describe(error)}",
            PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } or TimeoutException or NpgsqlException { InnerException: TimeoutException } =>
                $"The database has not answered in time; it may be busy, or a lock may be held (see pg_stat_activity): {Describe(error)}",
            PostgresException => $"The database refuses: {Describe(error)}",
            _ => $"The database cannot be reached: {Describe(error)}",
        },
        error);

    /// <summary>One line, with neither data nor password.</summary>
    public static string Describe(Exception error) => error switch
    {
        PostgresException postgres => $"{postgres.MessageText} (SQLSTATE {postgres.SqlState})",
        { InnerException: { } inner } => inner.Message,
        _ => error.Message,
    };

    // A statement that failed in the very batch that prepared it stays prepared, and the driver takes it for one that answers no rows
    // (npgsql issue 6391). It says so with a bare Exception. The connection is of no use any more, and what was asked may have been done.
    private static bool IsOutOfStep(Exception error) =>
        error.GetType() == typeof(Exception) && error.Message.StartsWith("Received unexpected backend message", StringComparison.Ordinal);
}
