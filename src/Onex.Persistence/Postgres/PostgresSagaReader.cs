using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>The queries of the saga store, and writes outside commits.</summary>
internal sealed class PostgresSagaReader(NpgsqlDataSource dataSource)
{
    // Plan: pk_sagas and ux_saga_payloads_saga_id_name by nested loop.
    private static readonly string _rows = $"""
        SELECT {SagaTable.Columns.Names("s")}, coalesce(s.input, p.content)
        FROM onex.sagas s LEFT JOIN onex.saga_payloads p ON s.input IS NULL AND p.saga_id = s.id AND p.name = 'input'
        WHERE s.id = ANY($1)
        """;

    private static readonly string _bufferedOfSagas =
        $"SELECT {EarlyEventTable.Columns.Names("e")} FROM onex.early_events e WHERE e.saga_id = ANY($1) ORDER BY e.seq";

    // Finds the batches by the ids of their sagas first, so that the values of other batches are not read.
    private static readonly string _messagesOfSagas = $"""
        WITH wanted AS MATERIALIZED (SELECT DISTINCT unnest($1) AS id), found AS MATERIALIZED (
            SELECT DISTINCT b.seq FROM onex.outbox_batches b CROSS JOIN LATERAL unnest(b.saga_ids) AS s(id) JOIN wanted USING (id))
        SELECT {OutboxTable.Columns.Names("o")}, o.batch, o.place::integer
        FROM {OutboxSql.Unsent("b.seq IN (SELECT seq FROM found)")}
        WHERE o.saga_id IN (SELECT id FROM wanted)
        ORDER BY o.batch, o.place
        """;

    private static readonly string _messagesOfPartitions = Bounded(OutboxSql.Unsent("true"), "WHERE o.home_partition = ANY($1)");

    // Plan: pk_outbox_batches from the batch of the message after which it begins.
    private static readonly string _messagesOfAge = Bounded(
        OutboxSql.Unsent($"b.created_at < clock_timestamp() - $1 AND b.seq >= $4 >> {OutboxSql.PlaceBits}"),
        $"WHERE (o.batch << {OutboxSql.PlaceBits}) + o.place > $4");

    // Plan: ix_sagas_live_home_partition, which contains no parked saga, and ix_timers_home_partition_due_at. A test checks it.
    internal const string Wakeups = """
        SELECT id, home_partition, next_wakeup_at FROM onex.sagas
        WHERE home_partition = ANY($1) AND ended_at IS NULL AND NOT parked AND next_wakeup_at < $2
        UNION ALL
        SELECT saga_id, home_partition, due_at FROM onex.timers WHERE home_partition = ANY($1) AND due_at < $2
        ORDER BY 3
        """;

    // Plan: ix_sagas_live_contract_hash. In pages in id order, it would read the ended sagas in between. A test checks it.
    internal const string Live = "SELECT id FROM onex.sagas WHERE ended_at IS NULL";

    private static readonly string _payloads = $"SELECT {PayloadTable.Columns.Names()} FROM onex.saga_payloads WHERE id = ANY($1)";

    private static readonly RowParameters<SagaPayload> _payloadRows = new(PayloadTable.Columns, first: 1);

    private static readonly string _insertPayloads = $"""
        INSERT INTO onex.saga_payloads ({PayloadTable.Columns.Names()})
        SELECT {PayloadTable.Columns.Names("p")} FROM {_payloadRows.Unnest("p")} ORDER BY p.id ON CONFLICT DO NOTHING
        """;

    /// <summary>The places of the messages that this process committed or read.</summary>
    public OutboxPlaces Places { get; } = new();

