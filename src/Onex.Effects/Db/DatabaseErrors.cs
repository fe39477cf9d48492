using System.Net.Sockets;
using Npgsql;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Effects.Db;

/// <summary>The stage of an attempt in which an error occurred.</summary>
internal enum DatabaseStage
{
    /// <summary>While connecting, and until the transaction has begun.</summary>
    Connecting,

    /// <summary>While the server parsed the statement, before it had any value.</summary>
    Preparing,

    /// <summary>While the statement ran, with values that must not be disclosed.</summary>
    Running,

    /// <summary>During the commit: it may be unknown whether it happened.</summary>
    Committing,
}

/// <summary>A database error, classified for the step.</summary>
/// <param name="IsFinal">Whether a retry would fail in the same way: <see cref="StepOutcomes.Rejected"/>, else failed.</param>
/// <param name="Code">The code for contracts.</param>
/// <param name="Message">The message for people, without values and passwords.</param>
internal sealed record DatabaseError(bool IsFinal, string Code, string Message)
{
    /// <summary>Whether it is unknown if the transaction was committed.</summary>
    public bool IsUnknown { get; init; }

    public EffectOutcome<TResult> ToOutcome<TResult>()
        where TResult : class => IsFinal
            // This attempt changed nothing. That says nothing about an earlier attempt whose commit is unknown.
            ? EffectOutcome<TResult>.Rejected(Code, Message)
            : EffectOutcome<TResult>.Failed(IsUnknown ? AttemptReach.Sent : AttemptReach.NotSent, Code, Message);
}

/// <summary>Classifies errors by SQLSTATE (appendix A of PostgreSQL's manual).</summary>
internal static class DatabaseErrors
{
    /// <summary>Whether an exception comes from the database or the connection to it.</summary>
    public static bool IsFromDatabase(Exception exception) =>
        exception is NpgsqlException or SocketException or IOException or TimeoutException;

    /// <summary>Classifies an exception.</summary>
    /// <param name="exception">An exception for which <see cref="IsFromDatabase"/> is true.</param>
    /// <param name="stage">The stage in which it occurred.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="readOnly">Whether the operation forbids changes. If not, the server itself is read-only, perhaps only for now.</param>
    public static DatabaseError Classify(Exception exception, DatabaseStage stage, string connection, bool readOnly)
    {
        if (exception is not PostgresException error)
        {
            return stage switch
            {
                DatabaseStage.Connecting =>
                    new(false, "connection_failed", $"The database of connection '{connection}' cannot be reached."),
                DatabaseStage.Committing =>
                    new(
                        false, "connection_lost",
                        $"The database of connection '{connection}' was lost during the commit: the outcome is unknown.")
                    {
                        IsUnknown = true,
                    },
                _ => new(false, "connection_lost", $"The database of connection '{connection}' was lost. Nothing was committed."),
            };
        }

        var (final, code) = error.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction
            ? (readOnly, "read_only")
            : ClassifyState(error.SqlState);
        return new DatabaseError(
            final, code, $"The database of connection '{connection}' {Describe(error, stage, code)} (SQLSTATE {error.SqlState}).")
        {
            // A server that shuts down or crashes during a commit may have committed already.
            IsUnknown = stage == DatabaseStage.Committing && error.SqlState[..2] is "08" or "53" or "57" or "58" or "XX",
        };
    }

    // An error is final unless the same statement could succeed later: after a problem of the server, or a conflict of transactions.
    private static (bool IsFinal, string Code) ClassifyState(string state) => state switch
    {
        PostgresErrorCodes.UniqueViolation => (true, "unique_violation"),
        PostgresErrorCodes.ForeignKeyViolation => (true, "foreign_key_violation"),
        PostgresErrorCodes.NotNullViolation => (true, "not_null_violation"),
        PostgresErrorCodes.CheckViolation => (true, "check_violation"),
        PostgresErrorCodes.ExclusionViolation => (true, "exclusion_violation"),
        PostgresErrorCodes.RaiseException => (true, "raised_exception"),
        PostgresErrorCodes.SyntaxError => (true, "syntax_error"),
        PostgresErrorCodes.UndefinedTable => (true, "undefined_table"),
        PostgresErrorCodes.UndefinedColumn => (true, "undefined_column"),
        PostgresErrorCodes.UndefinedFunction => (true, "undefined_function"),
        PostgresErrorCodes.InsufficientPrivilege => (true, "insufficient_privilege"),
        PostgresErrorCodes.SerializationFailure => (false, "serialization_failure"),
        PostgresErrorCodes.DeadlockDetected => (false, "deadlock"),
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.ObjectInUse => (false, "lock_not_available"),
        PostgresErrorCodes.QueryCanceled => (false, "statement_canceled"),

        // idle_in_transaction_session_timeout
        "25P03" => (false, "transaction_timed_out"),
        PostgresErrorCodes.InvalidCatalogName => (false, "connection_failed"),
        _ => state[..2] switch
        {
            "22" => (true, "data_exception"),
            "23" => (true, "constraint_violation"),
            "42" => (true, "statement_invalid"),
            "28" => (false, "authentication_failed"),
            "40" => (false, "transaction_rollback"),
            "08" => (false, "connection_lost"),
            "53" or "57" or "58" or "XX" => (false, "database_unavailable"),
            _ => (true, $"sqlstate_{state.ToLowerInvariant()}"),
        },
    };

    // While preparing, the server has no values, so its message is passed on. Afterwards it may quote values, so only names of constraints,
    // tables, columns and types are passed on, and messages that a function raises, because their author wrote them for people.
    private static string Describe(PostgresException error, DatabaseStage stage, string code) => (stage, code) switch
    {
        (_, "authentication_failed") => "rejects the user: check 'user' and 'password'",
        (DatabaseStage.Connecting, _) => "rejects new sessions",
        (DatabaseStage.Preparing, _) => $"rejects the statement: {error.MessageText}",
        (_, "raised_exception") => $"raised an error: {error.MessageText}",
        (_, "read_only") => "is read-only",
        (DatabaseStage.Committing, _) => $"rejects the commit with {code}{FormatNames(error)}",
        _ => $"reports {code}{FormatNames(error)}",
    };

    private static string FormatNames(PostgresException error)
    {
        var names = new (string Kind, string? Name)[]
            {
                ("constraint", error.ConstraintName),
                ("table", error.TableName),
                ("column", error.ColumnName),
                ("type", error.DataTypeName),
            }
            .Where(pair => !string.IsNullOrEmpty(pair.Name))
            .Select(pair => $"{pair.Kind} '{pair.Name}'");
        return string.Join(", ", names) is { Length: > 0 } text ? ": " + text : "";
    }
}
