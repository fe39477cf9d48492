using System.Text;
using Microsoft.Data.Sqlite;
using Npgsql;
using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>
/// Writes a commit, or single rows, in a session's transaction. No other one writes meanwhile, so conflicts are found before an entry is
/// written. The rows of each saga are written after a savepoint, so that a saga with invalid values is rolled back alone.
/// </summary>
internal sealed class SqliteCommit(SqliteSession session, DateTimeOffset now)
{
    // A little less than PostgreSQL can index, so that a contract that works with SQLite works with PostgreSQL, too.
    private const int KeyBytesMax = 2_600;

    private static readonly string _insertSaga =
        $"INSERT INTO sagas ({SagaTable.Columns.Names()}) VALUES ({SagaTable.Columns.Placeholders()})";

    private static readonly string _updateSaga = $"UPDATE sagas SET {SagaTable.Columns.Assignments(first: 2)} WHERE id = $1";

    private static readonly string _insertHistory =
        $"INSERT INTO saga_history ({HistoryTable.Columns.Names()}) VALUES ({HistoryTable.Columns.Placeholders()})";

    private static readonly string _insertMessage = $"""
        INSERT INTO outbox (created_at, {OutboxTable.Columns.Names()}) VALUES ($1, {OutboxTable.Columns.Placeholders(first: 2)})
        ON CONFLICT (message_id) DO NOTHING
        """;

    private static readonly string _insertPayload =
        $"INSERT INTO saga_payloads ({PayloadTable.Columns.Names()}) VALUES ({PayloadTable.Columns.Placeholders()}) ON CONFLICT DO NOTHING";

    private static readonly string _setItem = $"""
        INSERT INTO saga_items AS o (updated_at, {SagaItemTable.Columns.Names()})
        VALUES ($1, {SagaItemTable.Columns.Placeholders(first: 2)})
        ON CONFLICT (saga_id, step, visit, "index") DO UPDATE
        SET status = excluded.status, command_id = excluded.command_id, code = excluded.code, message = excluded.message,
            result = coalesce(excluded.result, o.result), undo = coalesce(excluded.undo, o.undo), updated_at = excluded.updated_at
        """;

    private static readonly string _insertSeen =
        $"INSERT INTO inbox ({InboxTable.Columns.Names()}) VALUES ({InboxTable.Columns.Placeholders()}) ON CONFLICT DO NOTHING";

    private const string SetTimer = """
        INSERT INTO timers (saga_id, name, home_partition, due_at) VALUES ($1, 'wakeup', $2, $3)
        ON CONFLICT (saga_id, name) DO UPDATE SET due_at = excluded.due_at
        """;

    // An early event has a row already, and keeps its position in the order of arrival.
    private static readonly string _storeEvent = $"""
        INSERT INTO early_events AS e ({EarlyEventTable.Columns.Names()}) VALUES ({EarlyEventTable.Columns.Placeholders()})
        ON CONFLICT (message_id) DO UPDATE
        SET saga_id = excluded.saga_id, content = excluded.content, expires_at = excluded.expires_at
        WHERE e.saga_id IS NULL
        """;

    /// <summary>Writes the entries and returns a result for each, in their order.</summary>
    public IReadOnlyList<CommitResult> Run(CommitBatch batch)
    {
        var results = new CommitResult[batch.Entries.Count];

        // Starts last: a saga that ends in this batch releases its business key for one that starts in it.
        foreach (var index in Enumerable.Range(0, results.Length).OrderBy(index => batch.Entries[index] is CommitEntry.Start))
        {
            results[index] = batch.Entries[index] switch
            {
                CommitEntry.Check check =>
                    Version(check.Id) == check.ExpectedVersion ? CommitResult.Committed.Instance : CommitResult.Stale.Instance,
                CommitEntry.Transition transition => FindConflict(transition) ?? TryWrite(() => Write(transition)),
                CommitEntry.Start start => FindConflict(start) ?? TryWrite(() => Write(start)),
                _ => throw new InvalidOperationException("A commit has an entry of an unknown type."),
            };
        }

        if (batch.SentMessageIds.Count > 0)
        {
            session.Execute(
                "DELETE FROM outbox WHERE message_id IN (SELECT value FROM json_each($1))", SqliteSession.List(batch.SentMessageIds));
        }

        return results;
    }

    /// <summary>Writes a payload unless it exists.</summary>
    public void Write(SagaPayload payload) => session.Execute(_insertPayload, PayloadTable.Columns.Values(payload));

    public void Store(EarlyEvent early) => session.Execute(_storeEvent, EarlyEventTable.Columns.Values(early));

    public void Send(OutgoingRow row) => session.Execute(_insertMessage, [now, .. OutboxTable.Columns.Values(row)]);

    /// <summary>The saga that a request started or joined, or that has processed an event with this id; or null.</summary>
    public static CommitResult.DuplicateRequest? FindRequest(SqliteSession session, MessageId requestId) => session
        .Query(
            """
            SELECT id, source, request_hash FROM sagas WHERE request_id = $1
            UNION ALL
            SELECT saga_id, '', request_hash FROM inbox WHERE message_id = $1
            LIMIT 1
            """,
            row => new CommitResult.DuplicateRequest(new SagaId(row.Uuid(0)), row.Text(1)) { Hash = row.OptionalUuid(2) },
            requestId)
        .SingleOrDefault();

