using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Connecting;

namespace Onex.Persistence.Sagas;

/// <summary>The queries of the saga store, and the writes that belong to no commit.</summary>
internal sealed class PostgresReader(NpgsqlDataSource dataSource)
{
    // Plan: pk_sagas and ux_saga_payloads_saga_id_name by nested loop.
    private const string Rows = """
        SELECT s.id, s.contract, s.contract_version, s.contract_hash, s.correlation_id, s.request_id, s.business_key, s.parent_id, s.source,
               s.state, s.status, s.data, s.progress, s.fault, s.reply_to, s.headers, s.waiters, s.home_partition, s.version,
               s.last_transition_id, s.started_at, s.updated_at, s.ended_at, s.next_wakeup_at, p.content
        FROM onex.sagas s LEFT JOIN onex.saga_payloads p ON p.saga_id = s.id AND p.name = 'input'
        WHERE s.id = ANY($1)
        """;

    private const string MessageColumns = "saga_id, message_id, topic, partition, key, value, headers";

    private const string MessagesOfSagas = $"SELECT {MessageColumns} FROM onex.outbox WHERE saga_id = ANY($1) ORDER BY seq";

    private const string MessagesOfPartitions =
        $"SELECT {MessageColumns} FROM onex.outbox WHERE home_partition = ANY($1) ORDER BY seq LIMIT $2";

    private const string MessagesOfAge =
        $"SELECT {MessageColumns} FROM onex.outbox WHERE created_at < clock_timestamp() - $1 ORDER BY seq LIMIT $2";

    // Plan: ix_sagas_live_home_partition.
    private const string Wakeups = """
        SELECT id, home_partition, next_wakeup_at FROM onex.sagas
        WHERE home_partition = ANY($1) AND ended_at IS NULL AND next_wakeup_at < $2
        ORDER BY next_wakeup_at
        """;

    private const string Payloads = "SELECT id, saga_id, name, content FROM onex.saga_payloads WHERE id = ANY($1)";

    private const string InsertPayloads = """
        INSERT INTO onex.saga_payloads (id, saga_id, name, content) SELECT * FROM unnest($1, $2, $3, $4) ORDER BY 1 ON CONFLICT DO NOTHING
        """;

