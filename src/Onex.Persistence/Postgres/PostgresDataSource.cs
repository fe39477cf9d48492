using Microsoft.Extensions.Logging;
using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>Creates the connection pool that all stores share.</summary>
public static class PostgresDataSource
{
    // The batches join tables by primary key with arrays of unknown length. A plan that is made while the tables are empty would use
    // sequential scans, and stay in the plan cache until the next ANALYZE. A plan that cannot avoid one then costs enough to start the JIT.
    private const string SessionSettings = "SET enable_seqscan = off; SET jit = off";

    /// <summary>Creates a pool. The caller disposes of it.</summary>
    public static NpgsqlDataSource Create(StoreSettings settings, ILoggerFactory? logging = null)
    {
        var builder = new NpgsqlDataSourceBuilder(settings.ToConnectionString());
        builder.UseLoggerFactory(logging);

        // Only effects' own connections write spans. A commit is for many sagas, so its statements belong to no trace.
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(static _ => false)
            .ConfigureBatchFilter(static _ => false)
            .ConfigureCopyOperationFilter(static _ => false)
            .EnablePhysicalOpenTracing(false));

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
