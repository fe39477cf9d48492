using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;

namespace Onex.Persistence.Postgres;

/// <summary>Maintenance in PostgreSQL.</summary>
public sealed class PostgresMaintenance(NpgsqlDataSource dataSource, ILogger<PostgresMaintenance> logger) : IStoreMaintenance
{
    private const int RowsPerStep = 500;
    private const int OutcomesPerStep = 10_000;

    private const string DropHistory = "SELECT onex.drop_history_partitions($1)";

    // An ended saga may still change when a duplicate is answered, so its row is locked; a row that is locked already is skipped until
    // the next run. A child stays while its parent is live: if the child's result was lost, the parent asks again and needs the child's
    // row. Plan: ix_sagas_ended_at, then the index on saga_id of each table by nested loop.
    private const string RemoveSagas = """
        WITH old AS MATERIALIZED (
            SELECT s.id FROM onex.sagas s
            WHERE s.ended_at < clock_timestamp() - $1 AND NOT EXISTS (SELECT FROM onex.outbox o WHERE o.saga_id = s.id)
                AND NOT EXISTS (SELECT FROM onex.sagas p WHERE p.id = s.parent_id AND p.ended_at IS NULL)
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
        ), handles AS (
            DELETE FROM onex.secret_handles h USING old WHERE h.saga_id = old.id
        ), gone AS (
            DELETE FROM onex.sagas s USING old WHERE s.id = old.id RETURNING s.id
        )
        SELECT count(*)::integer FROM gone
        """;

    // Scans the table: an index would have to be updated by each claim. So it runs in few large steps.
    private const string RemoveOutcomes = """
        WITH gone AS (
            DELETE FROM onex.effect_ledger WHERE command_id IN (
                SELECT command_id FROM onex.effect_ledger
                WHERE greatest(leased_until, recorded_at) < clock_timestamp() - $1 AND parked_for IS NULL
                LIMIT $2 FOR UPDATE SKIP LOCKED)
            RETURNING command_id
        )
        SELECT count(*)::integer FROM gone
        """;

    // A dead letter whose redriven record is unsent stays. No decision is older than its dead letter, so the plan is ix_dead_letters_at.
    private const string DeleteDeadLetters = """
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
    public async Task RemoveExpiredAsync(TimeSpan sagasKept, TimeSpan historyKept, CancellationToken cancellation)
    {
        await HistoryPartitions.CreateAsync(dataSource, logger, cancellation);
        await TryAsync("Dropping expired history", new NpgsqlBatchCommand(DropHistory) { Parameters = { Age(historyKept) } }, cancellation);
        await RepeatAsync(
            "Removing expired outcomes from the effect ledger", RemoveOutcomes, OutcomesPerStep, LedgerTimes.OutcomesKept, cancellation);
        await RepeatAsync("Removing expired sagas", RemoveSagas, RowsPerStep, sagasKept, cancellation);
        await RepeatAsync("Removing expired dead letters", DeleteDeadLetters, RowsPerStep, sagasKept, cancellation);
    }

    private async Task RepeatAsync(string what, string sql, int rows, TimeSpan retention, CancellationToken cancellation)
    {
        int? removed = rows;
        while (removed == rows)
        {
            var command = new NpgsqlBatchCommand(sql) { Parameters = { Age(retention), new NpgsqlParameter<int> { TypedValue = rows } } };
            removed = await TryAsync(what, command, cancellation);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static NpgsqlParameter<TimeSpan> Age(TimeSpan age) => new() { TypedValue = age };

    private Task<int?> TryAsync(string what, NpgsqlBatchCommand command, CancellationToken cancellation) =>
        MaintenanceCommand.TryAsync(dataSource, what, command, logger, cancellation);
}
