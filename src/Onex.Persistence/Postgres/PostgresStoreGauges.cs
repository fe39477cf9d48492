using Npgsql;
using NpgsqlTypes;
using Onex.Persistence.Monitoring;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>Reads gauges in PostgreSQL. A test checks the plans.</summary>
public sealed class PostgresStoreGauges(NpgsqlDataSource dataSource) : IStoreGauges
{
    // Plan: the table, which holds only sagas that are blocked, paused, or have neither a wake-up nor an awaited event.
    internal static readonly string Halted = $"""
        SELECT contract, status, count(*) FROM (
            SELECT contract, status FROM onex.halted_sagas WHERE status IN ('blocked', 'paused') LIMIT {StoreReading.CountMax}) h
        GROUP BY 1, 2
        """;

    // Plan: the same table, then pk_sagas for those few that are neither blocked nor paused.
    internal static readonly string WithoutWakeup = $"""
        SELECT count(*) FROM (
            SELECT FROM onex.halted_sagas h
            WHERE h.status NOT IN ('blocked', 'paused') AND EXISTS (SELECT FROM onex.stuck s WHERE s.id = h.saga_id)
            LIMIT {StoreReading.CountMax}) h
        """;

    // Plan: the first row of pk_outbox_batches.
    internal const string OutboxAge = """
        SELECT clock_timestamp() - created_at FROM onex.outbox_batches ORDER BY seq LIMIT 1
        """;

    // Plan: ix_dead_letters_open.
    internal static readonly string DeadLetters = $"""
        SELECT topic, count(*) FROM (SELECT topic FROM onex.dead_letters WHERE status = 'open' LIMIT {StoreReading.CountMax}) d GROUP BY 1
        """;

    // Plan: ix_effect_ledger_parked, once for each connection.
    internal static readonly string Parked = $"""
        SELECT c.name, p.count, clock_timestamp() - p.oldest FROM unnest($1) AS c(name)
        CROSS JOIN LATERAL (
            SELECT count(*), min(parked_at) AS oldest FROM (
                SELECT parked_at FROM onex.effect_ledger WHERE parked_for = c.name
                ORDER BY parked_at LIMIT {StoreReading.CountMax}) oldest) p
        WHERE p.count > 0
        """;

    // Reads the sizes of files, not rows.
    private const string Sizes = """
        SELECT coalesce((
            SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'onex.saga_transitions'::regclass), 0)::bigint,
            pg_database_size(current_database())
        """;

    /// <inheritdoc />
    public Task<StoreReading> ReadAsync(IReadOnlyCollection<string> connections, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(Halted),
            new NpgsqlBatchCommand(WithoutWakeup),
            new NpgsqlBatchCommand(OutboxAge),
            new NpgsqlBatchCommand(DeadLetters),
            new NpgsqlBatchCommand(Parked) { Parameters = { PostgresArray.Create(NpgsqlDbType.Text, connections.ToArray()) } },
            new NpgsqlBatchCommand(Sizes),
        ],
        reader => ReadAsync(reader, cancellation),
        cancellation);

    private static async Task<StoreReading> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var halted = new List<HaltedSagas>();
        while (await reader.ReadAsync(cancellation))
        {
            halted.Add(new HaltedSagas(reader.GetString(0), reader.GetString(1), reader.GetInt64(2)));
        }

        await NextAsync();
        var withoutWakeup = reader.GetInt64(0);
        await reader.NextResultAsync(cancellation);
        var age = await reader.ReadAsync(cancellation) ? reader.GetFieldValue<TimeSpan>(0) : TimeSpan.Zero;
        await reader.NextResultAsync(cancellation);
        var deadLetters = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation))
        {
            deadLetters[reader.GetString(0)] = reader.GetInt64(1);
        }

        await reader.NextResultAsync(cancellation);
        var parked = new Dictionary<string, ParkedCommands>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation))
        {
            parked[reader.GetString(0)] = new ParkedCommands(reader.GetInt64(1), reader.GetFieldValue<TimeSpan>(2));
        }

        await NextAsync();
        return new StoreReading
        {
            Halted = halted,
            WithoutWakeup = withoutWakeup,
            OutboxAge = age,
            DeadLetters = deadLetters,
            Parked = parked,
            HistoryBytes = reader.GetInt64(0),
            DatabaseBytes = reader.GetInt64(1),
        };

        async Task NextAsync()
        {
            await reader.NextResultAsync(cancellation);
            await reader.ReadAsync(cancellation);
        }
    }
}
