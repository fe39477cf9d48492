using System.Net.Sockets;
using Npgsql;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Postgres;

/// <summary>Classifies exceptions of Npgsql.</summary>
internal static class StoreErrors
{
    public const string MissingSchema =
        "The tables of schema onex are missing, or older than this version of onex: run 'onex db migrate'.";

    /// <summary>Transactions deadlocked or could not be serialized, or one waited too long for a lock; a retry may succeed.</summary>
    public static bool IsContention(Exception error) => error is PostgresException
    {
        SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.LockNotAvailable,
    };

    /// <summary>
    /// The connection uses a prepared statement that the server does not have, because the transaction that prepared it failed. The
    /// connection must be closed, or it fails again. Nothing was written.
    /// </summary>
    public static bool IsMissingStatement(Exception error) =>
        error is PostgresException { SqlState: PostgresErrorCodes.InvalidSqlStatementName };

    /// <summary>
    /// The values are invalid: data exception (22), constraint (23), a program limit such as the size of an index entry (54).
    /// </summary>
    public static bool IsInvalidData(Exception error) =>
        error is PostgresException postgres && postgres.SqlState[..2] is "22" or "23" or "54";

    /// <summary>A table or a column is missing, because nobody has migrated or an older state was restored. Nothing was written.</summary>
    public static bool IsSchemaMissing(Exception error) => error is PostgresException
    {
        SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName,
    };

    /// <summary>
    /// The database is unreachable, going down, slow, or unusable for now (disk full, read-only, rights or schema missing): callers wait.
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
        // The driver wraps any failure while it reads or writes, also a lack of this process's memory.
        _ when MemoryShortage.Is(error) => false,
        NpgsqlException or SocketException or IOException or TimeoutException => true,
        _ => IsOutOfStep(error),
    };

    /// <summary>The exception that callers of the stores get.</summary>
    public static StoreUnavailableException Unavailable(Exception error) => new(
        error switch
        {
            _ when IsSchemaMissing(error) => $"{MissingSchema} The database reports: {Describe(error)}",
            _ when IsContention(error) =>
                "The database rolled the transaction back each time it was repeated, because it conflicts with others on the same rows; "
                + $"end long transactions on schema onex (see pg_stat_activity and pg_locks): {Describe(error)}",
            _ when IsMissingStatement(error) =>
                "The database lacks the statements that this connection prepared, on each new connection; a pooler in transaction mode may "
                + $"be in between: connect directly, or put it into session mode: {Describe(error)}",
            PostgresException { SqlState: PostgresErrorCodes.QueryCanceled }
                or TimeoutException
                or NpgsqlException { InnerException: TimeoutException } =>
                $"The database did not answer in time; it may be busy, or a lock may be held (see pg_stat_activity): {Describe(error)}",
            PostgresException => $"The database reports an error: {Describe(error)}",
            _ => $"The database cannot be reached: {Describe(error)}",
        },
        error);

    /// <summary>One line without the detail, which may contain data.</summary>
    public static string Describe(Exception error) => error switch
    {
        PostgresException postgres => $"{postgres.MessageText} (SQLSTATE {postgres.SqlState})",
        { InnerException: { } inner } => inner.Message,
        _ => error.Message,
    };

    // A statement that failed in the batch that prepared it stays prepared, and the driver expects no rows from it (npgsql issue 6391). It
    // then throws a bare Exception. The connection is unusable, and the statement may have been executed.
    private static bool IsOutOfStep(Exception error) =>
        error.GetType() == typeof(Exception) && error.Message.StartsWith("Received unexpected backend message", StringComparison.Ordinal);
}
