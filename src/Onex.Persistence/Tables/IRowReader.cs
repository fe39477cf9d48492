using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>The current row of a query in either store. Implemented by structures to avoid allocations.</summary>
internal interface IRowReader
{
    bool IsNull(int ordinal);

    Guid Uuid(int ordinal);

    string Text(int ordinal);

    int Integer(int ordinal);

    long Bigint(int ordinal);

    bool Boolean(int ordinal);

    DateTimeOffset Time(int ordinal);

    byte[] Bytes(int ordinal);

    RawJson Json(int ordinal);
}

/// <summary>Readers of nullable values.</summary>
internal static class RowReaderExtensions
{
    extension<TReader>(TReader reader)
        where TReader : struct, IRowReader
    {
        public Guid? OptionalUuid(int ordinal) => reader.IsNull(ordinal) ? null : reader.Uuid(ordinal);

        public SagaId? OptionalSagaId(int ordinal) => reader.IsNull(ordinal) ? null : new SagaId(reader.Uuid(ordinal));

        public string? OptionalText(int ordinal) => reader.IsNull(ordinal) ? null : reader.Text(ordinal);

        public int? OptionalInteger(int ordinal) => reader.IsNull(ordinal) ? null : reader.Integer(ordinal);

        public DateTimeOffset? OptionalTime(int ordinal) => reader.IsNull(ordinal) ? null : reader.Time(ordinal);

        public byte[]? OptionalBytes(int ordinal) => reader.IsNull(ordinal) ? null : reader.Bytes(ordinal);

        public RawJson? OptionalJson(int ordinal) => reader.IsNull(ordinal) ? null : reader.Json(ordinal);

        /// <summary>A JSON value; JSON <c>null</c> for NULL.</summary>
        public RawJson JsonOrNull(int ordinal) => reader.IsNull(ordinal) ? RawJson.Null : reader.Json(ordinal);
    }
}
