using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>Queries for operators in SQLite.</summary>
internal sealed class SqliteSagaQueries(SqliteDatabase database) : ISagaQueries
{
    private static readonly string _byId = $"""
        SELECT {SagaTable.Columns.Names("s")}, i.content, o.content
        FROM sagas s
        LEFT JOIN saga_payloads i ON i.saga_id = s.id AND i.name = 'input'
        LEFT JOIN saga_payloads o ON o.saga_id = s.id AND o.name = 'output'
        WHERE s.id = $1
        """;

    private static readonly string _history = $"""
        SELECT {HistoryTable.Columns.Names()} FROM saga_history
        WHERE saga_id = $1 AND (version, ordinal) > ($2, $3) ORDER BY version, ordinal LIMIT $4
        """;

    public Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation)
    {
        var limit = Math.Clamp(filter.Limit, 1, SagaListSql.RowsMax);
        var values = new List<object?>();
        var sql = SagaListSql.Write(filter, limit + 1, "sagas", AddParameter, BeginsWith);
        return database.ReadAsync(session => SagaListSql.Page(session.Query(sql, SagaTable.Read, [.. values]), limit), cancellation);

        string AddParameter(object value)
        {
            values.Add(value);
            return $"${values.Count}";
        }

        // Not LIKE, which ignores case in SQLite.
        string BeginsWith(string text)
        {
            var parameter = AddParameter(text);
            return $"substr(s.business_key, 1, length({parameter})) = {parameter}";
        }
    }

    public Task<SagaDetail?> FindAsync(SagaId sagaId, CancellationToken cancellation) => database.ReadAsync(
        session =>
        {
            var buffered = session.Query(
                $"SELECT {EarlyEventTable.Columns.Names("e")} FROM early_events e WHERE e.saga_id = $1 ORDER BY e.seq",
                EarlyEventTable.Read,
                sagaId);
            return session.Query(
                _byId,
                row => new SagaDetail(
                    SagaTable.Read(row),
                    row.JsonOrNull(SagaTable.Columns.Count),
                    row.OptionalJson(SagaTable.Columns.Count + 1),
                    buffered),
                sagaId).SingleOrDefault();
        },
        cancellation);

    public Task<IReadOnlyList<HistoryEntry>> HistoryAsync(
        SagaId sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<HistoryEntry>>(
            session => session.Query(
                _history,
                HistoryTable.Read,
                sagaId,
                afterVersion,
                afterOrdinal,
                limit),
            cancellation);

    public Task<IReadOnlyList<StuckSaga>> StuckAsync(int limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StuckSaga>>(
            session => session.Query(
                "SELECT id, contract, state, status, updated_at, reason FROM stuck ORDER BY updated_at, id LIMIT $1",
                row => new StuckSaga(
                    new SagaId(row.Uuid(0)),
                    row.Text(1),
                    row.Text(2),
                    row.Text(3),
                    row.Time(4),
                    row.Text(5)),
                limit),
            cancellation);

    public Task<IReadOnlyList<SagaCount>> CountAsync(CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<SagaCount>>(
            session => session.Query(
                "SELECT contract, state, status, count(*) FROM sagas GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                row => new SagaCount(row.Text(0), row.Text(1), row.Text(2), row.Bigint(3))),
            cancellation);
}
