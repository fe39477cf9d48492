using Npgsql;
using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>Queries for operators in PostgreSQL.</summary>
public sealed class PostgresSagaQueries(NpgsqlDataSource dataSource) : ISagaQueries
{
    private static readonly string _byId = $"""
        SELECT {SagaTable.Columns.Names("s")}, coalesce(s.input, i.content), o.content
        FROM onex.sagas s
        LEFT JOIN onex.saga_payloads i ON i.saga_id = s.id AND i.name = 'input'
        LEFT JOIN onex.saga_payloads o ON o.saga_id = s.id AND o.name = 'output'
        WHERE s.id = $1
        """;

    private static readonly string _bufferedEvents =
        $"SELECT {EarlyEventTable.Columns.Names("e")} FROM onex.early_events e WHERE e.saga_id = $1 ORDER BY e.seq";

    // Plan: ix_saga_transitions_saga_id of each partition, in the order of versions.
    private static readonly string _history = $"""
        SELECT {HistoryTable.Columns.Names()} FROM onex.saga_history
        WHERE saga_id = $1 AND version >= $2 AND (version, ordinal) > ($2, $3) ORDER BY version, ordinal LIMIT $4
        """;

    private const string Stuck = "SELECT id, contract, state, status, updated_at, reason FROM onex.stuck ORDER BY updated_at, id LIMIT $1";

    private const string Counts = "SELECT contract, state, status, count(*) FROM onex.sagas GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

    /// <inheritdoc />
    public Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation)
    {
        var limit = Math.Clamp(filter.Limit, 1, SagaListSql.RowsMax);
        return dataSource.RunAsync(
            [CreateList(filter, limit + 1)],
            async reader =>
            {
                var rows = new List<SagaRow>(limit + 1);
                while (await reader.ReadAsync(cancellation))
                {
                    rows.Add(SagaTable.Read(new PostgresRow(reader)));
                }

                return SagaListSql.Page(rows, limit);
            },
            cancellation);
    }

    /// <inheritdoc />
    public Task<SagaDetail?> FindAsync(SagaId sagaId, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(_byId) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = sagaId.Value } } },
            new NpgsqlBatchCommand(_bufferedEvents) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = sagaId.Value } } },
        ],
        async reader =>
        {
            if (!await reader.ReadAsync(cancellation))
            {
                return null;
            }

            var row = new PostgresRow(reader);
            var found = new SagaDetail(
                SagaTable.Read(row), row.JsonOrNull(SagaTable.Columns.Count), row.OptionalJson(SagaTable.Columns.Count + 1), []);
            await reader.NextResultAsync(cancellation);
            return found with { BufferedEvents = await PostgresEarlyEvents.ReadAsync(reader, cancellation) };
        },
        cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<HistoryEntry>> HistoryAsync(
        SagaId sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<HistoryEntry>>(
            [
                new NpgsqlBatchCommand(_history)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<Guid> { TypedValue = sagaId.Value },
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
                    entries.Add(HistoryTable.Read(new PostgresRow(reader)));
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
                        new SagaId(reader.GetGuid(0)),
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

    // Plan: pk_sagas backwards, or the index on a filtered column.
    private static NpgsqlBatchCommand CreateList(SagaFilter filter, int limit)
    {
        var command = new NpgsqlBatchCommand();
        command.CommandText = SagaListSql.Write(
            filter,
            limit,
            "onex.sagas",
            command.AddParameter,
            text => $"s.business_key LIKE {command.AddParameter(ListParameters.PrefixPattern(text))}");
        return command;
    }
}
