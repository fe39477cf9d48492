using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Sqlite;

/// <summary>What operators ask, in SQLite.</summary>
internal sealed class SqliteSagaQueries(SqliteDatabase database) : ISagaQueries
{
    private const string One = $"""
        SELECT {SqliteRows.SagaColumns}, i.content, o.content
        FROM sagas s
        LEFT JOIN saga_payloads i ON i.saga_id = s.id AND i.name = 'input'
        LEFT JOIN saga_payloads o ON o.saga_id = s.id AND o.name = 'output'
        WHERE s.id = $1
        """;

    private const string History = """
        SELECT version, ordinal, at, kind, state, step, detail FROM saga_history
        WHERE saga_id = $1 AND (version, ordinal) > ($2, $3) ORDER BY version, ordinal LIMIT $4
        """;

    /// <inheritdoc />
    public Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation)
    {
        var limit = Math.Clamp(filter.Limit, 1, SagaListSql.RowsMax);
        var values = new List<object?>();

        // LIKE would take small letters for capitals.
        var sql = SagaListSql.Write(
            filter, limit + 1, "sagas", Given, text => Given(text) is var given ? $"substr(s.business_key, 1, length({given})) = {given}" : "");
        return database.ReadAsync(session => SagaListSql.Page(session.Query(sql, SqliteRows.ReadSaga, [.. values]), limit), cancellation);

        string Given(object value)
        {
            values.Add(value);
            return $"${values.Count}";
        }
    }

    /// <inheritdoc />
    public Task<SagaDetail?> FindAsync(Guid sagaId, CancellationToken cancellation) => database.ReadAsync(
        session =>
        {
            var early = session.Query(
                $"SELECT {SqliteRows.EarlyColumns} FROM early_events e WHERE e.saga_id = $1 ORDER BY e.seq", SqliteRows.ReadEarly, sagaId);
            return session.Query(
                One,
                reader => new SagaDetail(
                    SqliteRows.ReadSaga(reader),
                    SqliteRows.Json(reader, PostgresRows.SagaColumnCount) ?? RawJson.Null,
                    SqliteRows.Json(reader, PostgresRows.SagaColumnCount + 1),
                    early),
                sagaId).SingleOrDefault();
        },
        cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<HistoryEntry>> HistoryAsync(
        Guid sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<HistoryEntry>>(
            session => session.Query(
                History,
                reader => new HistoryEntry(
                    reader.GetInt64(0),
                    reader.GetInt32(1),
                    SqliteRows.Time(reader, 2),
                    reader.GetString(3),
                    reader.GetString(4),
                    SqliteRows.Text(reader, 5),
                    SqliteRows.Json(reader, 6)),
                sagaId,
                afterVersion,
                afterOrdinal,
                limit),
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<StuckSaga>> StuckAsync(int limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StuckSaga>>(
            session => session.Query(
                "SELECT id, contract, state, status, updated_at, reason FROM stuck ORDER BY updated_at, id LIMIT $1",
                reader => new StuckSaga(
                    SqliteRows.Id(reader, 0),
                    reader.GetString(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    SqliteRows.Time(reader, 4),
                    reader.GetString(5)),
                limit),
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<SagaCount>> CountAsync(CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<SagaCount>>(
            session => session.Query(
                "SELECT contract, state, status, count(*) FROM sagas GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                reader => new SagaCount(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3))),
            cancellation);
}
