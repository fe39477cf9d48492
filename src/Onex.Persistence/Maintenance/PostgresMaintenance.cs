using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Ledger;
using Onex.Persistence.Schema;

namespace Onex.Persistence.Maintenance;

/// <summary>Maintenance in PostgreSQL.</summary>
public sealed class PostgresMaintenance(NpgsqlDataSource dataSource, ILogger<PostgresMaintenance> logger) : IStoreMaintenance
{
    private const int RowsOfAStep = 500;
    private const int OutcomesOfAStep = 10_000;

    private const string DropHistory = "SELECT onex.drop_history_partitions($1)";

    // An ended saga may still be moved (a request is answered again), so its row is locked; one that is locked already is left for the next
    // time. A child stays while its parent lives: should the parent never have heard of its end, it asks again, and the child must be known then.
    // Plan: ix_sagas_ended_at, then the index on saga_id of each table by nested loop.
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
        ), gone AS (
            DELETE FROM onex.sagas s USING old WHERE s.id = old.id RETURNING s.id
        )
        SELECT count(*)::integer FROM gone
        """;

    // No index serves it, so that the hot path keeps none: few large steps.
    private const string RemoveOutcomes = """
        WITH gone AS (
            DELETE FROM onex.effect_ledger WHERE command_id IN (
                SELECT command_id FROM onex.effect_ledger
                WHERE greatest(leased_until, recorded_at) < clock_timestamp() - $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
            RETURNING command_id
        )
        SELECT count(*)::integer FROM gone
        """;

    // One whose record is still to be sent again stays. No letter is younger than the decision about it, so the plan is ix_dead_letters_at.
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
        await HistoryPartitions.MakeAsync(dataSource, logger, cancellation);
        await TryAsync("Dropping old history", new NpgsqlBatchCommand(DropHistory) { Parameters = { Age(historyKept) } }, cancellation);
        await RepeatAsync("Removing old outcomes from the effect ledger", RemoveOutcomes, OutcomesOfAStep, EffectLedger.OutcomesKept, cancellation);
        await RepeatAsync("Removing sagas that ended long ago", RemoveSagas, RowsOfAStep, sagasKept, cancellation);
        await RepeatAsync("Removing dead letters that were decided long ago", DeleteDeadLetters, RowsOfAStep, sagasKept, cancellation);
    }

    private async Task RepeatAsync(string what, string sql, int rows, TimeSpan kept, CancellationToken cancellation)
    {
        while (await TryAsync(what, new(sql) { Parameters = { Age(kept), new NpgsqlParameter<int> { TypedValue = rows } } }, cancellation) == rows)
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static NpgsqlParameter<TimeSpan> Age(TimeSpan age) => new() { TypedValue = age };

    private Task<int?> TryAsync(string what, NpgsqlBatchCommand command, CancellationToken cancellation) =>
        MaintenanceCommand.TryAsync(dataSource, what, command, logger, cancellation);
}
