using Npgsql;
using Onex.Persistence.Connecting;
using Onex.Persistence.Ledger;
using Onex.Persistence.Schema;

namespace Onex.Persistence.Upkeep;

/// <summary>Upkeep in PostgreSQL.</summary>
public sealed class PostgresUpkeep(NpgsqlDataSource dataSource, EffectLedger ledger) : IStoreUpkeep
{
    private const int SagasOfAStep = 500;

    private const string DropHistory = "SELECT onex.drop_history_partitions($1)";

    // An ended saga may still be moved (a request is answered again), so its row is locked; one that is locked already is left for the next
    // time. Plan: ix_sagas_ended_at, then the index on saga_id of each table by nested loop.
    private const string RemoveSagas = """
        WITH old AS MATERIALIZED (
            SELECT s.id FROM onex.sagas s
            WHERE s.ended_at < clock_timestamp() - $1 AND NOT EXISTS (SELECT FROM onex.outbox o WHERE o.saga_id = s.id)
            ORDER BY s.ended_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), payloads AS (
            DELETE FROM onex.saga_payloads p USING old WHERE p.saga_id = old.id
        ), items AS (
            DELETE FROM onex.saga_items i USING old WHERE i.saga_id = old.id
        ), seen AS (
            DELETE FROM onex.inbox i USING old WHERE i.saga_id = old.id
        ), events AS (
            DELETE FROM onex.early_events e USING old WHERE e.saga_id = old.id
        ), timers AS (
            DELETE FROM onex.timers t USING old WHERE t.saga_id = old.id
        ), gone AS (
            DELETE FROM onex.sagas s USING old WHERE s.id = old.id RETURNING s.id
        )
        SELECT count(*)::integer FROM gone
        """;

    /// <inheritdoc />
    public async Task TidyAsync(TimeSpan sagasKept, TimeSpan historyKept, CancellationToken cancellation)
    {
        await HistoryPartitions.MakeAsync(dataSource, cancellation);
        await CountAsync(new NpgsqlBatchCommand(DropHistory) { Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = historyKept } } }, cancellation);
        await ledger.RemoveOlderThanAsync(EffectLedger.OutcomesKept, cancellation);
        while (await CountAsync(Remove(sagasKept), cancellation) == SagasOfAStep)
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static NpgsqlBatchCommand Remove(TimeSpan sagasKept) => new(RemoveSagas)
    {
        Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = sagasKept }, new NpgsqlParameter<int> { TypedValue = SagasOfAStep } },
    };

    private Task<int> CountAsync(NpgsqlBatchCommand command, CancellationToken cancellation) => dataSource.RunAsync(
        [command],
        async reader =>
        {
            await reader.ReadAsync(cancellation);
            return reader.GetInt32(0);
        },
        cancellation);
}
