using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>The statements of a commit and their parameters: one array per column, one element per row.</summary>
internal static class CommitSql
{
    // Locks rows in id order so that overlapping batches of two orchestrators queue instead of deadlocking: an UPDATE ... FROM unnest has
    // no fixed order. The returned rows are committed, and cannot change until the end of this transaction. Plan: Sort or index order over
    // pk_sagas, LockRows on top.
    private const string Lock = """
        SELECT id, version, last_transition_id FROM onex.sagas WHERE id = ANY($1) ORDER BY id FOR UPDATE
        """;

    // An input up to this size is stored in the saga's row, which saves a row with its index entries; updates of the saga do not write it
    // to the WAL again. A larger input is a row of saga_payloads.
    private const int InputInRowMax = 1_024;

    private static readonly RowParameters<SagaToWrite> _sagas = new(SagaToWrite.Columns, first: 1);
    private static readonly RowParameters<TransitionRow> _history = new(TransitionTable.Columns, _sagas.NextNumber);
    private static readonly RowParameters<BatchedMessage> _messages = new(BatchedMessage.Columns, _history.NextNumber);
    private static readonly RowParameters<SagaPayload> _payloads = new(PayloadTable.Columns, _messages.NextNumber);
    private static readonly RowParameters<SeenRow> _seen = new(SeenRow.Columns, _payloads.NextNumber);
    private static readonly RowParameters<EarlyEvent> _buffered = new(EarlyEventTable.Columns, _seen.NextNumber);
    private static readonly RowParameters<ReleasedRow> _released = new(ReleasedRow.Columns, _buffered.NextNumber);
    private static readonly RowParameters<(SagaId SagaId, SagaItem Item)> _items = new(SagaItemTable.Columns, _released.NextNumber);

    // Most commits have only starts and results of steps. Their statement leaves out the parts for everything else, because the server
    // prepares each part of a statement in every execution.
    private static readonly string _writeCommon = Write(new OptionalParts());
    private static readonly string _writeAll = Write(new OptionalParts
    {
        Duplicates = $"""
            , duplicates AS MATERIALIZED (
                -- Complete, because only a commit that has locked the saga's row inserts into the inbox, and this one has locked it.
                SELECT n.saga_id, n.message_id
                FROM {_seen.Unnest("n")}
                JOIN onex.inbox i ON i.saga_id = n.saga_id AND i.message_id = n.message_id
                WHERE n.must_be_new
            )
            """,
        IsNoDuplicate = "AND g.id NOT IN (SELECT saga_id FROM duplicates)",
        Rows = $"""
            , seen AS (
                INSERT INTO onex.inbox ({InboxTable.Columns.Names()})
                SELECT {InboxTable.Columns.Names("n")}
                FROM {_seen.Unnest("n")}
                WHERE n.saga_id IN (SELECT id FROM written)
                ON CONFLICT DO NOTHING
            ), values_of_commands AS (
                -- Arguments, whose names have a colon, may exist already.
                INSERT INTO onex.saga_payloads ({PayloadTable.Columns.Names()})
                SELECT {PayloadTable.Columns.Names("p")}
                FROM {_payloads.Unnest("p")}
                WHERE p.saga_id IN (SELECT id FROM written) AND p.name LIKE '%:%'
                ON CONFLICT DO NOTHING
            ), buffered AS (
                -- An early event has a row already, and keeps its position in the order of arrival.
                INSERT INTO onex.early_events AS e ({EarlyEventTable.Columns.Names()})
                SELECT {EarlyEventTable.Columns.Names("k")}
                FROM {_buffered.UnnestInOrder("k")}
                WHERE k.saga_id IN (SELECT id FROM written)
                ORDER BY k.place
                ON CONFLICT (message_id) DO UPDATE
                SET saga_id = excluded.saga_id, content = excluded.content, expires_at = excluded.expires_at
                WHERE e.saga_id IS NULL
            ), released AS (
                DELETE FROM onex.early_events e
                USING {_released.Unnest("r")}
                WHERE e.message_id = r.message_id AND (e.saga_id IS NULL OR e.saga_id = r.saga_id)
                  AND r.saga_id IN (SELECT id FROM written)
            ), items AS (
                INSERT INTO onex.saga_items AS o ({SagaItemTable.Columns.Names()})
                SELECT {SagaItemTable.Columns.Names("i")}
                FROM {_items.Unnest("i")}
                WHERE i.saga_id IN (SELECT id FROM written)
                ON CONFLICT (saga_id, step, visit, index) DO UPDATE
                SET status = excluded.status, command_id = excluded.command_id, code = excluded.code, message = excluded.message,
                    result = coalesce(excluded.result, o.result), undo = coalesce(excluded.undo, o.undo), updated_at = excluded.updated_at
            )
            """,
        Returned = "UNION ALL SELECT saga_id, message_id, NULL FROM duplicates",
    });

