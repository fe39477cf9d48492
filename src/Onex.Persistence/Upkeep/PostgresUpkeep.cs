using Npgsql;
using Onex.Persistence.Connecting;
using Onex.Persistence.Ledger;
using Onex.Persistence.Schema;

namespace Onex.Persistence.Upkeep;

/// <summary>Upkeep in PostgreSQL.</summary>
public sealed class PostgresUpkeep(NpgsqlDataSource dataSource, EffectLedger ledger) : IStoreUpkeep
{
    private const int RowsOfAStep = 500;

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

    // One whose record is still to be sent again stays. No letter is younger than the decision about it, so the plan is ix_dead_letters_at.
    private const string RemoveLetters = """
        WITH gone AS (
            DELETE FROM onex.dead_letters WHERE id IN (
                SELECT l.id FROM onex.dead_letters l
                WHERE l.at < clock_timestamp() - $1 AND l.status <> 'open' AND l.decided_at < clock_timestamp() - $1
                    AND NOT EXISTS (SELECT FROM onex.outbox o WHERE o.saga_id = l.id)
                ORDER BY l.at LIMIT $2 FOR UPDATE OF l SKIP LOCKED)
            RETURNING id
        )
        SELECT count(*)::integer FROM gone
        """;

    /// <inheritdoc />
    public async Task TidyAsync(TimeSpan sagasKept, TimeSpan historyKept, CancellationToken cancellation)
    {
        await HistoryPartitions.MakeAsync(dataSource, cancellation);
        await CountAsync(new NpgsqlBatchCommand(DropHistory) { Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = historyKept } } }, cancellation);
        await ledger.RemoveOlderThanAsync(EffectLedger.OutcomesKept, cancellation);
        await RepeatAsync(RemoveSagas, sagasKept, cancellation);
        await RepeatAsync(RemoveLetters, sagasKept, cancellation);
    }

    private async Task RepeatAsync(string step, TimeSpan kept, CancellationToken cancellation)
    {
        while (await CountAsync(Step(step, kept), cancellation) == RowsOfAStep)
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static NpgsqlBatchCommand Step(string sql, TimeSpan kept) => new(sql)
    {
        Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = kept }, new NpgsqlParameter<int> { TypedValue = RowsOfAStep } },
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
