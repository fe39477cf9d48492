using System.Net.Sockets;
using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>The database is not as it must be. The message is one line for people that says what to do.</summary>
public sealed class StoreSetupException : Exception
{
    /// <summary>With no text of its own.</summary>
    public StoreSetupException()
        : this("The database is not as it must be.")
    {
    }

    /// <summary>With a text.</summary>
    public StoreSetupException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and a cause.</summary>
    public StoreSetupException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether waiting may help: the server is away or just starting.</summary>
    public bool MayPass { get; private init; }

    /// <summary>What to do about an error of Npgsql or of EF Core around one; null for any other.</summary>
    internal static StoreSetupException? From(Exception error, StoreSettings settings)
    {
        var server = $"PostgreSQL at {settings.Host}:{settings.Port}";
        return Cause(error) switch
        {
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword } => Told(
                $"{server} refuses the password of user {Quoted(settings.User)}: check POSTGRES_PASSWORD."),
            PostgresException { SqlState: PostgresErrorCodes.InvalidAuthorizationSpecification } refused => Told(
                $"{server} does not let user {Quoted(settings.User)} in ({refused.MessageText}): check POSTGRES_USER and the server's pg_hba.conf."),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => Told(
                $"{server} has no database {Quoted(settings.Database)}: someone who may create databases there must run "
                + $"CREATE DATABASE {Quoted(settings.Database)} OWNER {Quoted(settings.User)}; or check POSTGRES_DATABASE."),
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } denied => Told(
                $"User {Quoted(settings.User)} may not set up database {Quoted(settings.Database)} ({denied.MessageText}): its owner must run "
                + $"GRANT CREATE ON DATABASE {Quoted(settings.Database)} TO {Quoted(settings.User)}; and tables in schema onex must belong to that user."),
            PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } => Told(
                $"The schema of database {Quoted(settings.Database)} cannot be changed now, for another session (a backup, a report, a runtime of before) has a lock "
                + "on its tables: pg_stat_activity shows who. Nothing has been changed, and it is tried again.",
                mayPass: true),
            PostgresException other when StoreErrors.IsUnavailable(other) => Told(
                $"{server} is not ready: {StoreErrors.Describe(other)}.", mayPass: true),
            PostgresException other => Told($"{server} failed: {StoreErrors.Describe(other)}."),
            NpgsqlException missing when missing.Message.Contains("No password has been provided", StringComparison.Ordinal) => Told(
                $"{server} asks user {Quoted(settings.User)} for a password and none is given: set POSTGRES_PASSWORD."),
            TimeoutException or NpgsqlException { InnerException: TimeoutException } => Told(
                $"{server} has not answered in time: it may be busy, a lock may be held (see pg_stat_activity), or POSTGRES_HOST and POSTGRES_PORT lead elsewhere.",
                mayPass: true),
            NpgsqlException or SocketException or TimeoutException or IOException => Told(
                $"{server} cannot be reached ({StoreErrors.Describe(Cause(error)!)}): check that it runs, POSTGRES_HOST and POSTGRES_PORT.",
                mayPass: true),
            _ => null,
        };

        StoreSetupException Told(string message, bool mayPass = false) => new(message.ReplaceLineEndings(" "), error) { MayPass = mayPass };
    }

    // EF Core wraps what may be transient in an InvalidOperationException.
    private static Exception? Cause(Exception? error)
    {
        while (error is not null and not NpgsqlException and not SocketException and not TimeoutException and not IOException)
        {
            error = error.InnerException;
        }

        return error;
    }

    private static string Quoted(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