    private CommitResult? FindConflict(CommitEntry.Transition transition)
    {
        var duplicates = transition.SeenMessages.Select(message => message.MessageId)
            .Where(message => session.Exists("SELECT 1 FROM inbox WHERE saga_id = $1 AND message_id = $2", transition.SagaId, message))
            .ToHashSet();
        return duplicates.Count > 0 ? new CommitResult.DuplicateMessages(duplicates)
            : Version(transition.SagaId) != transition.ExpectedVersion || transition.ExpectedVersion == 0 ? CommitResult.Stale.Instance
            : null;
    }

    private CommitResult? FindConflict(CommitEntry.Start start)
    {
        var row = start.Row;
        if (FindRequest(session, row.RequestId) is { } duplicate)
        {
            return duplicate;
        }

        if (row is { BusinessKey: { } key, EndedAt: null } && IsStorable(key))
        {
            var owners = session.Query(
                "SELECT id, request_hash FROM sagas WHERE contract = $1 AND business_key = $2 AND ended_at IS NULL",
                owner => new CommitResult.KeyTaken(new SagaId(owner.Uuid(0))) { Hash = owner.OptionalUuid(1) },
                row.Contract,
                key);
            if (owners.Count > 0)
            {
                return owners[0];
            }
        }

        return Version(row.Id) > 0 ? CommitResult.Stale.Instance : null;
    }

    private CommitResult TryWrite(Action write)
    {
        session.Execute("SAVEPOINT saga");
        try
        {
            write();
            session.Execute("RELEASE saga");
            return CommitResult.Committed.Instance;
        }
        catch (UnstorableException error)
        {
            session.Execute("ROLLBACK TO saga");
            session.Execute("RELEASE saga");
            return new CommitResult.Invalid(error.SqlState, error.Message);
        }
        catch (SqliteException error) when (SqliteErrors.IsInvalidData(error))
        {
            session.Execute("ROLLBACK TO saga");
            session.Execute("RELEASE saga");
            return new CommitResult.Invalid(PostgresErrorCodes.IntegrityConstraintViolation, error.Message);
        }
    }

    private void Write(CommitEntry.Start start)
    {
        var row = start.Row;
        CheckKey(row);
        session.Execute(_insertSaga, SagaTable.Columns.Values(row));
        WriteRows(row, start.History, start.Outgoing, start.Payloads, mayHaveTimer: false);
        WriteItems(start);
        Index(start.DeadLetters);
    }

    private void Write(CommitEntry.Transition transition)
    {
        var row = transition.Row;
        CheckKey(row);
        session.Execute(_updateSaga, [row.Id, .. SagaTable.Columns.ChangingValues(row)]);
        WriteRows(row, transition.History, transition.Outgoing, transition.Payloads, transition.WasParked || row.EndedAt is not null);
        WriteItems(transition);
        Index(transition.DeadLetters);
        foreach (var message in transition.SeenMessages.Concat(transition.JoinedRequests))
        {
            session.Execute(_insertSeen, InboxTable.Columns.Values((row.Id, message)));
        }

        foreach (var early in transition.EventsToBuffer())
        {
            Store(early with { SagaId = row.Id });
        }

        foreach (var released in transition.ReleasedEvents)
        {
            session.Execute("DELETE FROM early_events WHERE message_id = $1 AND (saga_id IS NULL OR saga_id = $2)", released, row.Id);
        }

        if (row.EndedAt is not null)
        {
            session.Execute("DELETE FROM early_events WHERE saga_id = $1", row.Id);
        }
    }

    private void WriteItems(CommitEntry entry)
    {
        foreach (var item in entry.Items)
        {
            session.Execute(_setItem, [now, .. SagaItemTable.Columns.Values((entry.SagaId, item))]);
        }
    }

    private void Index(IReadOnlyList<DeadLetterRow> deadLetters)
    {
        foreach (var deadLetter in deadLetters)
        {
            SqliteDeadLetterIndex.Add(session, deadLetter);
        }
    }

    private void WriteRows(
        SagaRow row,
        IReadOnlyList<HistoryEntry> history,
        IReadOnlyList<OutgoingMessage> messages,
        IReadOnlyList<SagaPayload> payloads,
        bool mayHaveTimer)
    {
        foreach (var entry in history)
        {
            session.Execute(_insertHistory, HistoryTable.Columns.Values((row.Id, entry)));
        }

        foreach (var message in messages)
        {
            Send(new OutgoingRow(row.Id, row.HomePartition, message));
        }

        foreach (var payload in payloads)
        {
            Write(payload);
        }

        if (row is { Parked: true, NextWakeupAt: { } wakeup })
        {
            session.Execute(SetTimer, row.Id, row.HomePartition, wakeup);
        }
        else if (mayHaveTimer)
        {
            session.Execute("DELETE FROM timers WHERE saga_id = $1", row.Id);
        }
    }

    // 0 if there is no such row.
    private long Version(SagaId id) =>
        session.Query("SELECT version FROM sagas WHERE id = $1", row => row.Bigint(0), id) is [var version] ? version : 0;

    private static void CheckKey(SagaRow row)
    {
        if (row.BusinessKey is { } key && Encoding.UTF8.GetByteCount(key) > KeyBytesMax)
        {
            throw new UnstorableException(
                PostgresErrorCodes.ProgramLimitExceeded, $"A business key of more than {KeyBytesMax} bytes cannot be stored.");
        }
    }

    private static bool IsStorable(string text) => !text.Contains('\0', StringComparison.Ordinal);
}
