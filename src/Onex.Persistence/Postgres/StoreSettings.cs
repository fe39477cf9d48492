using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>How to reach the runtime's own database. Its text never holds the password.</summary>
public sealed record StoreSettings
{
    /// <summary>Host name or address.</summary>
    public required string Host { get; init; }

    /// <summary>TCP port.</summary>
    public int Port { get; init; } = 5432;

    /// <summary>Name of the database.</summary>
    public required string Database { get; init; }

    /// <summary>Who connects.</summary>
    public required string User { get; init; }

    /// <summary>The user's password, or null where none is asked for.</summary>
    public string? Password { get; init; }

    /// <summary>As libpq names it: <c>disable</c>, <c>allow</c>, <c>prefer</c>, <c>require</c>, <c>verify-ca</c>, <c>verify-full</c>.</summary>
    public string SslMode { get; init; } = "prefer";

    /// <summary>What <c>pg_stat_activity</c> shows.</summary>
    public string ApplicationName { get; init; } = "onex";

    /// <summary>Connections of this process at most. Few: batches are big.</summary>
    public int MaxPoolSize { get; init; } = 8;

    /// <summary>Reads a connection string of Npgsql, as <c>ONEX_TEST_POSTGRES</c> holds one.</summary>
    public static StoreSettings Parse(string connectionString)
    {
        var read = new NpgsqlConnectionStringBuilder(connectionString);
        return new StoreSettings
        {
            Host = read.Host ?? "127.0.0.1",
            Port = read.Port,
            Database = read.Database ?? read.Username ?? "postgres",
            User = read.Username ?? "postgres",
            Password = read.Password,
            SslMode = read.SslMode switch
            {
                Npgsql.SslMode.VerifyCA => "verify-ca",
                Npgsql.SslMode.VerifyFull => "verify-full",
                var mode => mode.ToString().ToLowerInvariant(),
            },
        };
    }

    /// <inheritdoc />
    public override string ToString() => $"{User}@{Host}:{Port}/{Database}";

    internal string ToConnectionString() => new NpgsqlConnectionStringBuilder
    {
        Host = Host,
        Port = Port,
        Database = Database,
        Username = User,
        Password = Password,
        SslMode = Enum.Parse<SslMode>(SslMode.Replace("-", "", StringComparison.Ordinal), ignoreCase: true),
        ApplicationName = ApplicationName,
        MaxPoolSize = MaxPoolSize,

        // Seconds. Short, because /ready must turn within two seconds and everything waits and tries again anyhow.
        Timeout = 3,
        CommandTimeout = 15,
        CancellationTimeout = 2000,
        KeepAlive = 10,
        TcpKeepAlive = true,
        MaxAutoPrepare = 50,
        AutoPrepareMinUsages = 2,

        // A batch is a hundred kilobytes and more: not in pieces of eight.
        WriteBufferSize = 64 * 1024,

        // Nothing that we set on a session needs undoing: see PostgresDataSource.
        NoResetOnClose = true,
        IncludeErrorDetail = false,
        Enlist = false,
    }.ConnectionString;
}
