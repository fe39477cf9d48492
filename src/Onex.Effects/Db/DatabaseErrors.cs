using System.Net.Sockets;
using Npgsql;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Operations;

namespace Onex.Effects.Db;

/// <summary>Where in an attempt an error came.</summary>
internal enum DatabaseStage
{
    /// <summary>While a session was made.</summary>
    Postgres,

    /// <summary>While the server read the statement, before it had any value.</summary>
    Preparing,

    /// <summary>While it ran, with values that must not be told.</summary>
    Running,

    /// <summary>While it was committed: nobody may know if that happened.</summary>
    Committing,
}

/// <summary>What an error of a database means to a step.</summary>
/// <param name="IsFinal">Whether the same again would end the same: <see cref="StepOutcomes.Rejected"/>, else failed.</param>
/// <param name="Code">For contracts.</param>
/// <param name="Message">For people. Holds neither values nor the password.</param>
internal sealed record DatabaseError(bool IsFinal, string Code, string Message)
{
    /// <summary>Whether nobody can tell if it was committed.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>The outcome that it makes.</summary>
    public EffectOutcome<TResult> ToOutcome<TResult>()
        where TResult : class => IsFinal
            // Nothing of this attempt remains; of an earlier one whose commit is unknown that says nothing.
            ? EffectOutcome<TResult>.Rejected(Code, Message)
            : EffectOutcome<TResult>.Failed(IsUnknown ? AttemptReach.Sent : AttemptReach.NotSent, Code, Message);
}

/// <summary>Classifies errors by SQLSTATE (appendix A of PostgreSQL's manual).</summary>
internal static class DatabaseErrors
{
    /// <summary>Whether an exception is one of the database's or of the way there.</summary>
    public static bool Concern(Exception exception) => exception is NpgsqlException or SocketException or IOException or TimeoutException;

    /// <summary>What it means.</summary>
    /// <param name="exception">One that <see cref="Concern"/>s.</param>
    /// <param name="stage">When it came.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="readOnly">Whether the operation itself forbade changes; else it is a server that takes none at the moment.</param>
    public static DatabaseError Read(Exception exception, DatabaseStage stage, string connection, bool readOnly)
    {
        if (exception is not PostgresException error)
        {
            return stage switch
            {
                DatabaseStage.Postgres => new(false, "connection_failed", $"The database of connection '{connection}' cannot be reached."),
                DatabaseStage.Committing => new(false, "connection_lost", $"The database of connection '{connection}' was lost during the commit: whether that happened is not known.") { IsUnknown = true },
                _ => new(false, "connection_lost", $"The database of connection '{connection}' was lost. Nothing was committed."),
            };
        }

        var (final, code) = error.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction ? (readOnly, "read_only") : Classify(error.SqlState);
        return new DatabaseError(final, code, $"The database of connection '{connection}' {Describe(error, stage, code)} (SQLSTATE {error.SqlState}).")
        {
            // A server that is shut down, or breaks, while it commits may have committed already.
            IsUnknown = stage == DatabaseStage.Committing && error.SqlState[..2] is "08" or "53" or "57" or "58" or "XX",
        };
    }

    // Final unless the same statement with the same values could end otherwise: the server is not fit, or others were in the way.
    private static (bool IsFinal, string Code) Classify(string state) => state switch
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

    // What the server says of a statement alone is told. Once it has values it may quote them, so only names are: of constraints, tables,
    // columns. What a function raises is written for whoever reads it.
    private static string Describe(PostgresException error, DatabaseStage stage, string code) => (stage, code) switch
    {
        (_, "authentication_failed") => "does not let its user in: check 'user' and 'password'",
        (DatabaseStage.Postgres, _) => "does not take a session",
        (DatabaseStage.Preparing, _) => $"refuses the statement: {error.MessageText}",
        (_, "raised_exception") => $"raised: {error.MessageText}",
        (_, "read_only") => "allows no changes here",
        (DatabaseStage.Committing, _) => $"refuses the commit with {code}{Names(error)}",
        _ => $"answered {code}{Names(error)}",
    };

    private static string Names(PostgresException error)
    {
        var names = new[] { ("constraint", error.ConstraintName), ("table", error.TableName), ("column", error.ColumnName), ("type", error.DataTypeName) }
            .Where(name => !string.IsNullOrEmpty(name.Item2))
            .Select(name => $"{name.Item1} '{name.Item2}'");
        return string.Join(", ", names) is { Length: > 0 } text ? ": " + text : "";
    }
}