    public async Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(
        IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation)
    {
        if (ids.Count == 0)
        {
            return new Dictionary<SagaId, LoadedSaga>();
        }

        Guid[] wanted = [.. ids.Select(id => id.Value)];

        // Rows first: messages of a later transition do no harm, but if messages were read first, those of the row could be missing.
        return await dataSource.RunAsync<IReadOnlyDictionary<SagaId, LoadedSaga>>(
            [
                new NpgsqlBatchCommand(_rows) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, wanted) } },
                new NpgsqlBatchCommand(_messagesOfSagas) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, wanted) } },
                new NpgsqlBatchCommand(_bufferedOfSagas) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, wanted) } },
            ],
            async reader =>
            {
                var loaded = new Dictionary<SagaId, LoadedSaga>(wanted.Length);
                while (await reader.ReadAsync(cancellation))
                {
                    var columns = new PostgresRow(reader);
                    var row = SagaTable.Read(columns);
                    var input = columns.JsonOrNull(SagaTable.Columns.Count);
                    if (limit is not null && !limit.TryAdd(row.Data, row.Progress, input))
                    {
                        break;
                    }

                    loaded[row.Id] = new LoadedSaga(row, input, []);
                }

                await reader.NextResultAsync(cancellation);
                var messages = await ReadMessagesAsync(reader, loaded.ContainsKey, cancellation);
                foreach (var unsent in messages.GroupBy(message => message.SagaId))
                {
                    loaded[unsent.Key] = loaded[unsent.Key] with { Unsent = [.. unsent.Select(message => message.Message)] };
                }

                await reader.NextResultAsync(cancellation);
                foreach (var buffered in (await PostgresEarlyEvents.ReadAsync(reader, cancellation)).GroupBy(early => early.SagaId))
                {
                    if (buffered.Key is { } id && loaded.TryGetValue(id, out var saga))
                    {
                        loaded[id] = saga with { BufferedEvents = [.. buffered] };
                    }
                }

                return loaded;
            },
            cancellation);
    }

    public Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, long bytesMax, CancellationToken cancellation) =>
        dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(_messagesOfPartitions)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Integer, [.. partitions]),
                        new NpgsqlParameter<int> { TypedValue = limit },
                        new NpgsqlParameter<long> { TypedValue = bytesMax },
                    },
                },
            ],
            reader => ReadMessagesAsync(reader, cancellation),
            cancellation);

    public Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(
        TimeSpan age, long after, int limit, long bytesMax, CancellationToken cancellation) =>
        dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(_messagesOfAge)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<TimeSpan> { TypedValue = age },
                        new NpgsqlParameter<int> { TypedValue = limit },
                        new NpgsqlParameter<long> { TypedValue = bytesMax },
                        new NpgsqlParameter<long> { TypedValue = after },
                    },
                },
            ],
            reader => ReadMessagesAsync(reader, cancellation),
            cancellation);

    public Task<IReadOnlyList<Wakeup>> WakeupsAsync(
        IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<Wakeup>>(
            [
                new NpgsqlBatchCommand(Wakeups)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Integer, [.. partitions]),
                        new NpgsqlParameter<DateTime> { TypedValue = before.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                    },
                },
            ],
            async reader =>
            {
                var wakeups = new List<Wakeup>();
                while (await reader.ReadAsync(cancellation))
                {
                    wakeups.Add(new Wakeup(new SagaId(reader.GetGuid(0)), reader.GetInt32(1), reader.GetFieldValue<DateTimeOffset>(2)));
                }

                return wakeups;
            },
            cancellation);

    public Task<IReadOnlyList<SagaId>> LiveAsync(CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<SagaId>>(
            [new NpgsqlBatchCommand(Live)],
            async reader =>
            {
                var ids = new List<SagaId>();
                while (await reader.ReadAsync(cancellation))
                {
                    ids.Add(new SagaId(reader.GetGuid(0)));
                }

                return ids;
            },
            cancellation);

    public Task<DateTimeOffset> NowAsync(CancellationToken cancellation) =>
        dataSource.RunAsync(
            [new NpgsqlBatchCommand("SELECT clock_timestamp()")],
            async reader =>
            {
                await reader.ReadAsync(cancellation);
                return reader.GetFieldValue<DateTimeOffset>(0);
            },
            cancellation);

    public Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(
        IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyDictionary<Guid, SagaPayload>>(
            [new NpgsqlBatchCommand(_payloads) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, [.. ids]) } }],
            async reader =>
            {
                var payloads = new Dictionary<Guid, SagaPayload>(ids.Count);
                while (await reader.ReadAsync(cancellation))
                {
                    var payload = PayloadTable.Read(new PostgresRow(reader));
                    if (limit is not null && !limit.TryAdd(payload.Content))
                    {
                        break;
                    }

                    payloads[payload.Id] = payload;
                }

                return payloads;
            },
            cancellation);

    public async Task<bool> SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation)
    {
        var command = new NpgsqlBatchCommand(_insertPayloads);
        _payloadRows.AddTo(command.Parameters, [.. payloads]);
        return await dataSource.RunAsync([command], _ => Task.FromResult(true), cancellation);
    }

    // Limits messages by number and bytes; a later sweep finds the others.
    private static string Bounded(string unsent, string condition) => $"""
        SELECT {OutboxTable.Columns.Names()}, batch, place::integer FROM (
            SELECT *, sum(length(value)) OVER (ORDER BY batch, place) - length(value) AS before
            FROM (SELECT * FROM {unsent} {condition} ORDER BY batch, place LIMIT $2) found) counted
        WHERE before < $3 ORDER BY batch, place
        """;

    private Task<IReadOnlyList<UnsentMessage>> ReadMessagesAsync(NpgsqlDataReader reader, CancellationToken cancellation) =>
        ReadMessagesAsync(reader, _ => true, cancellation);

    private async Task<IReadOnlyList<UnsentMessage>> ReadMessagesAsync(
        NpgsqlDataReader reader, Func<SagaId, bool> isWanted, CancellationToken cancellation)
    {
        var messages = new List<UnsentMessage>();
        var places = new List<(MessageId, OutboxPlace)>();
        while (await reader.ReadAsync(cancellation))
        {
            if (isWanted(new SagaId(reader.GetGuid(OutboxTable.SagaId))))
            {
                var row = new PostgresRow(reader);
                var place = new OutboxPlace(row.Bigint(OutboxTable.Columns.Count), row.Integer(OutboxTable.Columns.Count + 1));
                messages.Add(OutboxTable.Read(row, place.Seq));
                places.Add((messages[^1].Message.MessageId, place));
            }
        }

        Places.AddRead(places);
        return messages;
    }
}
