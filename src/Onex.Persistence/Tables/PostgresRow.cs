using Npgsql;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a PostgreSQL query.</summary>
internal readonly struct PostgresRow(NpgsqlDataReader reader) : IRowReader
{
    public bool IsNull(int ordinal) => reader.IsDBNull(ordinal);

    public Guid Uuid(int ordinal) => reader.GetGuid(ordinal);

    public string Text(int ordinal) => reader.GetString(ordinal);

    public int Integer(int ordinal) => reader.GetInt32(ordinal);

    public long Bigint(int ordinal) => reader.GetInt64(ordinal);

    public bool Boolean(int ordinal) => reader.GetBoolean(ordinal);

    public DateTimeOffset Time(int ordinal) => reader.GetFieldValue<DateTimeOffset>(ordinal);

    public byte[] Bytes(int ordinal) => reader.GetFieldValue<byte[]>(ordinal);

    public RawJson Json(int ordinal) => new(reader.GetFieldValue<byte[]>(ordinal));
}
