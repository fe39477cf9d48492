using Microsoft.Extensions.Logging;
using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>Makes the pool of connections that everything of this project shares.</summary>
public static class PostgresDataSource
{
    // The batches join tables by primary key with arrays of unknown length. Planned while the tables are still empty, they would scan
    // them, and go on scanning them from the plan cache until the next analyze; and such a plan's cost would start the JIT compiler.
    private const string SessionSettings = "SET enable_seqscan = off; SET jit = off";

    /// <summary>A new pool. The caller disposes of it.</summary>
    public static NpgsqlDataSource Create(StoreSettings settings, ILoggerFactory? logging = null)
    {
        var builder = new NpgsqlDataSourceBuilder(settings.ToConnectionString());
        builder.UseLoggerFactory(logging);
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = new NpgsqlCommand(SessionSettings, connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = new NpgsqlCommand(SessionSettings, connection);
                await command.ExecuteNonQueryAsync();
            });
        return builder.Build();
    }
}