    public async Task<IReadOnlyDictionary<Guid, LoadedSaga>> LoadAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation)
    {
        if (ids.Count == 0)
        {
            return new Dictionary<Guid, LoadedSaga>();
        }

        Guid[] wanted = [.. ids];

        // The rows first: messages of a later transition among the unsent do no harm, the other way round some would be missing.
        return await dataSource.RunAsync<IReadOnlyDictionary<Guid, LoadedSaga>>(
            [
                new NpgsqlBatchCommand(Rows) { Parameters = { CommitSql.Array(NpgsqlDbType.Uuid, wanted) } },
                new NpgsqlBatchCommand(MessagesOfSagas) { Parameters = { CommitSql.Array(NpgsqlDbType.Uuid, wanted) } },
            ],
            async reader =>
            {
                var loaded = new Dictionary<Guid, LoadedSaga>(wanted.Length);
                while (await reader.ReadAsync(cancellation))
                {
                    var row = ReadRow(reader);
                    loaded[row.Id] = new LoadedSaga(row, Json(reader, 24) ?? RawJson.Null, []);
                }

                await reader.NextResultAsync(cancellation);
                foreach (var unsent in (await ReadMessagesAsync(reader, cancellation)).GroupBy(message => message.SagaId))
                {
                    if (loaded.TryGetValue(unsent.Key, out var saga))
                    {
                        loaded[unsent.Key] = saga with { Unsent = [.. unsent.Select(message => message.Message)] };
                    }
                }

                return loaded;
            },
            cancellation);
    }

    public Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, CancellationToken cancellation) =>
        dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(MessagesOfPartitions)
                {
                    Parameters = { CommitSql.Array(NpgsqlDbType.Integer, [.. partitions]), new NpgsqlParameter<int> { TypedValue = limit } },
                },
            ],
            reader => ReadMessagesAsync(reader, cancellation),
            cancellation);

    public Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(TimeSpan age, int limit, CancellationToken cancellation) =>
        dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(MessagesOfAge)
                {
                    Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = age }, new NpgsqlParameter<int> { TypedValue = limit } },
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
                        CommitSql.Array(NpgsqlDbType.Integer, [.. partitions]),
                        new NpgsqlParameter<DateTime> { TypedValue = before.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                    },
                },
            ],
            async reader =>
            {
                var wakeups = new List<Wakeup>();
                while (await reader.ReadAsync(cancellation))
                {
                    wakeups.Add(new Wakeup(reader.GetGuid(0), reader.GetInt32(1), reader.GetFieldValue<DateTimeOffset>(2)));
                }

                return wakeups;
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

    public Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyDictionary<Guid, SagaPayload>>(
            [new NpgsqlBatchCommand(Payloads) { Parameters = { CommitSql.Array(NpgsqlDbType.Uuid, [.. ids]) } }],
            async reader =>
            {
                var payloads = new Dictionary<Guid, SagaPayload>(ids.Count);
                while (await reader.ReadAsync(cancellation))
                {
                    var id = reader.GetGuid(0);
                    payloads[id] = new SagaPayload(id, reader.GetGuid(1), reader.GetString(2), Json(reader, 3) ?? RawJson.Null);
                }

                return payloads;
            },
            cancellation);

    public async Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation)
    {
        if (payloads.Count == 0)
        {
            return;
        }

        SagaPayload[] given = [.. payloads];
        await dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(InsertPayloads)
                {
                    Parameters =
                    {
                        CommitSql.Array(NpgsqlDbType.Uuid, CommitSql.Column(given, payload => payload.Id)),
                        CommitSql.Array(NpgsqlDbType.Uuid, CommitSql.Column(given, payload => payload.SagaId)),
                        CommitSql.Array(NpgsqlDbType.Text, CommitSql.Column(given, payload => payload.Name)),
                        CommitSql.Array(NpgsqlDbType.Json, CommitSql.Column(given, payload => CommitSql.Required(payload.Content))),
                    },
                },
            ],
            _ => Task.FromResult(true),
            cancellation);
    }

    private static async Task<IReadOnlyList<UnsentMessage>> ReadMessagesAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var messages = new List<UnsentMessage>();
        while (await reader.ReadAsync(cancellation))
        {
            messages.Add(new UnsentMessage(reader.GetGuid(0), new OutgoingMessage
            {
                MessageId = reader.GetGuid(1),
                Topic = reader.GetString(2),
                Partition = reader.IsDBNull(3) ? null : reader.GetInt32(3),
                Key = reader.GetString(4),
                Value = reader.GetFieldValue<byte[]>(5),
                Headers = Json(reader, 6) ?? RawJson.EmptyObject,
            }));
        }

        return messages;
    }

    private static SagaRow ReadRow(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0),
        Contract = reader.GetString(1),
        ContractVersion = reader.GetString(2),
        ContractHash = reader.GetString(3),
        CorrelationId = reader.GetGuid(4),
        RequestId = reader.GetGuid(5),
        BusinessKey = Text(reader, 6),
        ParentId = reader.IsDBNull(7) ? null : reader.GetGuid(7),
        Source = reader.GetString(8),
        State = reader.GetString(9),
        Status = SagaStatusText.Parse(reader.GetString(10)),
        Data = Json(reader, 11) ?? RawJson.Null,
        Progress = Json(reader, 12) ?? RawJson.Null,
        Fault = Json(reader, 13),
        ReplyTo = Text(reader, 14),
        Headers = Json(reader, 15),
        Waiters = Json(reader, 16),
        HomePartition = reader.GetInt32(17),
        Version = reader.GetInt64(18),
        LastTransitionId = reader.GetGuid(19),
        StartedAt = reader.GetFieldValue<DateTimeOffset>(20),
        UpdatedAt = reader.GetFieldValue<DateTimeOffset>(21),
        EndedAt = Time(reader, 22),
        NextWakeupAt = Time(reader, 23),
    };

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

    private static RawJson? Json(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new RawJson(reader.GetFieldValue<byte[]>(column));
}
