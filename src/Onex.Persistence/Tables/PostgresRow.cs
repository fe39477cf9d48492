using Npgsql;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a PostgreSQL query.</summary>
internal readonly struct PostgresRow(NpgsqlDataReader reader) : IRowReader
{
    /// <inheritdoc />
    public bool IsNull(int ordinal) => reader.IsDBNull(ordinal);

    /// <inheritdoc />
    public Guid Uuid(int ordinal) => reader.GetGuid(ordinal);

    /// <inheritdoc />
    public string Text(int ordinal) => reader.GetString(ordinal);

    /// <inheritdoc />
    public int Integer(int ordinal) => reader.GetInt32(ordinal);

    /// <inheritdoc />
    public long Bigint(int ordinal) => reader.GetInt64(ordinal);

    /// <inheritdoc />
    public bool Boolean(int ordinal) => reader.GetBoolean(ordinal);

    /// <inheritdoc />
    public DateTimeOffset Time(int ordinal) => reader.GetFieldValue<DateTimeOffset>(ordinal);

    /// <inheritdoc />
    public byte[] Bytes(int ordinal) => reader.GetFieldValue<byte[]>(ordinal);

    /// <inheritdoc />
    public RawJson Json(int ordinal) => new(reader.GetFieldValue<byte[]>(ordinal));
}
