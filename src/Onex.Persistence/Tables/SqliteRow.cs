using System.Globalization;
using Microsoft.Data.Sqlite;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a SQLite query. SQLite stores ids, times and JSON as text.</summary>
internal readonly struct SqliteRow(SqliteDataReader reader) : IRowReader
{
    /// <inheritdoc />
    public bool IsNull(int ordinal) => reader.IsDBNull(ordinal);

    /// <inheritdoc />
    public Guid Uuid(int ordinal) => Guid.ParseExact(reader.GetString(ordinal), "D");

    /// <inheritdoc />
    public string Text(int ordinal) => reader.GetString(ordinal);

    /// <inheritdoc />
    public int Integer(int ordinal) => reader.GetInt32(ordinal);

    /// <inheritdoc />
    public long Bigint(int ordinal) => reader.GetInt64(ordinal);

    /// <inheritdoc />
    public bool Boolean(int ordinal) => reader.GetBoolean(ordinal);

    /// <inheritdoc />
    public DateTimeOffset Time(int ordinal) => DateTimeOffset.Parse(
        reader.GetString(ordinal), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    /// <inheritdoc />
    public byte[] Bytes(int ordinal) => reader.GetFieldValue<byte[]>(ordinal);

    /// <inheritdoc />
    public RawJson Json(int ordinal) => RawJson.FromText(reader.GetString(ordinal));
}
