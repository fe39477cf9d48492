using System.Globalization;
using Microsoft.Data.Sqlite;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a SQLite query. SQLite stores ids, times and JSON as text.</summary>
internal readonly struct SqliteRow(SqliteDataReader reader) : IRowReader
{
    public bool IsNull(int ordinal) => reader.IsDBNull(ordinal);

    public Guid Uuid(int ordinal) => Guid.ParseExact(reader.GetString(ordinal), "D");

    public string Text(int ordinal) => reader.GetString(ordinal);

    public int Integer(int ordinal) => reader.GetInt32(ordinal);

    public long Bigint(int ordinal) => reader.GetInt64(ordinal);

    public bool Boolean(int ordinal) => reader.GetBoolean(ordinal);

    public DateTimeOffset Time(int ordinal) => DateTimeOffset.Parse(
        reader.GetString(ordinal), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    public byte[] Bytes(int ordinal) => reader.GetFieldValue<byte[]>(ordinal);

    public RawJson Json(int ordinal) => RawJson.FromText(reader.GetString(ordinal));
}
