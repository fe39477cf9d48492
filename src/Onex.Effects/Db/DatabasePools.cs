using System.Data;
using System.Data.Common;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Effects.Connections;
using Onex.Persistence.Postgres;

namespace Onex.Effects.Db;

/// <summary>The sessions of database effects: per connection a pool, and one for plug-ins, each as large as its concurrency.</summary>
internal sealed class DatabasePools(ConnectionTable connections, ILogger<DatabasePools> logger) : IDisposable
{
    private readonly PerConnection<DatabasePool> _pools = new(
        connections, connection => new DatabasePool(connection, logger), pool => pool.Dispose());

    /// <summary>The pool of a connection to a database.</summary>
    public DatabasePool For(Connection connection) => _pools.For(connection);

    public void Dispose() => _pools.Dispose();
}

/// <summary>The sessions of one connection.</summary>
internal sealed class DatabasePool(Connection connection, ILogger logger) : IDisposable
{
    // Values are read as text, so their form must not depend on the server's configuration. A session that idles within a transaction
    // belongs to a process that hangs, and may lock a row of the ledger that others wait for.
    private const string SessionOptions =
        "-c datestyle=ISO -c intervalstyle=iso_8601 -c extra_float_digits=1 -c bytea_output=hex -c idle_in_transaction_session_timeout=10s";

    private readonly NpgsqlDataSource _source =
        new NpgsqlDataSourceBuilder(ConnectionString(connection)) { Name = connection.Name }.Build();

    private readonly Lazy<NpgsqlDataSource> _pluginSource = new(
        () => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(ConnectionString(connection)) { NoResetOnClose = false }));

    private bool? _holdsLedger;

    /// <summary>Opens a session in the state of a new one.</summary>
    public async ValueTask<PooledSession> OpenAsync(CancellationToken cancellation) =>
        new(await _source.OpenConnectionAsync(cancellation), _source);

    /// <summary>Whether a transaction of the session can write the ledger, because both are one database. Cached.</summary>
    public async Task<bool> HoldsLedgerAsync(PostgresEffectLedger ledger, NpgsqlConnection session, CancellationToken cancellation)
    {
        if (_holdsLedger is { } known)
        {
            return known;
        }

        var holds = await ledger.IsSameDatabaseAsync(session, cancellation);
        _holdsLedger = holds;
        Log.TransactionMode(logger, connection.Name, holds ? "include the effect ledger" : "are separate from the effect ledger");
        return holds;
    }

    /// <summary>Discards the cached answer, because the host's name may resolve to another server by now.</summary>
    public void ResetLedger() => _holdsLedger = null;

    /// <summary>Sessions for a plug-in, which the database client resets before it hands them out again.</summary>
    /// <param name="beforeUse">Called before the plug-in gets a session.</param>
    public DbDataSource ForPlugin(Action beforeUse) => new PluginDataSource(_pluginSource.Value, beforeUse);

    public void Dispose()
    {
        _source.Dispose();
        if (_pluginSource.IsValueCreated)
        {
            _pluginSource.Value.Dispose();
        }
    }

    private static string ConnectionString(Connection connection)
    {
        var address = connection.Database ?? throw new InvalidOperationException($"{connection} is not a database connection.");
        return new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Port = address.Port,
            Database = address.Database,
            Username = address.User,
            Password = address.Password,
            SslMode = address.SslMode,
            RootCertificate = connection.Tls.CaFile,
            SslCertificate = connection.Tls.ClientCertificate,
            SslKey = connection.Tls.ClientCertificate,
            ApplicationName = "onex-effects",
            MaxPoolSize = connection.Concurrency,
            Options = SessionOptions,
            Timezone = "UTC",

            // Statements end with their attempt. CommandTimeout is for other commands, such as a commit. It and KeepAlive are in seconds,
            // CancellationTimeout is in milliseconds.
            CommandTimeout = 30,
            CancellationTimeout = 2000,
            KeepAlive = 10,
            TcpKeepAlive = true,
            IncludeErrorDetail = false,
            Enlist = false,

            // The session is reset when it is returned, not when it is used next, because others may wait for locks that it holds.
            NoResetOnClose = true,
        }.ConnectionString;
    }
}

/// <summary>
/// A session of a pool. Disposing of it resets all that statements have set on it (advisory locks, settings, temporary tables, LISTEN)
/// before it returns to the pool.
/// </summary>
internal sealed class PooledSession(NpgsqlConnection connection, NpgsqlDataSource source) : IAsyncDisposable
{
    private const int ResetSeconds = 5;

    public NpgsqlConnection Connection => connection;

    public async ValueTask DisposeAsync()
    {
        if (connection.FullState == ConnectionState.Open)
        {
            await ResetAsync();
        }

        await connection.DisposeAsync();
    }

    // If it fails, the pool closes all its sessions, this one on its return, so that the server releases its locks.
    private async Task ResetAsync()
    {
        try
        {
            await using var reset = new NpgsqlCommand("DISCARD ALL", connection) { CommandTimeout = ResetSeconds };
            await reset.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception exception) when (DatabaseErrors.IsFromDatabase(exception))
        {
            source.Clear();
        }
    }
}
