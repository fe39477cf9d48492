using Microsoft.Extensions.Logging;
using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>
/// Creates the daily partitions of <c>saga_transitions</c> in advance, after migrations and in each maintenance. Entries of a day without a
/// partition go to the default partition until the day's own is created, so a delay does no harm.
/// </summary>
public static class HistoryPartitions
{
    /// <summary>The number of days after today (UTC) that get a partition.</summary>
    public const int DaysAhead = 7;

    private const string Create = "SELECT onex.make_history_partitions($1)";

    private const string Missing = """
        SELECT count(*)::integer FROM generate_series(0, $1) AS n(day)
        WHERE to_regclass('onex.saga_transitions_' || to_char((now() AT TIME ZONE 'UTC')::date + n.day, 'YYYYMMDD')) IS NULL
        """;

    /// <summary>
    /// Creates missing partitions of today and the coming days. If a lock on the history is not available, logs that and creates none.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database cannot be reached.</exception>
    public static async Task CreateAsync(NpgsqlDataSource dataSource, ILogger logger, CancellationToken cancellation)
    {
        var missing = await dataSource.RunAsync(
            [WithDays(Missing)],
            async reader =>
            {
                await reader.ReadAsync(cancellation);
                return reader.GetInt32(0);
            },
            cancellation);
        if (missing > 0)
        {
            await MaintenanceCommand.TryAsync(
                dataSource, "Creating the history's partitions of the coming days", WithDays(Create), logger, cancellation);
        }
    }

    private static NpgsqlBatchCommand WithDays(string sql) =>
        new(sql) { Parameters = { new NpgsqlParameter<int> { TypedValue = DaysAhead } } };
}
