using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>The index of dead letters in PostgreSQL.</summary>
public sealed class PostgresDeadLetterIndex(NpgsqlDataSource dataSource) : IDeadLetterIndex
{
    private static readonly RowParameters<DeadLetterRow> _entries = new(DeadLetterTable.Columns, first: 1);

    // Follows the seven parameters of _decide.
    private static readonly RowParameters<OutgoingRow> _message = new(OutboxTable.Columns, first: 8);

    private static readonly string _insert = $"""
        INSERT INTO onex.dead_letters AS l ({DeadLetterTable.Columns.Names()})
        SELECT {DeadLetterTable.Columns.Names("g")} FROM {_entries.Unnest("g")}
        """;

    // Runs after the saga's commit statement, in the same transaction, which has locked the saga's row. last_transition_id shows whether
    // the transition was written.
    private static readonly string _insertOfTransition = $"""
        {_insert}
        WHERE EXISTS (
            SELECT FROM onex.sagas s WHERE s.id = ${_entries.NextNumber} AND s.last_transition_id = ${_entries.NextNumber + 1})
        """;

    private static readonly string _insertOfEarly = $"""
        WITH gone AS (
            DELETE FROM onex.early_events
            WHERE message_id = ${_entries.NextNumber} AND received_at = ${_entries.NextNumber + 1} AND saga_id IS NULL
            RETURNING message_id
        )
        {_insert}
        WHERE EXISTS (SELECT FROM gone)
        """;

    // Plan: pk_dead_letters. The condition on decision_id makes a repetition after a lost connection harmless.
    private static readonly string _decide = $"""
        WITH decided AS (
            UPDATE onex.dead_letters
            SET status = $2, redrives = redrives + $3, decision_id = $4, decided_at = clock_timestamp(), decided_by = $5,
                decision_reason = $6
            WHERE id = $1 AND (status = 'open' OR $7) AND decision_id IS DISTINCT FROM $4
            RETURNING id
        )
        INSERT INTO onex.outbox_batches ({OutboxSql.Names})
        SELECT {OutboxSql.Aggregates("m")} FROM {_message.Unnest("m")} JOIN decided ON decided.id = m.saga_id HAVING count(*) > 0
        """;

    private static readonly string _byId = $"SELECT {DeadLetterTable.Columns.Names("l")} FROM onex.dead_letters l WHERE l.id = $1";

    // Plan: ix_dead_letters_open, then a sort. Runs once per assignment and topic.
    private const string OpenIds = """
        SELECT id FROM onex.dead_letters WHERE topic = $1 AND partition = ANY($2) AND status = 'open' ORDER BY record_offset DESC LIMIT $3
        """;

    private const string CloseUndelivered = $"""
        UPDATE onex.dead_letters
        SET status = 'discarded', decision_id = gen_random_uuid(), decided_at = clock_timestamp(), decided_by = $2, decision_reason = $3
        WHERE id = $1 AND status = 'open' AND code = '{ErrorCodes.DeliveryRefused}'
        """;

    // Rows of older versions have no origin.
    private const string Close = $"""
        UPDATE onex.dead_letters
        SET status = 'discarded', decision_id = gen_random_uuid(), decided_at = clock_timestamp(), decided_by = $2, decision_reason = $3
        WHERE id = $1 AND status = 'open' AND coalesce(headers ->> '{HeaderNames.Origin}', $4) = $4
        """;

    // Plan: ux_sagas_request_id and ix_inbox_message_id.
    private const string HandledBy = """
        SELECT id FROM onex.sagas WHERE request_id = $1 UNION ALL SELECT saga_id FROM onex.inbox WHERE message_id = $1 LIMIT 1
        """;

