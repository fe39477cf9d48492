using Npgsql;
using NpgsqlTypes;
using Onex.Persistence.Connecting;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.DeadLetters;

/// <summary>The index of dead letters in PostgreSQL.</summary>
public sealed class DeadLetterIndex(NpgsqlDataSource dataSource) : IDeadLetterIndex
{
    private const string Insert = """
        INSERT INTO onex.dead_letters AS l
            (id, topic, partition, record_offset, code, reason, correlation_id, value, at, key, headers, error_type, retry_count)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
        """;

    private const string Once = " ON CONFLICT DO NOTHING";

    // What an operator decided stays written; it is the latest decision until the next one.
    private const string Again = """

        ON CONFLICT (id) DO UPDATE
        SET status = 'open', code = excluded.code, reason = excluded.reason, error_type = excluded.error_type, retry_count = excluded.retry_count, at = excluded.at
        WHERE l.status = 'redriven'
        """;

    // In the transaction of the saga's commit, after it: the row is ours to the end of it, so its last transition tells whether it was written.
    private const string InsertOfTransition =
        $"{Insert} WHERE EXISTS (SELECT FROM onex.sagas s WHERE s.id = $14 AND s.last_transition_id = $15)";

    // Plan: pk_dead_letters. The decision's own id makes a second run of it (a connection that was lost at the commit) find nothing to do.
    private const string Decide = """
        WITH decided AS (
            UPDATE onex.dead_letters
            SET status = $2, redrives = redrives + $3, decision_id = $4, decided_at = clock_timestamp(), decided_by = $5, decision_reason = $6
            WHERE id = $1 AND (status = 'open' OR $7) AND decision_id IS DISTINCT FROM $4
            RETURNING id
        )
        INSERT INTO onex.outbox (message_id, saga_id, home_partition, topic, partition, key, value, headers)
        SELECT $4, id, $8, $9, $10, $11, $12, $13 FROM decided WHERE $9 IS NOT NULL
        """;

    private const string One = $"SELECT {DeadLetterSql.Columns} FROM onex.dead_letters l WHERE l.id = $1";

    // Plan: a scan. Once per assignment, and letters are few and small, their values apart.
    private const string Open = """
        SELECT id FROM onex.dead_letters WHERE topic = $1 AND partition = ANY($2) AND status = 'open' ORDER BY record_offset DESC LIMIT $3
        """;

    private const string Close = """
        UPDATE onex.dead_letters
        SET status = 'discarded', decision_id = gen_random_uuid(), decided_at = clock_timestamp(), decided_by = $2, decision_reason = $3
        WHERE id = $1 AND status = 'open'
        """;

    // Plan: ux_sagas_request_id and ix_inbox_message_id.
    private const string HandledBy = """
        SELECT id FROM onex.sagas WHERE request_id = $1 UNION ALL SELECT saga_id FROM onex.inbox WHERE message_id = $1 LIMIT 1
        """;

