using Microsoft.Data.Sqlite;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Sqlite;

/// <summary>The index of dead letters in SQLite.</summary>
internal sealed class SqliteDeadLetterIndex(SqliteDatabase database, TimeProvider time) : IDeadLetterIndex
{
    private const string Insert = """
        INSERT INTO dead_letters AS l
            (id, topic, partition, record_offset, code, reason, correlation_id, value, at, key, headers, error_type, retry_count)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """;

    private const string Once = " ON CONFLICT DO NOTHING";

    private const string Again = """

        ON CONFLICT (id) DO UPDATE
        SET status = 'open', code = excluded.code, reason = excluded.reason, error_type = excluded.error_type, retry_count = excluded.retry_count, at = excluded.at
        WHERE l.status = 'redriven'
        """;

    private const string Decide = """
        UPDATE dead_letters
        SET status = $2, redrives = redrives + $3, decision_id = $4, decided_at = $5, decided_by = $6, decision_reason = $7
        WHERE id = $1 AND (status = 'open' OR $8) AND decision_id IS NOT $4
        """;

    private const string Open = """
        SELECT id, partition FROM dead_letters WHERE topic = $1 AND status = 'open' ORDER BY record_offset DESC LIMIT $2
        """;

    private const string Close = """
        UPDATE dead_letters
        SET status = 'discarded', decision_id = $2, decided_at = $3, decided_by = $4, decision_reason = $5
        WHERE id = $1 AND status = 'open'
        """;

    private const string HandledBy = """
        SELECT id FROM (SELECT id FROM sagas WHERE request_id = $1 UNION ALL SELECT saga_id FROM inbox WHERE message_id = $1) LIMIT 1
        """;

    private const string One = $"SELECT {DeadLetterSql.Columns} FROM dead_letters l WHERE l.id = $1";

    /// <inheritdoc />
    public Task AddAsync(DeadLetterRow row, CancellationToken cancellation) => database.WriteAsync(
        session =>
        {
            Add(session, row);
            return true;
        },
        cancellation);

    /// <inheritdoc />
    public Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation)
    {
        var values = new List<object?>();

        // LIKE would take small letters for capitals.
        var sql = DeadLetterSql.List(
            filter, "dead_letters", Given, text => Given(text) is var given ? $"substr(l.key, 1, length({given})) = {given}" : "");
        return database.ReadAsync(session => DeadLetterSql.Page(session.Query(sql, Read, [.. values]), filter), cancellation);

        string Given(object value)
        {
            values.Add(value);
            return $"${values.Count}";
        }
    }

    /// <inheritdoc />
    public Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation) => database.ReadAsync(session => Find(session, id), cancellation);

    /// <inheritdoc />
    public Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation) => database.WriteAsync(
        session =>
        {
            var changed = session.Execute(
                Decide,
                decision.LetterId,
                decision.Status.ToText(),
                decision.Message is null ? 0 : 1,
                decision.Id,
                time.GetUtcNow(),
                decision.By,
                decision.Reason,
                decision.Force);
            if (changed > 0 && decision.Message is { } message)
            {
                session.Execute(
                    SqliteCommit.InsertMessage,
                    message.MessageId,
                    decision.LetterId,
                    OutgoingMessage.NoHome,
                    message.Topic,
                    message.Partition,
                    message.Key,
                    message.Value.ToArray(),
                    message.Headers,
                    time.GetUtcNow());
            }

            return Find(session, decision.LetterId);
        },
        cancellation);

    /// <inheritdoc />
    public Task<IReadOnlySet<Guid>> OpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlySet<Guid>>(
            session => session
                .Query(Open, reader => (Id: SqliteRows.Id(reader, 0), Partition: reader.GetInt32(1)), topic, IDeadLetterIndex.OpenMax)
                .Where(letter => partitions.Contains(letter.Partition))
                .Select(letter => letter.Id)
                .ToHashSet(),
            cancellation);

    /// <inheritdoc />
    public Task CloseAsync(Guid id, string reason, CancellationToken cancellation) => database.WriteAsync(
        session => session.Execute(Close, id, Guid.CreateVersion7(time.GetUtcNow()), time.GetUtcNow(), IDeadLetterIndex.Itself, reason), cancellation);

    /// <inheritdoc />
    public Task<Guid?> HandledByAsync(Guid requestId, CancellationToken cancellation) => database.ReadAsync(
        session => session.Query(HandledBy, reader => (Guid?)SqliteRows.Id(reader, 0), requestId).SingleOrDefault(), cancellation);

    /// <summary>Adds an entry in a transaction that runs.</summary>
    internal static void Add(SqliteSession session, DeadLetterRow row) => session.Execute(
        Insert + (row.Reopens ? Again : Once),
        row.Id,
        row.Topic,
        row.Partition,
        row.Offset,
        row.Code,
        DeadLetterSql.Storable(row.Reason),
        row.CorrelationId,
        row.Value,
        row.At,
        row.Key is { } key ? DeadLetterSql.Storable(key) : null,
        row.Headers,
        DeadLetterSql.Storable(row.ErrorType),
        row.RetryCount);

    private static DeadLetterRow? Find(SqliteSession session, Guid id) => session.Query(One, Read, id).SingleOrDefault();

    private static DeadLetterRow Read(SqliteDataReader reader) => new(
        SqliteRows.Id(reader, 0),
        reader.GetString(1),
        reader.GetInt32(2),
        reader.GetInt64(3),
        reader.GetString(4),
        reader.GetString(5),
        SqliteRows.OptionalId(reader, 6),
        reader.IsDBNull(17) ? null : reader.GetFieldValue<byte[]>(17),
        SqliteRows.Time(reader, 7))
    {
        Key = SqliteRows.Text(reader, 8),
        ErrorType = reader.GetString(9),
        RetryCount = reader.GetInt32(10),
        Status = DeadLetterStatusText.Parse(reader.GetString(11)),
        Redrives = reader.GetInt32(12),
        DecisionId = SqliteRows.OptionalId(reader, 13),
        DecidedAt = SqliteRows.OptionalTime(reader, 14),
        DecidedBy = SqliteRows.Text(reader, 15),
        DecisionReason = SqliteRows.Text(reader, 16),
        Headers = SqliteRows.Json(reader, 18),
    };
}