    /// <inheritdoc />
    public Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlySet<Guid>>(
            [
                new NpgsqlBatchCommand(OpenIds)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string> { TypedValue = topic },
                        PostgresArray.Create(NpgsqlDbType.Integer, [.. partitions]),
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
    public Task<bool> CloseAsync(Guid id, string origin, string reason, CancellationToken cancellation) =>
        CloseAsync(Close, id, reason, [origin], cancellation);

    /// <inheritdoc />
    public Task CloseUndeliveredAsync(Guid id, string reason, CancellationToken cancellation) =>
        CloseAsync(CloseUndelivered, id, reason, [], cancellation);

    /// <inheritdoc />
    public Task<SagaId?> HandledByAsync(MessageId requestId, CancellationToken cancellation) => dataSource.RunAsync(
        [new NpgsqlBatchCommand(HandledBy) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = requestId.Value } } }],
        async reader => await reader.ReadAsync(cancellation) ? new SagaId(reader.GetGuid(0)) : (SagaId?)null,
        cancellation);

    /// <inheritdoc />
    public Task AddAsync(DeadLetterRow row, CancellationToken cancellation) =>
        dataSource.RunAsync(
            [WithRow(new NpgsqlBatchCommand(_insert + DeadLetterSql.OnConflict(row)), row)], _ => Task.FromResult(true), cancellation);

    /// <inheritdoc />
    public Task ReplaceEarlyAsync(MessageId messageId, DateTimeOffset receivedAt, DeadLetterRow row, CancellationToken cancellation)
    {
        var command = WithRow(new NpgsqlBatchCommand(_insertOfEarly + DeadLetterSql.OnConflict(row)), row);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = messageId.Value });
        command.Parameters.Add(
            new NpgsqlParameter<DateTime> { TypedValue = receivedAt.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        return dataSource.RunAsync([command], _ => Task.FromResult(true), cancellation);
    }

    /// <inheritdoc />
    public Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation)
    {
        // Plan: ix_dead_letters_at backwards, then an incremental sort by id.
        var command = new NpgsqlBatchCommand();
        command.CommandText = DeadLetterSql.List(
            filter,
            "onex.dead_letters",
            command.AddParameter,
            text => $"l.key LIKE {command.AddParameter(ListParameters.PrefixPattern(text))}");
        return dataSource.RunAsync(
            [command],
            async reader =>
            {
                var rows = new List<DeadLetterRow>();
                while (await reader.ReadAsync(cancellation))
                {
                    rows.Add(DeadLetterTable.Read(new PostgresRow(reader)));
                }

                return DeadLetterSql.Page(rows, filter);
            },
            cancellation);
    }

    /// <inheritdoc />
    public Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation) =>
        dataSource.RunAsync([Find(id)], reader => FirstAsync(reader, cancellation), cancellation);

    /// <inheritdoc />
    public Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation)
    {
        var command = new NpgsqlBatchCommand(_decide)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = decision.DeadLetterId },
                new NpgsqlParameter<string> { TypedValue = decision.Status.ToText() },
                new NpgsqlParameter<int> { TypedValue = decision.Message is null ? 0 : 1 },
                new NpgsqlParameter<Guid> { TypedValue = decision.Id },
                new NpgsqlParameter<string> { TypedValue = decision.By },
                new NpgsqlParameter { Value = (object?)decision.Reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new NpgsqlParameter<bool> { TypedValue = decision.Force },
            },
        };

        // The message has no home partition, and as saga_id the dead letter's id. The caller sends it; if the caller dies, the sweep of any
        // orchestrator does.
        _message.AddTo(
            command.Parameters,
            decision.Message is { } message ? [new OutgoingRow(new SagaId(decision.DeadLetterId), OutgoingMessage.NoHome, message)] : []);
        return dataSource.RunAsync([command, Find(decision.DeadLetterId)], reader => FirstAsync(reader, cancellation), cancellation);
    }

    /// <summary>Adds an entry if the transition was written: then it is the saga's latest one.</summary>
    internal static NpgsqlBatchCommand AddOfTransition(DeadLetterRow row, SagaId sagaId, Guid transitionId)
    {
        var command = WithRow(new NpgsqlBatchCommand(_insertOfTransition + DeadLetterSql.OnConflict(row)), row);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = sagaId.Value });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = transitionId });
        return command;
    }

    private Task<bool> CloseAsync(string sql, Guid id, string reason, string[] texts, CancellationToken cancellation)
    {
        var command = new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = id } } };
        foreach (var text in (string[])[IDeadLetterIndex.SystemUser, reason, .. texts])
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
        }

        return dataSource.RunAsync([command], reader => Task.FromResult(reader.RecordsAffected > 0), cancellation);
    }

    private static NpgsqlBatchCommand WithRow(NpgsqlBatchCommand command, DeadLetterRow row)
    {
        _entries.AddTo(command.Parameters, [row]);
        return command;
    }

    private static NpgsqlBatchCommand Find(Guid id) => new(_byId) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = id } } };

    private static async Task<DeadLetterRow?> FirstAsync(NpgsqlDataReader reader, CancellationToken cancellation) =>
        await reader.ReadAsync(cancellation) ? DeadLetterTable.Read(new PostgresRow(reader)) : null;
}