    /// <inheritdoc />
    public Task<IReadOnlySet<Guid>> OpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlySet<Guid>>(
            [
                new NpgsqlBatchCommand(Open)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string> { TypedValue = topic },
                        CommitSql.Array(NpgsqlDbType.Integer, [.. partitions]),
                        new NpgsqlParameter<int> { TypedValue = IDeadLetterIndex.OpenMax },
                    },
                },
            ],
            async reader =>
            {
                var open = new HashSet<Guid>();
                while (await reader.ReadAsync(cancellation))
                {
                    open.Add(reader.GetGuid(0));
                }

                return open;
            },
            cancellation);

    /// <inheritdoc />
    public Task CloseAsync(Guid id, string reason, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(Close)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = id },
                    new NpgsqlParameter<string> { TypedValue = IDeadLetterIndex.Itself },
                    new NpgsqlParameter<string> { TypedValue = reason },
                },
            },
        ],
        _ => Task.FromResult(true),
        cancellation);

    /// <inheritdoc />
    public Task<Guid?> HandledByAsync(Guid requestId, CancellationToken cancellation) => dataSource.RunAsync(
        [new NpgsqlBatchCommand(HandledBy) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = requestId } } }],
        async reader => await reader.ReadAsync(cancellation) ? reader.GetGuid(0) : (Guid?)null,
        cancellation);

    /// <inheritdoc />
    public Task AddAsync(DeadLetterRow row, CancellationToken cancellation) =>
        dataSource.RunAsync([Filled(new NpgsqlBatchCommand(Insert + OnConflict(row)), row)], _ => Task.FromResult(true), cancellation);

    /// <inheritdoc />
    public Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation)
    {
        // Plan: ix_dead_letters_at backwards.
        var command = new NpgsqlBatchCommand();
        command.CommandText = DeadLetterSql.List(
            filter, "onex.dead_letters", command.Given, text => $"l.key LIKE {command.Given(ListParameters.Beginning(text))}");
        return dataSource.RunAsync(
            [command],
            async reader =>
            {
                var rows = new List<DeadLetterRow>();
                while (await reader.ReadAsync(cancellation))
                {
                    rows.Add(Read(reader));
                }

                return DeadLetterSql.Page(rows, filter);
            },
            cancellation);
    }

    /// <inheritdoc />
    public Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation) =>
        dataSource.RunAsync([Find(id)], reader => FirstAsync(reader, cancellation), cancellation);

    /// <inheritdoc />
    public Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(Decide)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = decision.LetterId },
                    new NpgsqlParameter<string> { TypedValue = decision.Status.ToText() },
                    new NpgsqlParameter<int> { TypedValue = decision.Message is null ? 0 : 1 },
                    new NpgsqlParameter<Guid> { TypedValue = decision.Id },
                    new NpgsqlParameter<string> { TypedValue = decision.By },
                    Optional(decision.Reason, NpgsqlDbType.Text),
                    new NpgsqlParameter<bool> { TypedValue = decision.Force },

                    // No partition's reader sends it when it is assigned one: its sender does, and the sweep of any main.
                    new NpgsqlParameter<int> { TypedValue = OutgoingMessage.NoHome },
                    Optional(decision.Message?.Topic, NpgsqlDbType.Text),
                    Optional(decision.Message?.Partition, NpgsqlDbType.Integer),
                    Optional(decision.Message?.Key, NpgsqlDbType.Text),
                    Optional(decision.Message?.Value.ToArray(), NpgsqlDbType.Bytea),
                    Optional(decision.Message?.Headers.ToString(), NpgsqlDbType.Jsonb),
                },
            },
            Find(decision.LetterId),
        ],
        reader => FirstAsync(reader, cancellation),
        cancellation);

    /// <summary>Adds an entry if the saga's latest transition is this one.</summary>
    internal static NpgsqlBatchCommand AddOfTransition(DeadLetterRow row, Guid sagaId, Guid transitionId)
    {
        var command = Filled(new NpgsqlBatchCommand(InsertOfTransition + OnConflict(row)), row);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = sagaId });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = transitionId });
        return command;
    }

    private static string OnConflict(DeadLetterRow row) => row.Reopens ? Again : Once;

    private static NpgsqlBatchCommand Filled(NpgsqlBatchCommand command, DeadLetterRow row)
    {
        command.Parameters.AddRange((NpgsqlParameter[])[
            new NpgsqlParameter<Guid> { TypedValue = row.Id },
            new NpgsqlParameter<string> { TypedValue = row.Topic },
            new NpgsqlParameter<int> { TypedValue = row.Partition },
            new NpgsqlParameter<long> { TypedValue = row.Offset },
            new NpgsqlParameter<string> { TypedValue = row.Code },
            new NpgsqlParameter<string> { TypedValue = DeadLetterSql.Storable(row.Reason) },
            Optional(row.CorrelationId, NpgsqlDbType.Uuid),
            Optional(row.Value, NpgsqlDbType.Bytea),
            new NpgsqlParameter<DateTime> { TypedValue = row.At.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
            Optional(row.Key is { } key ? DeadLetterSql.Storable(key) : null, NpgsqlDbType.Text),
            Optional(row.Headers?.ToString(), NpgsqlDbType.Jsonb),
            new NpgsqlParameter<string> { TypedValue = DeadLetterSql.Storable(row.ErrorType) },
            new NpgsqlParameter<int> { TypedValue = row.RetryCount },
        ]);
        return command;
    }

    private static NpgsqlParameter Optional(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static NpgsqlBatchCommand Find(Guid id) => new(One) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = id } } };

    private static async Task<DeadLetterRow?> FirstAsync(NpgsqlDataReader reader, CancellationToken cancellation) =>
        await reader.ReadAsync(cancellation) ? Read(reader) : null;

    private static DeadLetterRow Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0),
        reader.GetString(1),
        reader.GetInt32(2),
        reader.GetInt64(3),
        reader.GetString(4),
        reader.GetString(5),
        reader.IsDBNull(6) ? null : reader.GetGuid(6),
        reader.IsDBNull(17) ? null : reader.GetFieldValue<byte[]>(17),
        reader.GetFieldValue<DateTimeOffset>(7))
    {
        Key = PostgresRows.Text(reader, 8),
        ErrorType = reader.GetString(9),
        RetryCount = reader.GetInt32(10),
        Status = DeadLetterStatusText.Parse(reader.GetString(11)),
        Redrives = reader.GetInt32(12),
        DecisionId = reader.IsDBNull(13) ? null : reader.GetGuid(13),
        DecidedAt = reader.IsDBNull(14) ? null : reader.GetFieldValue<DateTimeOffset>(14),
        DecidedBy = PostgresRows.Text(reader, 15),
        DecisionReason = PostgresRows.Text(reader, 16),
        Headers = PostgresRows.Json(reader, 18),
    };
}
