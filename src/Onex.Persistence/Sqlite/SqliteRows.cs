using System.Globalization;
using Microsoft.Data.Sqlite;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Sqlite;

/// <summary>How rows are read: their columns, and what is made of them.</summary>
internal static class SqliteRows
{
    /// <summary>The columns of <c>sagas s</c> that <see cref="ReadSaga"/> reads.</summary>
    public const string SagaColumns = PostgresRows.SagaColumns;

    /// <summary>The columns of <c>early_events e</c> that <see cref="ReadEarly"/> reads.</summary>
    public const string EarlyColumns = PostgresRows.EarlyColumns;

    public static SagaRow ReadSaga(SqliteDataReader reader) => new()
    {
        Id = Id(reader, 0),
        Contract = reader.GetString(1),
        ContractVersion = reader.GetString(2),
        ContractHash = reader.GetString(3),
        CorrelationId = Id(reader, 4),
        RequestId = Id(reader, 5),
        BusinessKey = Text(reader, 6),
        ParentId = OptionalId(reader, 7),
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
        LastTransitionId = Id(reader, 19),
        StartedAt = Time(reader, 20),
        UpdatedAt = Time(reader, 21),
        EndedAt = OptionalTime(reader, 22),
        NextWakeupAt = OptionalTime(reader, 23),
        Parked = reader.GetBoolean(24),
        RequestHash = OptionalId(reader, 25),
    };

    public static EarlyEvent ReadEarly(SqliteDataReader reader) => new()
    {
        MessageId = Id(reader, 0),
        SagaId = OptionalId(reader, 1),
        Contract = reader.GetString(2),
        Event = reader.GetString(3),
        CorrelationId = Id(reader, 4),
        BusinessKey = Text(reader, 5),
        Content = Json(reader, 6) ?? RawJson.Null,
        ReceivedAt = Time(reader, 7),
        ExpiresAt = Time(reader, 8),
        RequestHash = OptionalId(reader, 9),
    };

    public static Guid Id(SqliteDataReader reader, int column) => Guid.ParseExact(reader.GetString(column), "D");

    public static Guid? OptionalId(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : Id(reader, column);

    public static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static DateTimeOffset Time(SqliteDataReader reader, int column) => DateTimeOffset.Parse(
        reader.GetString(column), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    public static RawJson? Json(SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : RawJson.FromText(reader.GetString(column));

    public static DateTimeOffset? OptionalTime(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : Time(reader, column);
}
