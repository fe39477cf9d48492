using System.Data.Common;
using Npgsql;

namespace Onex.Effects.Db;

/// <summary>Opens sessions of a pool for a plug-in, which sees no password and cannot close the pool.</summary>
/// <param name="pool">The pool.</param>
/// <param name="beforeUse">Called before the plug-in gets a session.</param>
internal sealed class PluginDataSource(NpgsqlDataSource pool, Action beforeUse) : DbDataSource
{
    public override string ConnectionString => "";

    protected override DbConnection CreateDbConnection()
    {
        beforeUse();
        return pool.CreateConnection();
    }

    protected override DbConnection OpenDbConnection()
    {
        var session = pool.OpenConnection();
        beforeUse();
        return session;
    }

    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        var session = await pool.OpenConnectionAsync(cancellationToken);
        beforeUse();
        return session;
    }
}