    // Finds the saga that has the request, the live business key or the id of a start that was not written.
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

    /// <summary>Locks rows in id order and returns id, version and last transition of each that exists.</summary>
    public static NpgsqlBatchCommand LockRows(Guid[] ids) =>
        new(Lock) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, ids) } };

    /// <summary>Returns id, source and hash of the saga that has a request.</summary>
    public static NpgsqlBatchCommand FindRequest(MessageId requestId) =>
        new(Request) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = requestId.Value } } };

    /// <summary>
    /// Returns for each start, by its place from 1: id, source and transition by request; id by business key; id by id; id by joined
    /// request; the hashes of the request, of the request that has the key, and of the joined request.
    /// </summary>
    public static NpgsqlBatchCommand FindConflicts(IReadOnlyList<CommitEntry.Start> starts) => new(Conflicts)
    {
        Parameters =
        {
            PostgresArray.Create(NpgsqlDbType.Uuid, starts, start => start.Row.Id.Value),
            PostgresArray.Create(NpgsqlDbType.Uuid, starts, start => start.Row.RequestId.Value),
            PostgresArray.Create(NpgsqlDbType.Text, starts, start => start.Row.Contract),
            PostgresArray.Create(NpgsqlDbType.Text, starts, start => start.Row.BusinessKey),
        },
    };

    /// <summary>
    /// Writes starts and transitions with all their rows, except dead letters. Returns the ids of the written sagas; of others, messages
    /// that they had processed before; and the sequence numbers of the written batches of the outbox.
    /// </summary>
    /// <param name="entries">The entries.</param>
    /// <param name="messages">Receives the messages of all entries, written or not, in the order in which they are stored.</param>
    public static NpgsqlBatchCommand WriteRows(IReadOnlyList<CommitEntry> entries, List<BatchedMessage> messages)
    {
        var sagas = new List<SagaToWrite>(entries.Count);
        var history = new List<TransitionRow>(entries.Count);
        var (batch, messagesInBatch, bytesInBatch) = (0, 0, 0);
        var payloads = new List<SagaPayload>();
        var seen = new List<SeenRow>();
        var buffered = new List<EarlyEvent>();
        var released = new List<ReleasedRow>();
        var items = new List<(SagaId SagaId, SagaItem Item)>();
        foreach (var entry in entries)
        {
            switch (entry)
            {
                case CommitEntry.Start start:
                    var input = start.Payloads.FirstOrDefault(
                        payload => payload is { Name: "input", Content.Utf8.Length: <= InputInRowMax });
                    Add(start.Row, 0, wasParked: false, start.History, start.Outgoing, start.Payloads, input);
                    break;
                case CommitEntry.Transition transition:
                    Add(
                        transition.Row, transition.ExpectedVersion, transition.WasParked, transition.History, transition.Outgoing,
                        transition.Payloads);
                    AddEvents(transition);
                    break;
            }

            foreach (var item in Merge(entry.Items))
            {
                items.Add((entry.SagaId, item));
            }
        }

        var isCommon = seen.Count + buffered.Count + released.Count + items.Count == 0
            && payloads.TrueForAll(payload => !payload.Name.Contains(':'));
        var command = new NpgsqlBatchCommand(isCommon ? _writeCommon : _writeAll);
        _sagas.AddTo(command.Parameters, sagas);
        _history.AddTo(command.Parameters, history);
        _messages.AddTo(command.Parameters, messages);
        _payloads.AddTo(command.Parameters, payloads);
        if (!isCommon)
        {
            _seen.AddTo(command.Parameters, seen);
            _buffered.AddTo(command.Parameters, buffered);
            _released.AddTo(command.Parameters, released);
            _items.AddTo(command.Parameters, items);
        }

        return command;

        void Add(
            SagaRow row,
            long expectedVersion,
            bool wasParked,
            IReadOnlyList<HistoryEntry> sagaHistory,
            IReadOnlyList<OutgoingMessage> sagaMessages,
            IReadOnlyList<SagaPayload> sagaPayloads,
            SagaPayload? input = null)
        {
            sagas.Add(new SagaToWrite(row, expectedVersion, wasParked, input?.Content));
            TransitionTable.AddRows(history, row.Id, sagaHistory);
            foreach (var message in sagaMessages)
            {
                if (bytesInBatch > OutboxSql.BytesMax || messagesInBatch == OutboxSql.MessagesMax)
                {
                    (batch, messagesInBatch, bytesInBatch) = (batch + 1, 0, 0);
                }

                messagesInBatch++;
                bytesInBatch += message.Value.Length;
                messages.Add(new BatchedMessage(new OutgoingRow(row.Id, row.HomePartition, message), batch));
            }

            foreach (var payload in sagaPayloads)
            {
                if (!ReferenceEquals(payload, input))
                {
                    payloads.Add(payload);
                }
            }
        }

        void AddEvents(CommitEntry.Transition transition)
        {
            var id = transition.Row.Id;
            foreach (var request in transition.JoinedRequests)
            {
                seen.Add(new SeenRow(id, request, MustBeNew: false));
            }

            foreach (var message in transition.SeenMessages)
            {
                seen.Add(new SeenRow(id, message, MustBeNew: true));
            }

            foreach (var message in transition.ReleasedEvents)
            {
                released.Add(new ReleasedRow(id, message));
            }

            foreach (var early in transition.EventsToBuffer())
            {
                buffered.Add(early with { SagaId = id });
            }
        }
    }

    /// <summary>Indexes the dead letters of the written entries, with a command each because they are rare.</summary>
    public static IEnumerable<NpgsqlBatchCommand> IndexDeadLetters(IReadOnlyList<CommitEntry> entries) =>
        from entry in entries
        let row = entry is CommitEntry.Transition transition ? transition.Row : (entry as CommitEntry.Start)?.Row
        where row is not null
        from deadLetter in entry.DeadLetters
        select PostgresDeadLetterIndex.AddOfTransition(deadLetter, row.Id, row.LastTransitionId);

    // "written" guards all other rows of an entry: they are written only for sagas whose version check or insertion succeeded in this
    // statement. The lock is a statement of its own before this one, because the snapshot must be taken after the wait for the lock. Plan:
    // unnest joined to pk_sagas by nested loop.
    private static string Write(OptionalParts parts) => $"""
        WITH given AS MATERIALIZED (
            SELECT * FROM {_sagas.Unnest("g")}
        ){parts.Duplicates}, updated AS (
            UPDATE onex.sagas s
            SET {SagaTable.Columns.Assignments("g")}
            FROM given g
            WHERE s.id = g.id AND g.expected_version > 0 AND s.version = g.expected_version {parts.IsNoDuplicate}
            RETURNING s.id
        ), inserted AS (
            INSERT INTO onex.sagas ({SagaTable.Columns.Names()}, input)
            SELECT {SagaTable.Columns.Names()}, input
            FROM given
            WHERE expected_version = 0 AND NOT EXISTS (SELECT FROM onex.inbox i WHERE i.message_id = given.request_id)
            ORDER BY contract, business_key, request_id
            ON CONFLICT DO NOTHING
            RETURNING id
        ), written AS MATERIALIZED (
            SELECT id FROM updated UNION ALL SELECT id FROM inserted
        ), history AS (
            INSERT INTO onex.saga_transitions ({TransitionTable.Columns.Names()})
            SELECT {TransitionTable.Columns.Names("h")}
            FROM {_history.Unnest("h")}
            WHERE h.saga_id IN (SELECT id FROM written)
        ), messages AS (
            INSERT INTO onex.outbox_batches ({OutboxSql.Names})
            SELECT {OutboxSql.Aggregates("o")}
            FROM (
                SELECT * FROM {_messages.UnnestInOrder("m")}
                WHERE m.saga_id IN (SELECT id FROM written)
                ORDER BY m.batch, m.place) o
            GROUP BY o.batch ORDER BY o.batch
            RETURNING seq
        ), payloads AS (
            -- Only one transition writes an input, output or response. ON CONFLICT would add a WAL record for each row.
            INSERT INTO onex.saga_payloads ({PayloadTable.Columns.Names()})
            SELECT {PayloadTable.Columns.Names("p")}
            FROM {_payloads.Unnest("p")}
            WHERE p.saga_id IN (SELECT id FROM written) AND p.name NOT LIKE '%:%'
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
        ), ended AS (
            DELETE FROM onex.early_events e
            USING given g
            WHERE e.saga_id = g.id AND g.ended_at IS NOT NULL AND g.id IN (SELECT id FROM written)
        ){parts.Rows}
        SELECT id, NULL::uuid, NULL::bigint FROM written
        {parts.Returned}
        UNION ALL SELECT NULL, NULL, seq FROM messages
        """;

    // A statement can write a row only once, so the changes that several transitions of a commit make to an item are merged.
    private static IEnumerable<SagaItem> Merge(IReadOnlyList<SagaItem> items) => items.Count < 2
        ? items
        : items
            .GroupBy(item => (item.Step, item.Visit, item.Index))
            .Select(same => same.Aggregate((earlier, later) => later with
            {
                Result = later.Result ?? earlier.Result,
                CompensationArguments = later.CompensationArguments ?? earlier.CompensationArguments,
            }));

    /// <summary>The parts of the statement that only some commits need.</summary>
    private readonly record struct OptionalParts(string Duplicates, string IsNoDuplicate, string Rows, string Returned);

    /// <summary>A saga's row and what its commit expects.</summary>
    private readonly record struct SagaToWrite(SagaRow Row, long ExpectedVersion, bool WasParked, RawJson? Input)
    {
        public static readonly Table<SagaToWrite> Columns = Create();

        private static Table<SagaToWrite> Create()
        {
            var table = new Table<SagaToWrite>();
            table.Include(SagaTable.Columns, row => row.Row);
            table.Bigint("expected_version", row => row.ExpectedVersion);
            table.Boolean("was_parked", row => row.WasParked);
            table.NullableExactJson("input", row => row.Input);
            return table;
        }
    }

    /// <summary>A message, and the number of its batch within the commit, from 0.</summary>
    internal readonly record struct BatchedMessage(OutgoingRow Row, int Batch)
    {
        public static readonly Table<BatchedMessage> Columns = Create();

        private static Table<BatchedMessage> Create()
        {
            var table = new Table<BatchedMessage>();
            table.Include(OutboxTable.Columns, row => row.Row);
            table.Integer("batch", row => row.Batch);
            return table;
        }
    }

    /// <summary>A message for the inbox, and whether it must be new there.</summary>
    private readonly record struct SeenRow(SagaId SagaId, SeenMessage Message, bool MustBeNew)
    {
        public static readonly Table<SeenRow> Columns = Create();

        private static Table<SeenRow> Create()
        {
            var table = new Table<SeenRow>();
            table.Include(InboxTable.Columns, row => (row.SagaId, row.Message));
            table.Boolean("must_be_new", row => row.MustBeNew);
            return table;
        }
    }

    /// <summary>An event whose row is deleted: see <see cref="CommitEntry.Transition.ReleasedEvents"/>.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct ReleasedRow(SagaId SagaId, MessageId MessageId)
    {
        public static readonly Table<ReleasedRow> Columns = Create();

        private static Table<ReleasedRow> Create()
        {
            var table = new Table<ReleasedRow>();
            table.Uuid("saga_id", row => row.SagaId.Value);
            table.Uuid("message_id", row => row.MessageId.Value);
            return table;
        }
    }
}
