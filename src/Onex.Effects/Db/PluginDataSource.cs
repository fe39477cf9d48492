using System.Data.Common;
using Npgsql;

namespace Onex.Effects.Db;

/// <summary>Opens sessions of a pool for a plug-in, which sees no password and cannot close the pool.</summary>
/// <param name="pool">The pool.</param>
internal sealed class PluginDataSource(NpgsqlDataSource pool) : DbDataSource
{
    public override string ConnectionString => "";

    protected override DbConnection CreateDbConnection() => pool.CreateConnection();
}
