using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a query in either store. Implemented by structures to avoid allocations.</summary>
internal interface IRowReader
{
    /// <summary>Whether the value is NULL.</summary>
    bool IsNull(int place);

    /// <summary>A <c>uuid</c>.</summary>
    Guid Uuid(int place);

    /// <summary>A <c>text</c>.</summary>
    string Text(int place);

    /// <summary>An <c>integer</c>.</summary>
    int Integer(int place);

    /// <summary>A <c>bigint</c>.</summary>
    long Bigint(int place);

    /// <summary>A <c>boolean</c>.</summary>
    bool Boolean(int place);

    /// <summary>A <c>timestamptz</c>.</summary>
    DateTimeOffset Time(int place);

    /// <summary>Bytes.</summary>
    byte[] Bytes(int place);

    /// <summary>A JSON value.</summary>
    RawJson Json(int place);
}

/// <summary>Readers of nullable values.</summary>
internal static class RowReaderExtensions
{
    extension<TReader>(TReader reader)
        where TReader : struct, IRowReader
    {
        /// <summary>A <c>uuid</c>, or null.</summary>
        public Guid? OptionalUuid(int place) => reader.IsNull(place) ? null : reader.Uuid(place);

        /// <summary>A saga's id, or null.</summary>
        public SagaId? OptionalSagaId(int place) => reader.IsNull(place) ? null : new SagaId(reader.Uuid(place));

        /// <summary>A <c>text</c>, or null.</summary>
        public string? OptionalText(int place) => reader.IsNull(place) ? null : reader.Text(place);

        /// <summary>An <c>integer</c>, or null.</summary>
        public int? OptionalInteger(int place) => reader.IsNull(place) ? null : reader.Integer(place);

        /// <summary>A <c>timestamptz</c>, or null.</summary>
        public DateTimeOffset? OptionalTime(int place) => reader.IsNull(place) ? null : reader.Time(place);

        /// <summary>Bytes, or null.</summary>
        public byte[]? OptionalBytes(int place) => reader.IsNull(place) ? null : reader.Bytes(place);

        /// <summary>A JSON value, or null.</summary>
        public RawJson? OptionalJson(int place) => reader.IsNull(place) ? null : reader.Json(place);

        /// <summary>A JSON value; JSON <c>null</c> for NULL.</summary>
        public RawJson JsonOrNull(int place) => reader.IsNull(place) ? RawJson.Null : reader.Json(place);
    }
}
