using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a query in either store. Implemented by structures to avoid allocations.</summary>
internal interface IRowReader
{
    /// <summary>Whether the value is NULL.</summary>
    bool IsNull(int ordinal);

    /// <summary>A <c>uuid</c>.</summary>
    Guid Uuid(int ordinal);

    /// <summary>A <c>text</c>.</summary>
    string Text(int ordinal);

    /// <summary>An <c>integer</c>.</summary>
    int Integer(int ordinal);

    /// <summary>A <c>bigint</c>.</summary>
    long Bigint(int ordinal);

    /// <summary>A <c>boolean</c>.</summary>
    bool Boolean(int ordinal);

    /// <summary>A <c>timestamptz</c>.</summary>
    DateTimeOffset Time(int ordinal);

    /// <summary>Bytes.</summary>
    byte[] Bytes(int ordinal);

    /// <summary>A JSON value.</summary>
    RawJson Json(int ordinal);
}

/// <summary>Readers of nullable values.</summary>
internal static class RowReaderExtensions
{
    extension<TReader>(TReader reader)
        where TReader : struct, IRowReader
    {
        /// <summary>A <c>uuid</c>, or null.</summary>
        public Guid? OptionalUuid(int ordinal) => reader.IsNull(ordinal) ? null : reader.Uuid(ordinal);

        /// <summary>A saga's id, or null.</summary>
        public SagaId? OptionalSagaId(int ordinal) => reader.IsNull(ordinal) ? null : new SagaId(reader.Uuid(ordinal));

        /// <summary>A <c>text</c>, or null.</summary>
        public string? OptionalText(int ordinal) => reader.IsNull(ordinal) ? null : reader.Text(ordinal);

        /// <summary>An <c>integer</c>, or null.</summary>
        public int? OptionalInteger(int ordinal) => reader.IsNull(ordinal) ? null : reader.Integer(ordinal);

        /// <summary>A <c>timestamptz</c>, or null.</summary>
        public DateTimeOffset? OptionalTime(int ordinal) => reader.IsNull(ordinal) ? null : reader.Time(ordinal);

        /// <summary>Bytes, or null.</summary>
        public byte[]? OptionalBytes(int ordinal) => reader.IsNull(ordinal) ? null : reader.Bytes(ordinal);

        /// <summary>A JSON value, or null.</summary>
        public RawJson? OptionalJson(int ordinal) => reader.IsNull(ordinal) ? null : reader.Json(ordinal);

        /// <summary>A JSON value; JSON <c>null</c> for NULL.</summary>
        public RawJson JsonOrNull(int ordinal) => reader.IsNull(ordinal) ? RawJson.Null : reader.Json(ordinal);
    }
}
