using Onex.Persistence.Monitoring;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>
/// Reads gauges in SQLite, from partial indexes where PostgreSQL has the table <c>halted_sagas</c>: they make updates only a little slower.
/// </summary>
internal sealed class SqliteStoreGauges(SqliteDatabase database, TimeProvider time) : IStoreGauges
{
    private static readonly string _halted = $"""
        SELECT contract, status, count(*) FROM (
            SELECT contract, status FROM sagas WHERE status IN ('blocked', 'paused') LIMIT {StoreReading.CountMax})
        GROUP BY 1, 2
        """;

    // Plan: ix_sagas_waiting_for_nothing.
    internal static readonly string WithoutWakeup = $"""
        SELECT count(*) FROM (
            SELECT s.id FROM sagas s
            WHERE s.ended_at IS NULL AND s.next_wakeup_at IS NULL AND s.status NOT IN ('blocked', 'paused')
                AND coalesce(json_extract(s.progress, '$.waiting_for'), '') IN ('', '[]', '{"{}"}')
                AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.saga_id = s.id)
            LIMIT {StoreReading.CountMax})
        """;

    private static readonly string _deadLetters = $"""
        SELECT topic, count(*) FROM (SELECT topic FROM dead_letters WHERE status = 'open' LIMIT {StoreReading.CountMax}) GROUP BY 1
        """;

    private static readonly string _parked = $"""
        SELECT count(*), min(parked_at) FROM (
            SELECT parked_at FROM effect_ledger WHERE parked_for = $1 ORDER BY parked_at LIMIT {StoreReading.CountMax})
        """;

    public Task<StoreReading> ReadAsync(IReadOnlyCollection<string> connections, CancellationToken cancellation) => database.ReadAsync(
        session =>
        {
            var now = time.GetUtcNow();
            var parked = new Dictionary<string, ParkedCommands>(StringComparer.Ordinal);
            foreach (var name in connections)
            {
                var (count, oldest) = session.Query(_parked, row => (row.Bigint(0), row.OptionalTime(1)), name)[0];
                if (oldest is { } at)
                {
                    parked[name] = new ParkedCommands(count, Age(at));
                }
            }

            var fileBytes = session.Query(
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", row => row.Bigint(0))[0];
            var oldestMessage = session.Query(
                "SELECT created_at FROM outbox ORDER BY seq LIMIT 1", row => row.OptionalTime(0)).FirstOrDefault();
            return new StoreReading
            {
                Halted = session.Query(_halted, row => new HaltedSagas(row.Text(0), row.Text(1), row.Bigint(2))),
                WithoutWakeup = session.Query(WithoutWakeup, row => row.Bigint(0))[0],
                OutboxAge = oldestMessage is { } created ? Age(created) : TimeSpan.Zero,
                DeadLetters = session.Query(_deadLetters, row => (Topic: row.Text(0), Count: row.Bigint(1)))
                    .ToDictionary(found => found.Topic, found => found.Count, StringComparer.Ordinal),
                Parked = parked,
                DatabaseBytes = fileBytes,
            };

            TimeSpan Age(DateTimeOffset at) => now > at ? now - at : TimeSpan.Zero;
        },
        cancellation);
}
