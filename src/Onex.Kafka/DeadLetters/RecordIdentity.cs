using System.Text;
using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.DeadLetters;

/// <summary>Reads the identity of a record from its position and headers.</summary>
internal static class RecordIdentity
{
    /// <summary>Derives an id that is the same whenever this record is read, and differs between purposes.</summary>
    public static Guid Derive(ConsumedRecord record, string purpose) =>
        Identity.OfRecord(purpose, record.Topic, record.TopicId, record.Partition, record.Offset);

    /// <summary>The last header of the name as text, or null.</summary>
    public static string? Header(ConsumedRecord record, string name)
    {
        for (var i = record.Headers.Count - 1; i >= 0; i--)
        {
            if (record.Headers[i].Key == name && record.Headers[i].Value is { } value)
            {
                return Encoding.UTF8.GetString(value);
            }
        }

        return null;
    }

    public static Guid? CorrelationId(ConsumedRecord record) =>
        Guid.TryParse(Header(record, HeaderNames.CorrelationId), out var id) ? id : null;

    public static Guid MessageId(ConsumedRecord record) =>
        Guid.TryParse(Header(record, HeaderNames.MessageId), out var id) ? id : Derive(record, "message");
}
