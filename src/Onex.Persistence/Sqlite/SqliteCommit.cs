using System.Text;
using Microsoft.Data.Sqlite;
using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Sqlite;

/// <summary>
/// One commit. Nobody else writes meanwhile, so every question about what is there has its answer before anything is written; what belongs to a
/// saga is written behind a savepoint, so that one whose values cannot be stored is undone alone.
/// </summary>
internal sealed class SqliteCommit(SqliteSession session, DateTimeOffset now)
{
    // What PostgreSQL can index, so that a saga that runs here runs there.
    private const int KeyBytesMax = 2_600;

    private const string InsertSaga = """
        INSERT INTO sagas (id, contract, contract_version, contract_hash, correlation_id, request_id, business_key, parent_id, source, state, status,
            data, progress, fault, reply_to, headers, waiters, home_partition, version, last_transition_id, started_at, updated_at, ended_at,
            next_wakeup_at, parked, request_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
        """;

    private const string UpdateSaga = """
        UPDATE sagas
        SET contract = $2, contract_version = $3, contract_hash = $4, business_key = $5, state = $6, status = $7, data = $8, progress = $9,
            fault = $10, reply_to = $11, headers = $12, waiters = $13, version = $14, last_transition_id = $15, updated_at = $16, ended_at = $17,
            next_wakeup_at = $18, parked = $19
        WHERE id = $1
        """;

    private const string InsertHistory = """
        INSERT INTO saga_history (saga_id, version, ordinal, at, kind, state, step, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """;

    /// <summary>Puts a message into the outbox.</summary>
    public const string InsertMessage = """
        INSERT INTO outbox (message_id, saga_id, home_partition, topic, partition, key, value, headers, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (message_id) DO NOTHING
        """;

    private const string InsertPayload = "INSERT INTO saga_payloads (id, saga_id, name, content) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

    private const string SetItem = """
        INSERT INTO saga_items AS o (saga_id, step, visit, "index", status, command_id, result, undo, code, message, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (saga_id, step, visit, "index") DO UPDATE
        SET status = excluded.status, command_id = excluded.command_id, code = excluded.code, message = excluded.message,
            result = coalesce(excluded.result, o.result), undo = coalesce(excluded.undo, o.undo), updated_at = excluded.updated_at
        """;

