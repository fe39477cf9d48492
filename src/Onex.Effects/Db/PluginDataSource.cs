using System.Data.Common;
using Npgsql;

namespace Onex.Effects.Db;

/// <summary>Opens sessions of a pool for a plug-in, which sees no password and cannot close the pool.</summary>
/// <param name="pool">The pool.</param>
/// <param name="opened">Called before the plug-in gets a session in which it may change something.</param>
internal sealed class PluginDataSource(NpgsqlDataSource pool, Action opened) : DbDataSource
{
    public override string ConnectionString => "";

    protected override DbConnection CreateDbConnection()
    {
        opened();
        return pool.CreateConnection();
    }

    protected override DbConnection OpenDbConnection()
    {
        var session = pool.OpenConnection();
        opened();
        return session;
    }

    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        var session = await pool.OpenConnectionAsync(cancellationToken);
        opened();
        return session;
    }
}
