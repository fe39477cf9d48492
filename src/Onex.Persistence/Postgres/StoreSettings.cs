using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>How to reach the runtime's database. Its text never contains the password.</summary>
public sealed record StoreSettings
{
    /// <summary>Host name or address. Or several, separated by commas, each with or without a port: then the primary is used.</summary>
    public required string Host { get; init; }

    /// <summary>TCP port.</summary>
    public int Port { get; init; } = 5432;

    /// <summary>Name of the database.</summary>
    public required string Database { get; init; }

    /// <summary>The database user.</summary>
    public required string User { get; init; }

    /// <summary>The user's password, or null if none is required.</summary>
    public string? Password { get; init; }

    /// <summary>
    /// The SSL mode as in libpq: <c>disable</c>, <c>allow</c>, <c>prefer</c>, <c>require</c>, <c>verify-ca</c>, <c>verify-full</c>.
    /// </summary>
    public string SslMode { get; init; } = "prefer";

    /// <summary>The name that <c>pg_stat_activity</c> shows.</summary>
    public string ApplicationName { get; init; } = "onex";

    /// <summary>The most connections of the pool. Few suffice, because batches are large.</summary>
    public int MaxPoolSize { get; init; } = 8;

    /// <summary>Reads a connection string of Npgsql, such as <c>ONEX_TEST_POSTGRES</c>.</summary>
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

        // In seconds; CancellationTimeout in milliseconds. Short, because all callers retry.
        Timeout = 3,
        CommandTimeout = 15,
        CancellationTimeout = 2000,
        KeepAlive = 10,
        HostRecheckSeconds = 1,
        TcpKeepAlive = true,
        MaxAutoPrepare = 50,
        AutoPrepareMinUsages = 2,

        // A batch has 100 kB and more; the default buffer has 8 kB.
        WriteBufferSize = 64 * 1024,

        // A reset would undo the session settings: see PostgresDataSource.
        NoResetOnClose = true,
        IncludeErrorDetail = false,
        Enlist = false,
    }.ConnectionString;
}