    private const string InsertSeen = "INSERT INTO inbox (saga_id, message_id, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    private const string SetTimer = """
        INSERT INTO timers (saga_id, name, home_partition, due_at) VALUES ($1, 'wakeup', $2, $3)
        ON CONFLICT (saga_id, name) DO UPDATE SET due_at = excluded.due_at
        """;

    // One that came before its saga has its row already, and keeps its place in the order of arrival.
    private const string KeepEvent = """
        INSERT INTO early_events AS e (message_id, saga_id, contract, event, correlation_id, business_key, content, received_at, expires_at, request_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (message_id) DO UPDATE
        SET saga_id = excluded.saga_id, content = excluded.content, expires_at = excluded.expires_at
        WHERE e.saga_id IS NULL
        """;

    /// <summary>Judges and writes; answers a verdict per entry, in their order.</summary>
    public IReadOnlyList<CommitVerdict> Run(CommitBatch batch)
    {
        var verdicts = new CommitVerdict[batch.Entries.Count];

        // Starts last: a saga that ends in this batch gives its business key back to one that begins in it.
        foreach (var place in Enumerable.Range(0, verdicts.Length).OrderBy(place => batch.Entries[place] is CommitEntry.Start))
        {
            verdicts[place] = batch.Entries[place] switch
            {
                CommitEntry.Check check => Version(check.Id) == check.ExpectedVersion ? CommitVerdict.Committed.Instance : CommitVerdict.Stale.Instance,
                CommitEntry.Move move => Refusal(move) ?? Try(() => Write(move)),
                CommitEntry.Start start => Refusal(start) ?? Try(() => Write(start)),
                _ => throw new InvalidOperationException("A commit has an entry of a kind that nobody knows."),
            };
        }

        if (batch.SentMessageIds.Count > 0)
        {
            session.Execute("DELETE FROM outbox WHERE message_id IN (SELECT value FROM json_each($1))", SqliteSession.List(batch.SentMessageIds));
        }

        return verdicts;
    }

    /// <summary>Writes payloads; one that is there already stays as it is.</summary>
    public void Write(Guid sagaId, IEnumerable<SagaPayload> payloads)
    {
        foreach (var payload in payloads)
        {
            session.Execute(InsertPayload, payload.Id, sagaId, payload.Name, payload.Content);
        }
    }

    /// <summary>Keeps an event.</summary>
    public void Keep(EarlyEvent early) => session.Execute(
        KeepEvent,
        early.MessageId,
        early.SagaId,
        early.Contract,
        early.Event,
        early.CorrelationId,
        early.BusinessKey,
        early.Content,
        early.ReceivedAt,
        early.ExpiresAt,
        early.RequestHash);

    /// <summary>The saga that has a request, or null.</summary>
    public static CommitVerdict.KnownRequest? FindRequest(SqliteSession session, Guid requestId) => session
        .Query(
            """
            SELECT id, source, request_hash FROM sagas WHERE request_id = $1
            UNION ALL
            SELECT saga_id, '', request_hash FROM inbox WHERE message_id = $1
            LIMIT 1
            """,
            reader => new CommitVerdict.KnownRequest(SqliteRows.Id(reader, 0), reader.GetString(1)) { Hash = SqliteRows.OptionalId(reader, 2) },
            requestId)
        .SingleOrDefault();

    private CommitVerdict? Refusal(CommitEntry.Move move)
    {
        var known = move.SeenMessages.Select(message => message.MessageId)
            .Where(message => session.Exists("SELECT 1 FROM inbox WHERE saga_id = $1 AND message_id = $2", move.SagaId, message)).ToHashSet();
        return known.Count > 0 ? new CommitVerdict.KnownMessages(known)
            : Version(move.SagaId) != move.ExpectedVersion || move.ExpectedVersion == 0 ? CommitVerdict.Stale.Instance
            : null;
    }

    private CommitVerdict? Refusal(CommitEntry.Start start)
    {
        var row = start.Row;
        if (FindRequest(session, row.RequestId) is { } known)
        {
            return known;
        }

        if (row is { BusinessKey: { } key, EndedAt: null } && IsStorable(key)
            && session.Query(
                "SELECT id, request_hash FROM sagas WHERE contract = $1 AND business_key = $2 AND ended_at IS NULL",
                reader => new CommitVerdict.KeyTaken(SqliteRows.Id(reader, 0)) { Hash = SqliteRows.OptionalId(reader, 1) },
                row.Contract,
                key) is [var taken])
        {
            return taken;
        }

        return Version(row.Id) > 0 ? CommitVerdict.Stale.Instance : null;
    }

    private CommitVerdict Try(Action write)
    {
        session.Execute("SAVEPOINT saga");
        try
        {
            write();
            session.Execute("RELEASE saga");
            return CommitVerdict.Committed.Instance;
        }
        catch (UnstorableException error)
        {
            session.Execute("ROLLBACK TO saga");
            session.Execute("RELEASE saga");
            return new CommitVerdict.Refused(error.SqlState, error.Message);
        }
        catch (SqliteException error) when (SqliteErrors.IsData(error))
        {
            session.Execute("ROLLBACK TO saga");
            session.Execute("RELEASE saga");
            return new CommitVerdict.Refused("23000", error.Message);
        }
    }

    private void Write(CommitEntry.Start start)
    {
        var row = start.Row;
        RefuseKey(row);
        session.Execute(
            InsertSaga,
            row.Id,
            row.Contract,
            row.ContractVersion,
            row.ContractHash,
            row.CorrelationId,
            row.RequestId,
            row.BusinessKey,
            row.ParentId,
            row.Source,
            row.State,
            row.Status.ToText(),
            Required(row.Data),
            Required(row.Progress),
            Optional(row.Fault),
            row.ReplyTo,
            Optional(row.Headers),
            Optional(row.Waiters),
            row.HomePartition,
            row.Version,
            row.LastTransitionId,
            row.StartedAt,
            row.UpdatedAt,
            row.EndedAt,
            row.NextWakeupAt,
            row.Parked,
            row.RequestHash);
        WriteBelongings(row, start.History, start.Outgoing, start.Payloads, mayHaveTimer: false);
        WriteItems(start);
        Index(start.DeadLetters);
    }

    private void Write(CommitEntry.Move move)
    {
        var row = move.Row;
        RefuseKey(row);
        session.Execute(
            UpdateSaga,
            row.Id,
            row.Contract,
            row.ContractVersion,
            row.ContractHash,
            row.BusinessKey,
            row.State,
            row.Status.ToText(),
            Required(row.Data),
            Required(row.Progress),
            Optional(row.Fault),
            row.ReplyTo,
            Optional(row.Headers),
            Optional(row.Waiters),
            row.Version,
            row.LastTransitionId,
            row.UpdatedAt,
            row.EndedAt,
            row.NextWakeupAt,
            row.Parked);
        WriteBelongings(row, move.History, move.Outgoing, move.Payloads, move.WasParked || row.EndedAt is not null);
        WriteItems(move);
        Index(move.DeadLetters);
        foreach (var message in move.SeenMessages.Concat(move.JoinedRequests))
        {
            session.Execute(InsertSeen, row.Id, message.MessageId, message.Hash);
        }

        foreach (var kept in move.EventsToKeep())
        {
            Keep(kept with { SagaId = row.Id });
        }

        foreach (var released in move.ReleasedEvents)
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
            session.Execute(
                SetItem,
                entry.SagaId,
                item.Step,
                item.Visit,
                item.Index,
                item.Status.ToText(),
                item.CommandId,
                item.Result,
                item.Undo,
                item.Code,
                item.Message,
                now);
        }
    }

    private void Index(IReadOnlyList<DeadLetterRow> letters)
    {
        foreach (var letter in letters)
        {
            SqliteDeadLetterIndex.Add(session, letter);
        }
    }

    private void WriteBelongings(
        SagaRow row,
        IReadOnlyList<HistoryEntry> history,
        IReadOnlyList<OutgoingMessage> messages,
        IReadOnlyList<SagaPayload> payloads,
        bool mayHaveTimer)
    {
        foreach (var entry in history)
        {
            session.Execute(
                InsertHistory, row.Id, entry.Version, entry.Ordinal, entry.At, entry.Kind, entry.State, entry.Step, Optional(entry.Detail));
        }

        foreach (var message in messages)
        {
            session.Execute(
                InsertMessage,
                message.MessageId,
                row.Id,
                row.HomePartition,
                message.Topic,
                message.Partition,
                message.Key,
                message.Value.ToArray(),
                message.Headers,
                now);
        }

        Write(row.Id, payloads);
        if (row is { Parked: true, NextWakeupAt: { } wakeup })
        {
            session.Execute(SetTimer, row.Id, row.HomePartition, wakeup);
        }
        else if (mayHaveTimer)
        {
            session.Execute("DELETE FROM timers WHERE saga_id = $1", row.Id);
        }
    }

    // 0: there is no such row.
    private long Version(Guid id) => session.Query("SELECT version FROM sagas WHERE id = $1", reader => reader.GetInt64(0), id) is [var version] ? version : 0;

    private static void RefuseKey(SagaRow row)
    {
        if (row.BusinessKey is { } key && Encoding.UTF8.GetByteCount(key) > KeyBytesMax)
        {
            throw new UnstorableException("54000", $"A business key of more than {KeyBytesMax} bytes cannot be stored.");
        }
    }

    private static bool IsStorable(string text) => !text.Contains('\0', StringComparison.Ordinal);

    private static RawJson Required(RawJson json) => json.Utf8.IsEmpty ? RawJson.Null : json;

    private static RawJson? Optional(RawJson? json) => json is { IsNull: false } ? json : null;
}
