using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>Sagas in a SQLite file. A batch is one transaction, which is on disk when the commit returns.</summary>
internal sealed class SqliteSagaStore(SqliteDatabase database, TimeProvider time)
    : ISagaStore, IOutbox, IWakeups, IEarlyEvents, IPayloads
{
    private const string Wakeups = """
        SELECT id, home_partition, next_wakeup_at FROM sagas
        WHERE home_partition IN (SELECT value FROM json_each($1)) AND ended_at IS NULL AND NOT parked AND next_wakeup_at < $2
        UNION ALL
        SELECT saga_id, home_partition, due_at FROM timers WHERE home_partition IN (SELECT value FROM json_each($1)) AND due_at < $2
        ORDER BY 3
        """;

    private static readonly string _unsent = $"{OutboxTable.Columns.Names()}, seq";

    private static readonly string _items = $"""
        SELECT {SagaItemTable.Columns.Names()}
        FROM saga_items
        WHERE saga_id = $1 AND step = $2 AND "index" < $4 AND "index" >= $7 AND status IN (SELECT value FROM json_each($5))
            AND visit = coalesce($3, (SELECT max(l.visit) FROM saga_items l WHERE l.saga_id = $1 AND l.step = $2))
        """;

    // Plan: ix_early_events_address. A test checks it.
    internal const string CountEarly = """
        SELECT count(*) FROM early_events
        WHERE saga_id IS NULL AND contract = $1 AND coalesce(business_key, correlation_id) = coalesce($2, $3) AND expires_at > $4
        """;

    private static readonly string _due = $"""
        SELECT * FROM (
            SELECT {EarlyEventTable.Columns.Names("e")},
                CASE WHEN e.business_key IS NOT NULL
                    THEN (SELECT s.id FROM sagas s
                          WHERE s.contract = e.contract AND s.business_key = e.business_key AND s.started_at < e.expires_at
                          ORDER BY s.ended_at IS NOT NULL, s.ended_at DESC LIMIT 1)
                    ELSE (SELECT s.id FROM sagas s
                          WHERE s.correlation_id = e.correlation_id AND s.contract = e.contract AND s.started_at < e.expires_at
                          ORDER BY s.ended_at IS NOT NULL, s.ended_at DESC, s.id LIMIT 1)
                END AS started, e.seq
            FROM early_events e
            WHERE e.saga_id IS NULL AND e.message_id NOT IN (SELECT value FROM json_each($3))
        )
        WHERE started IS NOT NULL OR expires_at <= $1
        ORDER BY seq LIMIT $2
        """;

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(
        IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyDictionary<SagaId, LoadedSaga>>(
            session =>
            {
                var list = SqliteSession.List(ids);
                var unsent = session
                    .Query(
                        $"SELECT {_unsent} FROM outbox WHERE saga_id IN (SELECT value FROM json_each($1)) ORDER BY seq",
                        ReadUnsent,
                        list)
                    .ToLookup(message => message.SagaId, message => message.Message);
                var buffered = session
                    .Query(
                        $"""
                        SELECT {EarlyEventTable.Columns.Names("e")} FROM early_events e
                        WHERE e.saga_id IN (SELECT value FROM json_each($1)) ORDER BY e.seq
                        """,
                        EarlyEventTable.Read,
                        list)
                    .ToLookup(early => early.SagaId!.Value);
                return session
                    .QueryWhile(
                        $"""
                        SELECT {SagaTable.Columns.Names("s")}, p.content
                        FROM sagas s LEFT JOIN saga_payloads p ON p.saga_id = s.id AND p.name = 'input'
                        WHERE s.id IN (SELECT value FROM json_each($1))
                        """,
                        row => (Row: SagaTable.Read(row), Input: row.JsonOrNull(SagaTable.Columns.Count)),
                        found => limit is null || limit.TryAdd(found.Row.Data, found.Row.Progress, found.Input),
                        list)
                    .ToDictionary(
                        found => found.Row.Id,
                        found => new LoadedSaga(found.Row, found.Input, [.. unsent[found.Row.Id]])
                        {
                            BufferedEvents = [.. buffered[found.Row.Id]],
                        });
            },
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<CommitResult>> CommitAsync(CommitBatch batch, CancellationToken cancellation) =>
        database.WriteAsync(session => new SqliteCommit(session, time.GetUtcNow()).Run(batch), cancellation);

    /// <inheritdoc />
    public async Task DeleteAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation)
    {
        if (messageIds.Count > 0)
        {
            await CommitAsync(new CommitBatch([], messageIds), cancellation);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, long bytesMax, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<UnsentMessage>>(
            session => session.Query(
                Bounded("home_partition IN (SELECT value FROM json_each($1))"),
                ReadUnsent,
                SqliteSession.List(partitions),
                limit,
                bytesMax),
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(
        TimeSpan age, long after, int limit, long bytesMax, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<UnsentMessage>>(
            session => session.Query(
                Bounded("created_at <= $1 AND seq > $4"), ReadUnsent, time.GetUtcNow() - age, limit, bytesMax, after),
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<Wakeup>> WakeupsAsync(
        IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<Wakeup>>(
            session => session.Query(
                Wakeups,
                row => new Wakeup(new SagaId(row.Uuid(0)), row.Integer(1), row.Time(2)),
                SqliteSession.List(partitions),
                before),
            cancellation);

    /// <inheritdoc />
    public Task<CommitResult.DuplicateRequest?> FindRequestAsync(MessageId requestId, CancellationToken cancellation) =>
        database.ReadAsync(session => SqliteCommit.FindRequest(session, requestId), cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<EventTarget>> FindEventTargetsAsync(IReadOnlyList<EventAddress> addresses, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<EventTarget>>(
            session => [.. addresses.Select(address => FindTarget(session, address))], cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<MessageId, Guid?>> StoreEarlyAsync(
        IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation) =>
        database.WriteAsync<IReadOnlyDictionary<MessageId, Guid?>>(
            session =>
            {
                var stored = new Dictionary<MessageId, Guid?>(events.Count);
                var now = time.GetUtcNow();
                var commit = new SqliteCommit(session, now);
                foreach (var early in events)
                {
                    if (session.Query(
                            "SELECT request_hash FROM early_events WHERE message_id = $1", row => row.OptionalUuid(0), early.MessageId)
                        is [var hash])
                    {
                        stored[early.MessageId] = hash;
                    }
                    else if (session.Query(
                            CountEarly, row => row.Integer(0), early.Contract, early.BusinessKey, early.CorrelationId, now)[0] < limit)
                    {
                        commit.Store(early);
                        stored[early.MessageId] = early.RequestHash;
                    }
                }

                return stored;
            },
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<DueEvent>> DueEarlyAsync(
        IReadOnlyCollection<MessageId> except, int limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<DueEvent>>(
            session => session.Query(
                _due,
                row => new DueEvent(EarlyEventTable.Read(row), row.OptionalSagaId(EarlyEventTable.Columns.Count)),
                time.GetUtcNow(),
                limit,
                SqliteSession.List(except)),
            cancellation);

    /// <inheritdoc />
    public async Task RemoveEarlyAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation)
    {
        if (messageIds.Count > 0)
        {
            await database.WriteAsync(
                session => session.Execute(
                    "DELETE FROM early_events WHERE saga_id IS NULL AND message_id IN (SELECT value FROM json_each($1))",
                    SqliteSession.List(messageIds)),
                cancellation);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<SagaId>> LiveAsync(CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<SagaId>>(
            session => session.Query("SELECT id FROM sagas WHERE ended_at IS NULL", row => new SagaId(row.Uuid(0))), cancellation);

    /// <inheritdoc />
    public Task<DateTimeOffset> NowAsync(CancellationToken cancellation) =>

        // The database has the clock of the process. The empty read checks that the database can be used.
        database.ReadAsync(_ => time.GetUtcNow(), cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<IReadOnlyList<SagaItem>>> LoadItemsAsync(
        IReadOnlyList<SagaItemsQuery> queries, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<IReadOnlyList<SagaItem>>>(
            session => [.. queries.Select(query => LoadItems(session, query))], cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(
        IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyDictionary<Guid, SagaPayload>>(
            session => session
                .QueryWhile(
                    $"SELECT {PayloadTable.Columns.Names()} FROM saga_payloads WHERE id IN (SELECT value FROM json_each($1))",
                    PayloadTable.Read,
                    payload => limit is null || limit.TryAdd(payload.Content),
                    SqliteSession.List(ids))
                .ToDictionary(payload => payload.Id),
            cancellation);

    /// <inheritdoc />
    public async Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation)
    {
        if (payloads.Count > 0)
        {
            await database.WriteAsync(
                session =>
                {
                    var commit = new SqliteCommit(session, time.GetUtcNow());
                    foreach (var payload in payloads)
                    {
                        commit.Write(payload);
                    }

                    return true;
                },
                cancellation);
        }
    }

    private static List<SagaItem> LoadItems(SqliteSession session, SagaItemsQuery query) => session.Query(
        query.Descending ? $"{_items} ORDER BY \"index\" DESC LIMIT $6" : $"{_items} ORDER BY \"index\" LIMIT $6",
        SagaItemTable.Read,
        query.SagaId,
        query.Step,
        query.Visit,
        query.Below ?? int.MaxValue,
        $"[{string.Join(',', query.Statuses.Select(status => $"\"{status.ToText()}\""))}]",
        query.Limit,
        query.AtLeast);

    private static EventTarget FindTarget(SqliteSession session, EventAddress address)
    {
        const string Live = "SELECT id FROM sagas WHERE contract = $1 AND ended_at IS NULL";
        SagaId Read(SqliteRow row) => new(row.Uuid(0));
        var live = address switch
        {
            { SagaId: { } id } => session.Query($"{Live} AND id = $2", Read, address.Contract, id),
            { BusinessKey: { } key } => session.Query($"{Live} AND business_key = $2", Read, address.Contract, key),
            _ => session.Query($"{Live} AND correlation_id = $2 ORDER BY id LIMIT 2", Read, address.Contract, address.CorrelationId),
        };
        const string Ended = "SELECT id FROM sagas WHERE contract = $1 AND ended_at IS NOT NULL";
        const string LatestFirst = "ORDER BY ended_at DESC LIMIT 1";
        var ended = address switch
        {
            _ when live.Count > 0 => [],
            { SagaId: not null } => [],
            { BusinessKey: { } key } => session.Query($"{Ended} AND business_key = $2 {LatestFirst}", Read, address.Contract, key),
            _ => session.Query($"{Ended} AND correlation_id = $2 {LatestFirst}", Read, address.Contract, address.CorrelationId),
        };
        var seen = SqliteCommit.FindRequest(session, address.MessageId);
        return new EventTarget(live, seen?.SagaId)
        {
            SeenHash = seen is { Source.Length: > 0 } ? Guid.Empty : seen?.Hash,
            Ended = ended is [var last] ? last : null,
        };
    }

    private static UnsentMessage ReadUnsent(SqliteRow row) => OutboxTable.Read(row, row.Bigint(OutboxTable.Columns.Count));

    private static string Bounded(string condition) => $"""
        SELECT {_unsent} FROM (
            SELECT *, sum(length(value)) OVER (ORDER BY seq) - length(value) AS before
            FROM (SELECT * FROM outbox WHERE {condition} ORDER BY seq LIMIT $2))
        WHERE before < $3 ORDER BY seq
        """;
}
