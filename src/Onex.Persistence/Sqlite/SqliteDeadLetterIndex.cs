using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>The index of dead letters in SQLite.</summary>
internal sealed class SqliteDeadLetterIndex(SqliteDatabase database, TimeProvider time) : IDeadLetterIndex
{
    private const string Decide = """
        UPDATE dead_letters
        SET status = $2, redrives = redrives + $3, decision_id = $4, decided_at = $5, decided_by = $6, decision_reason = $7
        WHERE id = $1 AND (status = 'open' OR $8) AND decision_id IS NOT $4
        """;

    private const string OpenIds = """
        SELECT id FROM dead_letters WHERE topic = $1 AND partition IN (SELECT value FROM json_each($2)) AND status = 'open'
        ORDER BY record_offset DESC LIMIT $3
        """;

    private const string CloseUndelivered = $"""
        UPDATE dead_letters
        SET status = 'discarded', decision_id = $2, decided_at = $3, decided_by = $4, decision_reason = $5
        WHERE id = $1 AND status = 'open' AND code = '{ErrorCodes.DeliveryRefused}'
        """;

    // Rows of older versions have no origin.
    private const string Close = $"""
        UPDATE dead_letters
        SET status = 'discarded', decision_id = $2, decided_at = $3, decided_by = $4, decision_reason = $5
        WHERE id = $1 AND status = 'open' AND coalesce(headers ->> '{HeaderNames.Origin}', $6) = $6
        """;

    private const string HandledBy = """
        SELECT id FROM (SELECT id FROM sagas WHERE request_id = $1 UNION ALL SELECT saga_id FROM inbox WHERE message_id = $1) LIMIT 1
        """;

    private static readonly string _insert = $"""
        INSERT INTO dead_letters AS l ({DeadLetterTable.Columns.Names()}) VALUES ({DeadLetterTable.Columns.Placeholders()})
        """;

    private static readonly string _byId = $"SELECT {DeadLetterTable.Columns.Names("l")} FROM dead_letters l WHERE l.id = $1";

    public Task AddAsync(DeadLetterRow row, CancellationToken cancellation) => database.WriteAsync(
        session =>
        {
            Add(session, row);
            return true;
        },
        cancellation);

    public Task ReplaceEarlyAsync(MessageId messageId, DateTimeOffset receivedAt, DeadLetterRow row, CancellationToken cancellation) =>
        database.WriteAsync(
            session =>
            {
                if (session.Execute(
                        "DELETE FROM early_events WHERE message_id = $1 AND received_at = $2 AND saga_id IS NULL",
                        messageId, receivedAt) > 0)
                {
                    Add(session, row);
                }

                return true;
            },
            cancellation);

    public Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation)
    {
        var values = new List<object?>();
        var sql = DeadLetterSql.List(filter, "dead_letters", AddParameter, BeginsWith);
        return database.ReadAsync(
            session => DeadLetterSql.Page(session.Query(sql, DeadLetterTable.Read, [.. values]), filter), cancellation);

        string AddParameter(object value)
        {
            values.Add(value);
            return $"${values.Count}";
        }

        // Not LIKE, which ignores case in SQLite.
        string BeginsWith(string text)
        {
            var parameter = AddParameter(text);
            return $"substr(l.key, 1, length({parameter})) = {parameter}";
        }
    }

    public Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation) =>
        database.ReadAsync(session => Find(session, id), cancellation);

    public Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation) => database.WriteAsync(
        session =>
        {
            var changed = session.Execute(
                Decide,
                decision.DeadLetterId,
                decision.Status.ToText(),
                decision.Message is null ? 0 : 1,
                decision.Id,
                time.GetUtcNow(),
                decision.By,
                decision.Reason,
                decision.Force);
            if (changed > 0 && decision.Message is { } message)
            {
                new SqliteCommit(session, time.GetUtcNow())
                    .Send(new OutgoingRow(new SagaId(decision.DeadLetterId), OutgoingMessage.NoHome, message));
            }

            return Find(session, decision.DeadLetterId);
        },
        cancellation);

    public Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlySet<Guid>>(
            session => session
                .Query(OpenIds, row => row.Uuid(0), topic, SqliteSession.List(partitions), IDeadLetterIndex.OpenMax)
                .ToHashSet(),
            cancellation);

    public Task<bool> CloseAsync(Guid id, string origin, string reason, CancellationToken cancellation) =>
        CloseAsync(Close, id, reason, [origin], cancellation);

    public Task CloseUndeliveredAsync(Guid id, string reason, CancellationToken cancellation) =>
        CloseAsync(CloseUndelivered, id, reason, [], cancellation);

    public Task<SagaId?> HandledByAsync(MessageId requestId, CancellationToken cancellation) => database.ReadAsync(
        session => session.Query(HandledBy, row => (SagaId?)new SagaId(row.Uuid(0)), requestId).SingleOrDefault(), cancellation);

    /// <summary>Adds an entry in the session's transaction.</summary>
    internal static void Add(SqliteSession session, DeadLetterRow row) =>
        session.Execute(_insert + DeadLetterSql.OnConflict(row), DeadLetterTable.Columns.Values(row));

    private Task<bool> CloseAsync(string sql, Guid id, string reason, string[] texts, CancellationToken cancellation) =>
        database.WriteAsync(
            session => session.Execute(
                sql,
                [id, Guid.CreateVersion7(time.GetUtcNow()), time.GetUtcNow(), IDeadLetterIndex.SystemUser, reason, .. texts]) > 0,
            cancellation);

    private static DeadLetterRow? Find(SqliteSession session, Guid id) => session.Query(_byId, DeadLetterTable.Read, id).SingleOrDefault();
}
