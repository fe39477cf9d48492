using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Persistence.DeadLetters;

namespace Onex.Runtime.Running;

/// <summary>Tells the store's index of what went to a dead-letter topic, and keeps there what was too large for it.</summary>
internal sealed class DeadLetterIndexing(IDeadLetterIndex index) : IDeadLetterSink
{
    public async Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter letter, CancellationToken cancellation)
    {
        var tooLarge = letter.OriginalMessage.Value is null && record.Value is not null;
        var id = Id(record);
        await index.AddAsync(
            new DeadLetterRow(
                id, record.Topic, record.Partition, record.Offset, letter.FailureCode, letter.FailureReason, letter.CorrelationId,
                tooLarge ? record.Value : null, letter.FailureTimestamp),
            cancellation);
        return tooLarge ? id : null;
    }

    // The same whenever this record is given up; the topic's id tells a topic that was made anew.
    private static Guid Id(ConsumedRecord record)
    {
        var position = $"{record.Topic}\n{record.TopicId}\n{record.Partition}\n{record.Offset}";
        return new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(position)).AsSpan(0, 16), bigEndian: true);
    }
}
