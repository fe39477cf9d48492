using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>Finds the sagas of events, and stores early events.</summary>
internal sealed class PostgresEarlyEvents(NpgsqlDataSource dataSource)
{
    // Plan: for each address pk_sagas, ux_sagas_live_business_key or ix_sagas_correlation_id, then ix_inbox_message_id and
    // ux_sagas_request_id, by nested loop. Ended sagas are searched (ix_sagas_business_key, ix_sagas_correlation_id) only if no
    // live one matches. The hash of zeros marks a request that started a saga: see EventTarget.SeenHash.
    private const string Targets = """
        SELECT a.place::integer, t.id, i.saga_id, i.request_hash, d.id
        FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS a(message_id, contract, correlation_id, saga_id, business_key, place)
        LEFT JOIN LATERAL (
            (SELECT s.id FROM onex.sagas s WHERE s.id = a.saga_id AND s.contract = a.contract AND s.ended_at IS NULL)
            UNION ALL
            (SELECT s.id FROM onex.sagas s
             WHERE a.saga_id IS NULL AND s.contract = a.contract AND s.business_key = a.business_key AND s.ended_at IS NULL)
            UNION ALL
            (SELECT s.id FROM onex.sagas s
             WHERE a.saga_id IS NULL AND a.business_key IS NULL
               AND s.correlation_id = a.correlation_id AND s.contract = a.contract AND s.ended_at IS NULL
             ORDER BY s.id LIMIT 2)
        ) t ON true
        LEFT JOIN LATERAL (
            SELECT n.saga_id, n.request_hash FROM onex.inbox n WHERE n.message_id = a.message_id
            UNION ALL
            SELECT s.id, '00000000-0000-0000-0000-000000000000' FROM onex.sagas s WHERE s.request_id = a.message_id
            LIMIT 1
        ) i ON true
        LEFT JOIN LATERAL (
            (SELECT s.id FROM onex.sagas s
             WHERE t.id IS NULL AND a.saga_id IS NULL
               AND s.contract = a.contract AND s.business_key = a.business_key AND s.ended_at IS NOT NULL
             ORDER BY s.ended_at DESC LIMIT 1)
            UNION ALL
            (SELECT s.id FROM onex.sagas s
             WHERE t.id IS NULL AND a.saga_id IS NULL AND a.business_key IS NULL
               AND s.correlation_id = a.correlation_id AND s.contract = a.contract AND s.ended_at IS NOT NULL
             ORDER BY s.ended_at DESC LIMIT 1)
        ) d ON true
        ORDER BY a.place, t.id
        """;

    // Two orchestrators that store events at once must not exceed the limit together.
    private const string Serialize = "SELECT pg_advisory_xact_lock(hashtext('onex.early_events'))";

    private static readonly RowParameters<EarlyEvent> _events = new(EarlyEventTable.Columns, first: 2);

    // Plan: pk_early_events, and once per name ix_early_events_address. A test checks it.
    private static readonly string _store = $"""
        INSERT INTO onex.early_events ({EarlyEventTable.Columns.Names()})
        SELECT {EarlyEventTable.Columns.Names("w")}
        FROM (
            SELECT k.*, max(CASE WHEN k.rank = 1 THEN (
                SELECT count(*) FROM onex.early_events e
                WHERE e.saga_id IS NULL AND e.contract = k.contract AND e.expires_at > clock_timestamp()
                    AND left(coalesce(e.business_key, e.correlation_id::text), 200) = left(k.name, 200)
                    AND coalesce(e.business_key, e.correlation_id::text) = k.name
            ) END) OVER (PARTITION BY k.contract, k.name) AS waiting
            FROM (
                SELECT g.*, n.name, row_number() OVER (PARTITION BY g.contract, n.name ORDER BY g.place) AS rank
                FROM {_events.UnnestInOrder("g")}
                CROSS JOIN LATERAL (SELECT coalesce(g.business_key, g.correlation_id::text) AS name) n
                WHERE NOT EXISTS (SELECT FROM onex.early_events e WHERE e.message_id = g.message_id)
            ) k
        ) w
        WHERE w.rank <= $1 - w.waiting
        ORDER BY w.place
        ON CONFLICT DO NOTHING
        """;

    private const string ReadStored = "SELECT message_id, request_hash FROM onex.early_events WHERE message_id = ANY($1)";

    // Finds ended sagas too: their events are declined. A saga that started after an event had expired does not get it.
    // Plan: ix_early_events_address, then ix_sagas_business_key or ix_sagas_correlation_id by nested loop.
    private static readonly string _due = $"""
        SELECT {EarlyEventTable.Columns.Names("e")}, coalesce(k.id, c.id)
        FROM onex.early_events e
        LEFT JOIN LATERAL (
            SELECT s.id FROM onex.sagas s
            WHERE s.contract = e.contract AND s.business_key = e.business_key AND s.started_at < e.expires_at
            ORDER BY s.ended_at DESC NULLS FIRST LIMIT 1
        ) k ON true
        LEFT JOIN LATERAL (
            SELECT s.id FROM onex.sagas s
            WHERE e.business_key IS NULL AND s.correlation_id = e.correlation_id AND s.contract = e.contract AND s.started_at < e.expires_at
            ORDER BY s.ended_at DESC NULLS FIRST, s.id LIMIT 1
        ) c ON true
        WHERE e.saga_id IS NULL AND e.message_id <> ALL($2)
          AND (k.id IS NOT NULL OR c.id IS NOT NULL OR e.expires_at <= clock_timestamp())
        ORDER BY e.seq LIMIT $1
        """;

