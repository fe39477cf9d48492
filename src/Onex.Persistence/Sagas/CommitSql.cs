using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.DeadLetters;

namespace Onex.Persistence.Sagas;

/// <summary>The statements of a commit and their parameters: one array per column, one element per row.</summary>
internal static class CommitSql
{
    // Rows are locked in id order, so that the batches of two mains wait for each other instead of deadlocking: an UPDATE ... FROM unnest
    // fixes no order. What it returns is the committed truth, and stays so until the end of this transaction.
    // Plan: Sort or index order over pk_sagas, LockRows on top.
    private const string Lock = """
        SELECT id, version, last_transition_id FROM onex.sagas WHERE id = ANY($1) ORDER BY id FOR UPDATE
        """;

    // Everything that belongs to a transition is written through "written": only for sagas whose version check, or insertion, held in
    // this very statement. A statement of its own after the lock, because its snapshot must be taken after the wait for it.
    // Plan: unnest joined to pk_sagas by nested loop.
    private const string Write = """
        WITH given AS MATERIALIZED (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
                    $26, $27, $72)
                AS g(id, expected_version, contract, contract_version, contract_hash, correlation_id, request_id, business_key, parent_id,
                     source, state, status, data, progress, fault, reply_to, headers, waiters, home_partition, version, last_transition_id,
                     started_at, updated_at, ended_at, next_wakeup_at, parked, was_parked, request_hash)
        ), known AS MATERIALIZED (
            -- Only a commit that holds the saga's row writes what the saga has seen, and this one holds it.
            SELECT n.saga_id, n.message_id
            FROM unnest($28, $29, $30) AS n(saga_id, message_id, must_be_new)
            JOIN onex.inbox i ON i.saga_id = n.saga_id AND i.message_id = n.message_id
            WHERE n.must_be_new
        ), moved AS (
            UPDATE onex.sagas s
            SET contract = g.contract, contract_version = g.contract_version, contract_hash = g.contract_hash,
                business_key = g.business_key, state = g.state, status = g.status, data = g.data, progress = g.progress, fault = g.fault,
                reply_to = g.reply_to, headers = g.headers, waiters = g.waiters, version = g.version,
                last_transition_id = g.last_transition_id, updated_at = g.updated_at, ended_at = g.ended_at,
                next_wakeup_at = g.next_wakeup_at, parked = g.parked
            FROM given g
            WHERE s.id = g.id AND g.expected_version > 0 AND s.version = g.expected_version
              AND g.id NOT IN (SELECT saga_id FROM known)
            RETURNING s.id
        ), born AS (
            INSERT INTO onex.sagas (id, contract, contract_version, contract_hash, correlation_id, request_id, business_key, parent_id,
                source, state, status, data, progress, fault, reply_to, headers, waiters, home_partition, version, last_transition_id,
                started_at, updated_at, ended_at, next_wakeup_at, parked, request_hash)
            SELECT id, contract, contract_version, contract_hash, correlation_id, request_id, business_key, parent_id,
                source, state, status, data, progress, fault, reply_to, headers, waiters, home_partition, version, last_transition_id,
                started_at, updated_at, ended_at, next_wakeup_at, parked, request_hash
            FROM given
            WHERE expected_version = 0 AND NOT EXISTS (SELECT FROM onex.inbox i WHERE i.message_id = given.request_id)
            ORDER BY contract, business_key, request_id
            ON CONFLICT DO NOTHING
            RETURNING id
        ), written AS MATERIALIZED (
            SELECT id FROM moved UNION ALL SELECT id FROM born
        ), history AS (
            INSERT INTO onex.saga_history (saga_id, version, ordinal, at, kind, state, step, detail)
            SELECT h.saga_id, h.version, h.ordinal, h.at, h.kind, h.state, h.step, h.detail
            FROM unnest($31, $32, $33, $34, $35, $36, $37, $38) AS h(saga_id, version, ordinal, at, kind, state, step, detail)
            WHERE h.saga_id IN (SELECT id FROM written)
        ), messages AS (
            -- A message that is there already is the same message: its id is derived from saga and transition.
            INSERT INTO onex.outbox (message_id, saga_id, home_partition, topic, partition, key, value, headers)
            SELECT m.message_id, m.saga_id, m.home_partition, m.topic, m.partition, m.key, m.value, m.headers
            FROM unnest($39, $40, $41, $42, $43, $44, $45, $46) WITH ORDINALITY
                AS m(message_id, saga_id, home_partition, topic, partition, key, value, headers, place)
            WHERE m.saga_id IN (SELECT id FROM written)
            ORDER BY m.place
            ON CONFLICT (message_id) DO NOTHING
        ), seen AS (
            INSERT INTO onex.inbox (saga_id, message_id, request_hash)
            SELECT n.saga_id, n.message_id, n.request_hash
            FROM unnest($28, $29, $73) AS n(saga_id, message_id, request_hash)
            WHERE n.saga_id IN (SELECT id FROM written)
            ON CONFLICT DO NOTHING
        ), payloads AS (
            INSERT INTO onex.saga_payloads (id, saga_id, name, content)
            SELECT p.id, p.saga_id, p.name, p.content
            FROM unnest($47, $48, $49, $50) AS p(id, saga_id, name, content)
            WHERE p.saga_id IN (SELECT id FROM written)
            ON CONFLICT DO NOTHING
        ), timers_set AS (
            INSERT INTO onex.timers AS t (saga_id, name, home_partition, due_at)
            SELECT g.id, 'wakeup', g.home_partition, g.next_wakeup_at
            FROM given g
            WHERE g.parked AND g.next_wakeup_at IS NOT NULL AND g.id IN (SELECT id FROM written)
            ON CONFLICT (saga_id, name) DO UPDATE SET due_at = excluded.due_at WHERE t.due_at <> excluded.due_at
        ), timers_gone AS (
            DELETE FROM onex.timers t
            USING given g
            WHERE t.saga_id = g.id AND (g.was_parked OR g.ended_at IS NOT NULL) AND NOT (g.parked AND g.next_wakeup_at IS NOT NULL)
              AND g.id IN (SELECT id FROM written)
        ), kept AS (
            -- One that came before its saga has its row already, and keeps its place in the order of arrival.
            INSERT INTO onex.early_events AS e
                (message_id, saga_id, contract, event, correlation_id, business_key, content, received_at, expires_at, request_hash)
            SELECT k.message_id, k.saga_id, k.contract, k.event, k.correlation_id, k.business_key, k.content, k.received_at, k.expires_at, k.request_hash
            FROM unnest($51, $52, $53, $54, $55, $56, $57, $58, $59, $74) WITH ORDINALITY
                AS k(message_id, saga_id, contract, event, correlation_id, business_key, content, received_at, expires_at, request_hash, place)
            WHERE k.saga_id IN (SELECT id FROM written)
            ORDER BY k.place
            ON CONFLICT (message_id) DO UPDATE
            SET saga_id = excluded.saga_id, content = excluded.content, expires_at = excluded.expires_at
            WHERE e.saga_id IS NULL
        ), released AS (
            DELETE FROM onex.early_events e
            USING unnest($60, $61) AS r(saga_id, message_id)
            WHERE e.message_id = r.message_id AND (e.saga_id IS NULL OR e.saga_id = r.saga_id) AND r.saga_id IN (SELECT id FROM written)
        ), ended AS (
            DELETE FROM onex.early_events e
            USING given g
            WHERE e.saga_id = g.id AND g.ended_at IS NOT NULL AND g.id IN (SELECT id FROM written)
        ), items AS (
            INSERT INTO onex.saga_items AS o (saga_id, step, visit, index, status, command_id, result, undo, code, message)
            SELECT i.saga_id, i.step, i.visit, i.index, i.status, i.command_id, i.result, i.undo, i.code, i.message
            FROM unnest($62, $63, $64, $65, $66, $67, $68, $69, $70, $71)
                AS i(saga_id, step, visit, index, status, command_id, result, undo, code, message)
            WHERE i.saga_id IN (SELECT id FROM written)
            ON CONFLICT (saga_id, step, visit, index) DO UPDATE
            SET status = excluded.status, command_id = excluded.command_id, code = excluded.code, message = excluded.message,
                result = coalesce(excluded.result, o.result), undo = coalesce(excluded.undo, o.undo), updated_at = excluded.updated_at
        )
        SELECT id, NULL::uuid FROM written UNION ALL SELECT saga_id, message_id FROM known
        """;

