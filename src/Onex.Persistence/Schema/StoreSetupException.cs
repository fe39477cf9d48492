using System.Net.Sockets;
using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>The database cannot be used as it is. The message is one line with the remedy.</summary>
public sealed class StoreSetupException : Exception
{
    /// <summary>With a general message.</summary>
    public StoreSetupException()
        : this("The database cannot be used as it is.")
    {
    }

    /// <summary>With a message.</summary>
    public StoreSetupException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public StoreSetupException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether a retry may help, because the server is unreachable, starting or slow, or a lock is held.</summary>
    public bool MayPass { get; private init; }

    /// <summary>Describes an error of Npgsql, or of EF Core around one, with its remedy; null for any other error.</summary>
    internal static StoreSetupException? From(Exception error, StoreSettings settings)
    {
        var server = $"PostgreSQL at {settings.Host}:{settings.Port}";
        return Cause(error) switch
        {
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword } => Create(
                $"{server} rejects the password of user {Quoted(settings.User)}: check POSTGRES_PASSWORD."),
            PostgresException { SqlState: PostgresErrorCodes.InvalidAuthorizationSpecification } rejected => Create(
                $"{server} rejects user {Quoted(settings.User)} ({rejected.MessageText}): "
                + "check POSTGRES_USER and the server's pg_hba.conf."),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => Create(
                $"{server} has no database {Quoted(settings.Database)}: someone who may create databases there must run "
                + $"CREATE DATABASE {Quoted(settings.Database)} OWNER {Quoted(settings.User)}; or check POSTGRES_DATABASE."),
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } denied => Create(
                $"User {Quoted(settings.User)} may not set up database {Quoted(settings.Database)} ({denied.MessageText}): its owner "
                + $"must run GRANT CREATE ON DATABASE {Quoted(settings.Database)} TO {Quoted(settings.User)}; and tables in schema onex "
                + "must belong to that user."),
            PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } => Create(
                $"The schema of database {Quoted(settings.Database)} cannot be changed now, because another session (a backup, a report, "
                + "an older runtime) has a lock on its tables; pg_stat_activity shows it. Nothing was changed; it is retried.",
                mayPass: true),
            PostgresException other when StoreErrors.IsUnavailable(other) => Create(
                $"{server} is not ready: {StoreErrors.Describe(other)}.", mayPass: true),
            PostgresException other => Create($"{server} failed: {StoreErrors.Describe(other)}."),
            NpgsqlException missing when missing.Message.Contains("No password has been provided", StringComparison.Ordinal) => Create(
                $"{server} requires a password of user {Quoted(settings.User)} and none is set: set POSTGRES_PASSWORD."),
            TimeoutException or NpgsqlException { InnerException: TimeoutException } => Create(
                $"{server} did not answer in time: it may be busy, a lock may be held (see pg_stat_activity), or POSTGRES_HOST and "
                + "POSTGRES_PORT may be wrong.",
                mayPass: true),
            NpgsqlException or SocketException or TimeoutException or IOException => Create(
                $"{server} cannot be reached ({StoreErrors.Describe(Cause(error)!)}): check that it runs, POSTGRES_HOST and POSTGRES_PORT.",
                mayPass: true),
            _ => null,
        };

        StoreSetupException Create(string message, bool mayPass = false) =>
            new(message.ReplaceLineEndings(" "), error) { MayPass = mayPass };
    }

    // EF Core wraps transient errors in an InvalidOperationException.
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
