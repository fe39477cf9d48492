using Npgsql;
using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>How rows are read by hand-written queries: their columns, and what is made of them.</summary>
internal static class PostgresRows
{
    /// <summary>The columns of <c>onex.sagas s</c> that <see cref="ReadSaga"/> reads.</summary>
    public const string SagaColumns = """
        s.id, s.contract, s.contract_version, s.contract_hash, s.correlation_id, s.request_id, s.business_key, s.parent_id, s.source,
        s.state, s.status, s.data, s.progress, s.fault, s.reply_to, s.headers, s.waiters, s.home_partition, s.version,
        s.last_transition_id, s.started_at, s.updated_at, s.ended_at, s.next_wakeup_at, s.parked, s.request_hash
        """;

    /// <summary>How many they are.</summary>
    public const int SagaColumnCount = 26;

    /// <summary>The columns of <c>onex.early_events e</c> that <see cref="ReadEarly"/> reads.</summary>
    public const string EarlyColumns =
        "e.message_id, e.saga_id, e.contract, e.event, e.correlation_id, e.business_key, e.content, e.received_at, e.expires_at, e.request_hash";

    /// <summary>How many they are.</summary>
    public const int EarlyColumnCount = 10;

    public static SagaRow ReadSaga(NpgsqlDataReader reader) => new()
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
        Parked = reader.GetBoolean(24),
        RequestHash = reader.IsDBNull(25) ? null : reader.GetGuid(25),
    };

    public static EarlyEvent ReadEarly(NpgsqlDataReader reader) => new()
    {
        MessageId = reader.GetGuid(0),
        SagaId = reader.IsDBNull(1) ? null : reader.GetGuid(1),
        Contract = reader.GetString(2),
        Event = reader.GetString(3),
        CorrelationId = reader.GetGuid(4),
        BusinessKey = Text(reader, 5),
        Content = Json(reader, 6) ?? RawJson.Null,
        ReceivedAt = reader.GetFieldValue<DateTimeOffset>(7),
        ExpiresAt = reader.GetFieldValue<DateTimeOffset>(8),
        RequestHash = reader.IsDBNull(9) ? null : reader.GetGuid(9),
    };

    public static async Task<List<EarlyEvent>> ReadEarlyAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var events = new List<EarlyEvent>();
        while (await reader.ReadAsync(cancellation))
        {
            events.Add(ReadEarly(reader));
        }

        return events;
    }

    public static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static RawJson? Json(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new RawJson(reader.GetFieldValue<byte[]>(column));

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
}
