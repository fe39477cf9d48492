using Npgsql;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a PostgreSQL query.</summary>
internal readonly struct PostgresRow(NpgsqlDataReader reader) : IRowReader
{
    /// <inheritdoc />
    public bool IsNull(int place) => reader.IsDBNull(place);

    /// <inheritdoc />
    public Guid Uuid(int place) => reader.GetGuid(place);

    /// <inheritdoc />
    public string Text(int place) => reader.GetString(place);

    /// <inheritdoc />
    public int Integer(int place) => reader.GetInt32(place);

    /// <inheritdoc />
    public long Bigint(int place) => reader.GetInt64(place);

    /// <inheritdoc />
    public bool Boolean(int place) => reader.GetBoolean(place);

    /// <inheritdoc />
    public DateTimeOffset Time(int place) => reader.GetFieldValue<DateTimeOffset>(place);

    /// <inheritdoc />
    public byte[] Bytes(int place) => reader.GetFieldValue<byte[]>(place);

    /// <inheritdoc />
    public RawJson Json(int place) => new(reader.GetFieldValue<byte[]>(place));
}
