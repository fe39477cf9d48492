using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Connecting;

namespace Onex.Persistence.Sagas;

/// <summary>What operators ask, in PostgreSQL.</summary>
public sealed class PostgresSagaQueries(NpgsqlDataSource dataSource) : ISagaQueries
{
    internal const int RowsMax = 1_000;

    private const string One = $"""
        SELECT {PostgresRows.SagaColumns}, i.content, o.content
        FROM onex.sagas s
        LEFT JOIN onex.saga_payloads i ON i.saga_id = s.id AND i.name = 'input'
        LEFT JOIN onex.saga_payloads o ON o.saga_id = s.id AND o.name = 'output'
        WHERE s.id = $1
        """;

    private const string EarlyOfOne = $"SELECT {PostgresRows.EarlyColumns} FROM onex.early_events e WHERE e.saga_id = $1 ORDER BY e.seq";

    // Plan: the primary key of each partition.
    private const string History = """
        SELECT version, ordinal, at, kind, state, step, detail FROM onex.saga_history
        WHERE saga_id = $1 AND (version, ordinal) > ($2, $3) ORDER BY version, ordinal LIMIT $4
        """;

    private const string Stuck = "SELECT id, contract, state, status, updated_at, reason FROM onex.stuck ORDER BY updated_at, id LIMIT $1";

    private const string Counts = "SELECT contract, state, status, count(*) FROM onex.sagas GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

    /// <inheritdoc />
    public Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation)
    {
        var limit = Math.Clamp(filter.Limit, 1, RowsMax);
        return dataSource.RunAsync(
            [List(filter, limit + 1)],
            async reader =>
            {
                var rows = new List<SagaRow>(limit + 1);
                while (await reader.ReadAsync(cancellation))
                {
                    rows.Add(PostgresRows.ReadSaga(reader));
                }

                return rows.Count <= limit
                    ? new SagaPage(rows, null)
                    : new SagaPage(rows[..limit], SagaCursor.Of(rows[limit - 1]).ToString());
            },
            cancellation);
    }

    /// <inheritdoc />
    public Task<SagaDetail?> FindAsync(Guid sagaId, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(One) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = sagaId } } },
            new NpgsqlBatchCommand(EarlyOfOne) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = sagaId } } },
        ],
        async reader =>
        {
            if (!await reader.ReadAsync(cancellation))
            {
                return null;
            }

            var found = new SagaDetail(
                PostgresRows.ReadSaga(reader),
                PostgresRows.Json(reader, PostgresRows.SagaColumnCount) ?? RawJson.Null,
                PostgresRows.Json(reader, PostgresRows.SagaColumnCount + 1),
                []);
            await reader.NextResultAsync(cancellation);
            return found with { Early = await PostgresRows.ReadEarlyAsync(reader, cancellation) };
        },
        cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<HistoryEntry>> HistoryAsync(
        Guid sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<HistoryEntry>>(
            [
                new NpgsqlBatchCommand(History)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<Guid> { TypedValue = sagaId },
                        new NpgsqlParameter<long> { TypedValue = afterVersion },
                        new NpgsqlParameter<int> { TypedValue = afterOrdinal },
                        new NpgsqlParameter<int> { TypedValue = limit },
                    },
                },
            ],
            async reader =>
            {
                var entries = new List<HistoryEntry>();
                while (await reader.ReadAsync(cancellation))
                {
                    entries.Add(new HistoryEntry(
                        reader.GetInt64(0),
                        reader.GetInt32(1),
                        reader.GetFieldValue<DateTimeOffset>(2),
                        reader.GetString(3),
                        reader.GetString(4),
                        PostgresRows.Text(reader, 5),
                        PostgresRows.Json(reader, 6)));
                }

                return entries;
            },
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<StuckSaga>> StuckAsync(int limit, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<StuckSaga>>(
            [new NpgsqlBatchCommand(Stuck) { Parameters = { new NpgsqlParameter<int> { TypedValue = limit } } }],
            async reader =>
            {
                var stuck = new List<StuckSaga>();
                while (await reader.ReadAsync(cancellation))
                {
                    stuck.Add(new StuckSaga(
                        reader.GetGuid(0),
                        reader.GetString(1),
                        reader.GetString(2),
                        reader.GetString(3),
                        reader.GetFieldValue<DateTimeOffset>(4),
                        reader.GetString(5)));
                }

                return stuck;
            },
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<SagaCount>> CountAsync(CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<SagaCount>>(
            [new NpgsqlBatchCommand(Counts)],
            async reader =>
            {
                var counts = new List<SagaCount>();
                while (await reader.ReadAsync(cancellation))
                {
                    counts.Add(new SagaCount(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));
                }

                return counts;
            },
            cancellation);

    // Plan: ix_sagas_started_at backwards; for a key or a text the index on it. What is compared stands in parameters, never in the text.
    private static NpgsqlBatchCommand List(SagaFilter filter, int limit)
    {
        var command = new NpgsqlBatchCommand();
        var conditions = new List<string>();
        if (filter.Contract is { } contract)
        {
            conditions.Add($"s.contract = {Given(Readable(contract), NpgsqlDbType.Text)}");
        }

        if (filter.State is { } state)
        {
            conditions.Add($"s.state = {Given(Readable(state), NpgsqlDbType.Text)}");
        }

        if (filter.Status is { } status)
        {
            conditions.Add($"s.status = {Given(status.ToText(), NpgsqlDbType.Text)}");
        }

        if (filter.Key is { } key)
        {
            conditions.Add($"s.business_key = {Given(Readable(key), NpgsqlDbType.Text)}");
        }

        if (filter.Text is { } text)
        {
            var beginning = $"s.business_key LIKE {Given(Beginning(Readable(text)), NpgsqlDbType.Text)}";
            if (Guid.TryParse(text, out var id))
            {
                var given = Given(id, NpgsqlDbType.Uuid);
                beginning = $"(s.id = {given} OR s.correlation_id = {given} OR {beginning})";
            }

            conditions.Add(beginning);
        }

        if (SagaCursor.Read(filter) is { } after)
        {
            var startedAt = Given(after.StartedAt.UtcDateTime, NpgsqlDbType.TimestampTz);
            conditions.Add($"(s.started_at, s.id) < ({startedAt}, {Given(after.Id, NpgsqlDbType.Uuid)})");
        }

        var where = conditions.Count == 0 ? "" : $"WHERE {string.Join(" AND ", conditions)}";
        command.CommandText =
            $"SELECT {PostgresRows.SagaColumns} FROM onex.sagas s {where} ORDER BY s.started_at DESC, s.id DESC LIMIT {Given(limit, NpgsqlDbType.Integer)}";
        return command;

        string Given(object value, NpgsqlDbType type)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = type });
            return $"${command.Parameters.Count}";
        }
    }

    // No text in the database holds the character 0, and it takes none to compare either: what has it is compared as what nobody has.
    private static string Readable(string text) => text.Replace('\0', '\uFFFF');

    private static string Beginning(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal) + "%";
}