    private const string Forget = "DELETE FROM onex.outbox WHERE message_id = ANY($1)";

    // Which saga has the request, the live business key or the id of a start that was not written.
    private const string Conflicts = """
        SELECT s.place::integer, r.id, r.source, r.last_transition_id, k.id, i.id, n.saga_id, r.request_hash, k.request_hash, n.request_hash
        FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS s(id, request_id, contract, business_key, place)
        LEFT JOIN onex.sagas r ON r.request_id = s.request_id
        LEFT JOIN onex.sagas k ON k.contract = s.contract AND k.business_key = s.business_key AND k.ended_at IS NULL
        LEFT JOIN onex.sagas i ON i.id = s.id
        LEFT JOIN LATERAL (SELECT b.saga_id, b.request_hash FROM onex.inbox b WHERE b.message_id = s.request_id LIMIT 1) n ON true
        """;

    private const string Request = """
        SELECT id, source, request_hash FROM onex.sagas WHERE request_id = $1
        UNION ALL
        SELECT saga_id, '', request_hash FROM onex.inbox WHERE message_id = $1
        LIMIT 1
        """;

    /// <summary>Locks these rows, in id order; answers id, version and last transition of each that exists.</summary>
    public static NpgsqlBatchCommand LockRows(Guid[] ids) =>
        new(Lock) { Parameters = { Array(NpgsqlDbType.Uuid, ids) } };

