using System.Globalization;
using Microsoft.Data.Sqlite;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a SQLite query. SQLite stores ids, times and JSON as text.</summary>
internal readonly struct SqliteRow(SqliteDataReader reader) : IRowReader
{
    /// <inheritdoc />
    public bool IsNull(int place) => reader.IsDBNull(place);

    /// <inheritdoc />
    public Guid Uuid(int place) => Guid.ParseExact(reader.GetString(place), "D");

    /// <inheritdoc />
    public string Text(int place) => reader.GetString(place);

    /// <inheritdoc />
    public int Integer(int place) => reader.GetInt32(place);

    /// <inheritdoc />
    public long Bigint(int place) => reader.GetInt64(place);

    /// <inheritdoc />
    public bool Boolean(int place) => reader.GetBoolean(place);

    /// <inheritdoc />
    public DateTimeOffset Time(int place) => DateTimeOffset.Parse(
        reader.GetString(place), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    /// <inheritdoc />
    public byte[] Bytes(int place) => reader.GetFieldValue<byte[]>(place);

    /// <inheritdoc />
    public RawJson Json(int place) => RawJson.FromText(reader.GetString(place));
}
