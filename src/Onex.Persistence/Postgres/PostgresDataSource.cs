using Microsoft.Extensions.Logging;
using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>Creates the connection pool that all stores share.</summary>
public static class PostgresDataSource
{
    // The batches join tables by primary key with arrays of unknown length. Planned while the tables are empty, they would use sequential
    // scans, also later from the plan cache until the next analyze, and the cost of such a plan would start the JIT compiler.
    private const string SessionSettings = "SET enable_seqscan = off; SET jit = off";

    /// <summary>Creates a pool. The caller disposes of it.</summary>
    public static NpgsqlDataSource Create(StoreSettings settings, ILoggerFactory? logging = null)
    {
        var builder = new NpgsqlDataSourceBuilder(settings.ToConnectionString());
        builder.UseLoggerFactory(logging);

        // The label of the driver's metrics, which would be the connection string otherwise.
        builder.Name = settings.ApplicationName;
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
        return settings.Host.Contains(',', StringComparison.Ordinal)
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
            : builder.Build();
    }
}
