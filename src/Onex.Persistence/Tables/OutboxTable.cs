using Onex.Contracts.Messages;
using Onex.Persistence.Outbox;

namespace Onex.Persistence.Tables;

/// <summary>A row of <c>outbox</c>.</summary>
/// <param name="SagaId">The saga that sends the message, or the dead letter that is redriven.</param>
/// <param name="HomePartition">The saga's home partition, or <see cref="OutgoingMessage.NoHome"/>.</param>
/// <param name="Message">The message.</param>
internal readonly record struct OutgoingRow(SagaId SagaId, int HomePartition, OutgoingMessage Message);

/// <summary>The columns of <c>outbox</c>.</summary>
internal static class OutboxTable
{
    public static readonly Table<OutgoingRow> Columns = new();

    public static readonly int MessageId = Columns.Uuid("message_id", row => row.Message.MessageId.Value);
    public static readonly int SagaId = Columns.Uuid("saga_id", row => row.SagaId.Value);
    public static readonly int HomePartition = Columns.Integer("home_partition", row => row.HomePartition);
    public static readonly int Topic = Columns.Text("topic", row => row.Message.Topic);
    public static readonly int Partition = Columns.OptionalInteger("partition", row => row.Message.Partition);
    public static readonly int Key = Columns.Text("key", row => row.Message.Key);
    public static readonly int Value = Columns.Bytes("value", row => row.Message.Value);
    public static readonly int Headers = Columns.ExactJson("headers", row => row.Message.Headers.ToJson());

    /// <summary>Reads a row that begins with these columns.</summary>
    public static UnsentMessage Read<TReader>(TReader row, long seq)
        where TReader : struct, IRowReader => new(new(row.Uuid(SagaId)), new OutgoingMessage
        {
            MessageId = new(row.Uuid(MessageId)),
            Topic = row.Text(Topic),
            Partition = row.OptionalInteger(Partition),
            Key = row.Text(Key),
            Value = row.Bytes(Value),
            Headers = MessageHeaders.Parse(row.JsonOrNull(Headers)),
        }, seq);
}
