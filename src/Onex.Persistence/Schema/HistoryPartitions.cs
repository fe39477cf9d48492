using Npgsql;
using Onex.Persistence.Connecting;

namespace Onex.Persistence.Schema;

/// <summary>Makes the daily partitions of <c>saga_history</c> ahead. Main does it at its start and daily.</summary>
public static class HistoryPartitions
{
    /// <summary>How many days after today (UTC) have a partition afterwards.</summary>
    public const int DaysAhead = 7;

    /// <summary>Makes what is missing; answers how many were. Harmless to repeat, also from several processes at once.</summary>
    /// <exception cref="Sagas.StoreUnavailableException">The database cannot be reached.</exception>
    public static Task<int> MakeAsync(NpgsqlDataSource dataSource, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand("SELECT onex.make_history_partitions($1)")
            {
                Parameters = { new NpgsqlParameter<int> { TypedValue = DaysAhead } },
            },
        ],
        async reader =>
        {
            await reader.ReadAsync(cancellation);
            return reader.GetInt32(0);
        },
        cancellation);
}
