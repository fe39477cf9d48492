using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Postgres;
using Onex.Persistence.Maintenance;

namespace Onex.Persistence.Schema;

/// <summary>
/// Makes the daily partitions of <c>saga_history</c> ahead. Main does it at its start and every hour. What happens on a day without one stands in
/// the default partition until it can be made: no day is needed at once.
/// </summary>
public static class HistoryPartitions
{
    /// <summary>How many days after today (UTC) have a partition afterwards.</summary>
    public const int DaysAhead = 7;

    private const string Make = "SELECT onex.make_history_partitions($1)";

    private const string Missing = """
        SELECT count(*)::integer FROM generate_series(0, $1) AS n(day)
        WHERE to_regclass('onex.saga_history_' || to_char((now() AT TIME ZONE 'UTC')::date + n.day, 'YYYYMMDD')) IS NULL
        """;

    /// <summary>Makes what is missing, unless someone uses the history so that it must wait: then the log says so. Harmless to repeat.</summary>
    /// <exception cref="Sagas.StoreUnavailableException">The database cannot be reached.</exception>
    public static async Task MakeAsync(NpgsqlDataSource dataSource, ILogger logger, CancellationToken cancellation)
    {
        var missing = await dataSource.RunAsync(
            [Days(Missing)],
            async reader =>
            {
                await reader.ReadAsync(cancellation);
                return reader.GetInt32(0);
            },
            cancellation);
        if (missing > 0)
        {
            await MaintenanceCommand.TryAsync(dataSource, "Making the history's partitions of the coming days", Days(Make), logger, cancellation);
        }
    }

    private static NpgsqlBatchCommand Days(string sql) => new(sql) { Parameters = { new NpgsqlParameter<int> { TypedValue = DaysAhead } } };
}