    private const string Remove = "DELETE FROM onex.early_events WHERE message_id = ANY($1) AND saga_id IS NULL";

    public async Task<IReadOnlyList<EventTarget>> FindEventTargetsAsync(
        IReadOnlyList<EventAddress> addresses, CancellationToken cancellation)
    {
        var targets = new EventTarget[addresses.Count];
        Array.Fill(targets, new EventTarget([], null));
        if (targets.Length == 0)
        {
            return targets;
        }

        var command = new NpgsqlBatchCommand(Targets)
        {
            Parameters =
            {
                PostgresArray.Create(NpgsqlDbType.Uuid, addresses, address => address.MessageId.Value),
                PostgresArray.Create(NpgsqlDbType.Text, addresses, address => address.Contract),
                PostgresArray.Create(NpgsqlDbType.Uuid, addresses, address => address.CorrelationId),
                PostgresArray.Create(NpgsqlDbType.Uuid, addresses, address => address.SagaId?.Value),
                PostgresArray.Create(NpgsqlDbType.Text, addresses, address => address.BusinessKey),
            },
        };
        return await dataSource.RunAsync(
            [command],
            async reader =>
            {
                while (await reader.ReadAsync(cancellation))
                {
                    var index = reader.GetInt32(0) - 1;
                    var row = new PostgresRow(reader);
                    targets[index] = new EventTarget(
                        row.OptionalSagaId(1) is { } live ? [.. targets[index].Live, live] : [], row.OptionalSagaId(2))
                    {
                        SeenHash = row.OptionalUuid(3),
                        Ended = row.OptionalSagaId(4),
                    };
                }

                return targets;
            },
            cancellation);
    }

    public async Task<IReadOnlyDictionary<MessageId, Guid?>> StoreAsync(
        IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation)
    {
        EarlyEvent[] distinct = [.. events.DistinctBy(early => early.MessageId.Value)];
        if (distinct.Length == 0)
        {
            return new Dictionary<MessageId, Guid?>();
        }

        return await dataSource.RunAsync<IReadOnlyDictionary<MessageId, Guid?>>(
            [
                new NpgsqlBatchCommand(Serialize),
                Store(distinct, limit),
                new NpgsqlBatchCommand(ReadStored)
                {
                    Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, distinct, early => early.MessageId.Value) },
                },
            ],
            async reader =>
            {
                await reader.NextResultAsync(cancellation);
                var stored = new Dictionary<MessageId, Guid?>(distinct.Length);
                while (await reader.ReadAsync(cancellation))
                {
                    stored.Add(new MessageId(reader.GetGuid(0)), new PostgresRow(reader).OptionalUuid(1));
                }

                return stored;
            },
            cancellation);
    }

    public Task<IReadOnlyList<DueEvent>> DueAsync(
        IReadOnlyCollection<MessageId> except, int limit, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<DueEvent>>(
            [
                new NpgsqlBatchCommand(_due)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<int> { TypedValue = limit },
                        PostgresArray.Create(NpgsqlDbType.Uuid, [.. except.Select(id => id.Value)]),
                    },
                },
            ],
            async reader =>
            {
                var due = new List<DueEvent>();
                while (await reader.ReadAsync(cancellation))
                {
                    var row = new PostgresRow(reader);
                    due.Add(new DueEvent(EarlyEventTable.Read(row), row.OptionalSagaId(EarlyEventTable.Columns.Count)));
                }

                return due;
            },
            cancellation);

    public async Task RemoveAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation)
    {
        if (messageIds.Count > 0)
        {
            await dataSource.RunAsync(
                [
                    new NpgsqlBatchCommand(Remove)
                    {
                        Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, [.. messageIds.Select(id => id.Value)]) },
                    },
                ],
                _ => Task.FromResult(true),
                cancellation);
        }
    }

    internal static NpgsqlBatchCommand Store(EarlyEvent[] events, int limit)
    {
        var command = new NpgsqlBatchCommand(_store) { Parameters = { new NpgsqlParameter<int> { TypedValue = limit } } };
        _events.AddTo(command.Parameters, events);
        return command;
    }

    /// <summary>Reads the events of a result that begins with the columns of <see cref="EarlyEventTable"/>.</summary>
    internal static async Task<List<EarlyEvent>> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var events = new List<EarlyEvent>();
        while (await reader.ReadAsync(cancellation))
        {
            events.Add(EarlyEventTable.Read(new PostgresRow(reader)));
        }

        return events;
    }
}
