using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.DeadLetters;

/// <summary>Reads what identifies a record from its position and headers.</summary>
internal static class RecordIdentity
{
    /// <summary>Derives an id that is the same whenever this record is read, and differs between purposes.</summary>
    public static Guid Derive(ConsumedRecord record, string purpose) =>
        Identity.OfRecord(purpose, record.Topic, record.TopicId, record.Partition, record.Offset);

    public static Guid? CorrelationId(ConsumedRecord record) =>
        Guid.TryParse(record.TextHeader(HeaderNames.CorrelationId), out var id) ? id : null;
}