    /// <summary>Forgets messages that have been sent.</summary>
    public static NpgsqlBatchCommand ForgetMessages(Guid[] messageIds) =>
        new(Forget) { Parameters = { Array(NpgsqlDbType.Uuid, messageIds) } };

    /// <summary>Answers id, source and hash of the saga that has a request.</summary>
    public static NpgsqlBatchCommand FindRequest(Guid requestId) =>
        new(Request) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = requestId } } };

    /// <summary>
    /// Answers for each start (by its place, from 1): id, source, transition by request; id by business key; id by id; id by joined request; the
    /// hashes of the request, of that which has the key, and of that which joined.
    /// </summary>
    public static NpgsqlBatchCommand FindConflicts(IReadOnlyList<CommitEntry.Start> starts) => new(Conflicts)
    {
        Parameters =
        {
            Array(NpgsqlDbType.Uuid, Column(starts, start => start.Row.Id)),
            Array(NpgsqlDbType.Uuid, Column(starts, start => start.Row.RequestId)),
            Array(NpgsqlDbType.Text, Column(starts, start => start.Row.Contract)),
            Array(NpgsqlDbType.Text, Column(starts, start => start.Row.BusinessKey)),
        },
    };

    /// <summary>
    /// Writes starts and moves with all that belongs to them; answers the ids of those that were written, and the messages that others have
    /// seen before.
    /// </summary>
    public static NpgsqlBatchCommand WriteRows(IReadOnlyList<CommitEntry> entries)
    {
        var given = new List<(SagaRow Row, long ExpectedVersion, bool WasParked)>(entries.Count);
        var history = new List<(Guid SagaId, HistoryEntry Entry)>(entries.Count * 4);
        var messages = new List<(SagaRow Saga, OutgoingMessage Message)>(entries.Count);
        var payloads = new List<(Guid SagaId, SagaPayload Payload)>();
        var seen = new List<(Guid SagaId, SeenMessage Message, bool MustBeNew)>();
        var kept = new List<EarlyEvent>();
        var released = new List<(Guid SagaId, Guid MessageId)>();
        var items = new List<(Guid SagaId, SagaItem Item)>();
        foreach (var entry in entries)
        {
            switch (entry)
            {
                case CommitEntry.Start start:
                    Add(start.Row, 0, wasParked: false, start.History, start.Outgoing, start.Payloads);
                    break;
                case CommitEntry.Move move:
                    Add(move.Row, move.ExpectedVersion, move.WasParked, move.History, move.Outgoing, move.Payloads);
                    AddMessages(move);
                    break;
            }

            items.AddRange(Merge(entry.Items).Select(item => (entry.SagaId, item)));
        }

        var command = new NpgsqlBatchCommand(Write)
        {
            Parameters =
            {
                Array(NpgsqlDbType.Uuid, Column(given, g => g.Row.Id)),
                Array(NpgsqlDbType.Bigint, Column(given, g => g.ExpectedVersion)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.Contract)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.ContractVersion)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.ContractHash)),
                Array(NpgsqlDbType.Uuid, Column(given, g => g.Row.CorrelationId)),
                Array(NpgsqlDbType.Uuid, Column(given, g => g.Row.RequestId)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.BusinessKey)),
                Array(NpgsqlDbType.Uuid, Column(given, g => g.Row.ParentId)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.Source)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.State)),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.Status.ToText())),
                Array(NpgsqlDbType.Jsonb, Column(given, g => Required(g.Row.Data))),
                Array(NpgsqlDbType.Jsonb, Column(given, g => Required(g.Row.Progress))),
                Array(NpgsqlDbType.Jsonb, Column(given, g => Optional(g.Row.Fault))),
                Array(NpgsqlDbType.Text, Column(given, g => g.Row.ReplyTo)),
                Array(NpgsqlDbType.Jsonb, Column(given, g => Optional(g.Row.Headers))),
                Array(NpgsqlDbType.Jsonb, Column(given, g => Optional(g.Row.Waiters))),
                Array(NpgsqlDbType.Integer, Column(given, g => g.Row.HomePartition)),
                Array(NpgsqlDbType.Bigint, Column(given, g => g.Row.Version)),
                Array(NpgsqlDbType.Uuid, Column(given, g => g.Row.LastTransitionId)),
                Array(NpgsqlDbType.TimestampTz, Column(given, g => g.Row.StartedAt.UtcDateTime)),
                Array(NpgsqlDbType.TimestampTz, Column(given, g => g.Row.UpdatedAt.UtcDateTime)),
                Array(NpgsqlDbType.TimestampTz, Column(given, g => g.Row.EndedAt?.UtcDateTime)),
                Array(NpgsqlDbType.TimestampTz, Column(given, g => g.Row.NextWakeupAt?.UtcDateTime)),
                Array(NpgsqlDbType.Boolean, Column(given, g => g.Row.Parked)),
                Array(NpgsqlDbType.Boolean, Column(given, g => g.WasParked)),

                Array(NpgsqlDbType.Uuid, Column(seen, m => m.SagaId)),
                Array(NpgsqlDbType.Uuid, Column(seen, m => m.Message.MessageId)),
                Array(NpgsqlDbType.Boolean, Column(seen, m => m.MustBeNew)),

                Array(NpgsqlDbType.Uuid, Column(history, h => h.SagaId)),
                Array(NpgsqlDbType.Bigint, Column(history, h => h.Entry.Version)),
                Array(NpgsqlDbType.Integer, Column(history, h => h.Entry.Ordinal)),
                Array(NpgsqlDbType.TimestampTz, Column(history, h => h.Entry.At.UtcDateTime)),
                Array(NpgsqlDbType.Text, Column(history, h => h.Entry.Kind)),
                Array(NpgsqlDbType.Text, Column(history, h => h.Entry.State)),
                Array(NpgsqlDbType.Text, Column(history, h => h.Entry.Step)),
                Array(NpgsqlDbType.Jsonb, Column(history, h => Optional(h.Entry.Detail))),

                Array(NpgsqlDbType.Uuid, Column(messages, m => m.Message.MessageId)),
                Array(NpgsqlDbType.Uuid, Column(messages, m => m.Saga.Id)),
                Array(NpgsqlDbType.Integer, Column(messages, m => m.Saga.HomePartition)),
                Array(NpgsqlDbType.Text, Column(messages, m => m.Message.Topic)),
                Array(NpgsqlDbType.Integer, Column(messages, m => m.Message.Partition)),
                Array(NpgsqlDbType.Text, Column(messages, m => m.Message.Key)),
                Array(NpgsqlDbType.Bytea, Column(messages, m => m.Message.Value)),
                Array(NpgsqlDbType.Jsonb, Column(messages, m => Required(m.Message.Headers))),

                Array(NpgsqlDbType.Uuid, Column(payloads, p => p.Payload.Id)),
                Array(NpgsqlDbType.Uuid, Column(payloads, p => p.SagaId)),
                Array(NpgsqlDbType.Text, Column(payloads, p => p.Payload.Name)),
                Array(NpgsqlDbType.Json, Column(payloads, p => Required(p.Payload.Content))),
            },
        };
        command.Parameters.AddRange((NpgsqlParameter[])[
            .. EarlyEvents(kept),
            Array(NpgsqlDbType.Uuid, Column(released, r => r.SagaId)),
            Array(NpgsqlDbType.Uuid, Column(released, r => r.MessageId)),

            Array(NpgsqlDbType.Uuid, Column(items, i => i.SagaId)),
            Array(NpgsqlDbType.Text, Column(items, i => i.Item.Step)),
            Array(NpgsqlDbType.Integer, Column(items, i => i.Item.Visit)),
            Array(NpgsqlDbType.Integer, Column(items, i => i.Item.Index)),
            Array(NpgsqlDbType.Text, Column(items, i => i.Item.Status.ToText())),
            Array(NpgsqlDbType.Uuid, Column(items, i => i.Item.CommandId)),
            Array(NpgsqlDbType.Jsonb, Column(items, i => i.Item.Result is { } result ? Required(result) : null)),
            Array(NpgsqlDbType.Text, Column(items, i => i.Item.Undo?.ToString())),
            Array(NpgsqlDbType.Text, Column(items, i => i.Item.Code)),
            Array(NpgsqlDbType.Text, Column(items, i => i.Item.Message)),

            Array(NpgsqlDbType.Uuid, Column(given, g => g.Row.RequestHash)),
            Array(NpgsqlDbType.Uuid, Column(seen, m => m.Message.Hash)),
            Array(NpgsqlDbType.Uuid, Column(kept, early => early.RequestHash)),
        ]);
        return command;

        void Add(
            SagaRow row,
            long expectedVersion,
            bool wasParked,
            IReadOnlyList<HistoryEntry> itsHistory,
            IReadOnlyList<OutgoingMessage> itsMessages,
            IReadOnlyList<SagaPayload> itsPayloads)
        {
            given.Add((row, expectedVersion, wasParked));
            history.AddRange(itsHistory.Select(entry => (row.Id, entry)));
            messages.AddRange(itsMessages.Select(message => (row, message)));
            payloads.AddRange(itsPayloads.Select(payload => (row.Id, payload)));
        }

        void AddMessages(CommitEntry.Move move)
        {
            seen.AddRange(move.JoinedRequests.Select(request => (move.Row.Id, request, false)));
            seen.AddRange(move.SeenMessages.Select(message => (move.Row.Id, message, true)));
            released.AddRange(move.ReleasedEvents.Select(message => (move.Row.Id, message)));
            kept.AddRange(move.EventsToKeep().Select(early => early with { SagaId = move.Row.Id }));
        }
    }

    /// <summary>Indexes the dead letters of those entries that were written. They are rare: a command each.</summary>
    public static IEnumerable<NpgsqlBatchCommand> IndexDeadLetters(IReadOnlyList<CommitEntry> entries) =>
        from entry in entries
        let row = entry is CommitEntry.Move move ? move.Row : (entry as CommitEntry.Start)?.Row
        where row is not null
        from letter in entry.DeadLetters
        select DeadLetterIndex.AddOfTransition(letter, row.Id, row.LastTransitionId);

    /// <summary>Events that are kept: a parameter per column.</summary>
    public static IReadOnlyList<NpgsqlParameter> EarlyEvents(IReadOnlyList<EarlyEvent> events) =>
    [
        Array(NpgsqlDbType.Uuid, Column(events, early => early.MessageId)),
        Array(NpgsqlDbType.Uuid, Column(events, early => early.SagaId)),
        Array(NpgsqlDbType.Text, Column(events, early => early.Contract)),
        Array(NpgsqlDbType.Text, Column(events, early => early.Event)),
        Array(NpgsqlDbType.Uuid, Column(events, early => early.CorrelationId)),
        Array(NpgsqlDbType.Text, Column(events, early => early.BusinessKey)),
        Array(NpgsqlDbType.Jsonb, Column(events, early => Required(early.Content))),
        Array(NpgsqlDbType.TimestampTz, Column(events, early => early.ReceivedAt.UtcDateTime)),
        Array(NpgsqlDbType.TimestampTz, Column(events, early => early.ExpiresAt.UtcDateTime)),
    ];

    /// <summary>An array parameter, its type said, so that the server need not guess.</summary>
    public static NpgsqlParameter<T[]> Array<T>(NpgsqlDbType elements, T[] values) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | elements };

    /// <summary>One column of rows.</summary>
    public static TColumn[] Column<TRow, TColumn>(IReadOnlyList<TRow> rows, Func<TRow, TColumn> column)
    {
        var values = new TColumn[rows.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = column(rows[i]);
        }

        return values;
    }

    /// <summary>A JSON value of a column that cannot be null: nothing is the JSON value <c>null</c>.</summary>
    public static byte[] Required(RawJson json) => Bytes(json.Utf8.IsEmpty ? RawJson.Null : json);

    private static byte[]? Optional(RawJson? json) => json is { IsNull: false } value ? Bytes(value) : null;

    // What the engine and the parser make is an array of its own nearly always: then nothing is copied.
    private static byte[] Bytes(RawJson json) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(json.Utf8, out var segment)
            && segment is { Offset: 0, Array: { } array } && array.Length == segment.Count
            ? array
            : json.Utf8.ToArray();

    // One statement writes a row once, so that several transitions of one commit are one item by then.
    private static IEnumerable<SagaItem> Merge(IReadOnlyList<SagaItem> items) => items.Count < 2
        ? items
        : items
            .GroupBy(item => (item.Step, item.Visit, item.Index))
            .Select(same => same.Aggregate((earlier, later) => later with { Result = later.Result ?? earlier.Result, Undo = later.Undo ?? earlier.Undo }));
}
