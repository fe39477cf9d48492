using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;

namespace Onex.Persistence.Sqlite;

/// <summary>Maintenance in SQLite, in transactions of at most 500 sagas or rows, so that a commit does not wait long.</summary>
internal sealed class SqliteMaintenance(SqliteDatabase database, TimeProvider time) : IStoreMaintenance
{
    private const int RowsPerStep = 500;

    // A child stays while its parent is live: if the child's result was lost, the parent asks again and needs the child's row.
    private const string OldSagas = """
        SELECT id FROM sagas s WHERE ended_at < $1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.saga_id = s.id)
            AND NOT EXISTS (SELECT 1 FROM sagas p WHERE p.id = s.parent_id AND p.ended_at IS NULL)
        ORDER BY ended_at LIMIT $2
        """;

    private const string RemoveHistory = """
        DELETE FROM saga_history WHERE (saga_id, version, ordinal) IN (
            SELECT saga_id, version, ordinal FROM saga_history h
            WHERE at < $1 AND NOT EXISTS (SELECT 1 FROM sagas s WHERE s.id = h.saga_id AND (s.ended_at IS NULL OR s.ended_at >= $1))
            LIMIT $2)
        """;

    private const string RemoveOutcomes = """
        DELETE FROM effect_ledger WHERE command_id IN (
            SELECT command_id FROM effect_ledger
            WHERE max(leased_until, coalesce(recorded_at, '')) < $1 AND parked_for IS NULL LIMIT $2)
        """;

    private static readonly string[] _tablesOfSagas = ["saga_payloads", "saga_items", "inbox", "early_events", "timers", "secret_handles"];

    // Keeps a dead letter whose redriven record is unsent.
    private const string DeleteDeadLetters = """
        DELETE FROM dead_letters WHERE id IN (
            SELECT id FROM dead_letters l
            WHERE at < $1 AND status <> 'open' AND decided_at < $1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.saga_id = l.id)
            ORDER BY at LIMIT $2)
        """;

    public async Task RemoveExpiredAsync(TimeSpan sagasKept, TimeSpan historyKept, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await RepeatAsync(session => session.Execute(RemoveHistory, now - historyKept, RowsPerStep), cancellation);
        await RepeatAsync(session => session.Execute(RemoveOutcomes, now - LedgerTimes.OutcomesKept, RowsPerStep), cancellation);
        await RepeatAsync(session => RemoveSagas(session, now - sagasKept), cancellation);
        await RepeatAsync(session => session.Execute(DeleteDeadLetters, now - sagasKept, RowsPerStep), cancellation);
    }

    private async Task RepeatAsync(Func<SqliteSession, int> step, CancellationToken cancellation)
    {
        while (await database.WriteAsync(step, cancellation) == RowsPerStep)
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static int RemoveSagas(SqliteSession session, DateTimeOffset before)
    {
        var old = SqliteSession.List(session.Query(OldSagas, row => row.Uuid(0), before, RowsPerStep));
        foreach (var table in _tablesOfSagas)
        {
            session.Execute($"DELETE FROM {table} WHERE saga_id IN (SELECT value FROM json_each($1))", old);
        }

        return session.Execute("DELETE FROM sagas WHERE id IN (SELECT value FROM json_each($1))", old);
    }
}
