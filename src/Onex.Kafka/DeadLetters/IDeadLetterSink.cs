using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;

namespace Onex.Kafka.DeadLetters;

/// <summary>Where dead letters are indexed, and kept if they are too large for the topic. Optional: a service of this type is used if there is one.</summary>
public interface IDeadLetterSink
{
    /// <summary>
    /// Told of every dead letter before its record is settled; may be told of one more than once. A letter whose message has no value (and
    /// whose record has one) was too large for the topic: then the record's value must be kept, and the answer is the id under which.
    /// Throwing means that it must be told again.
    /// </summary>
    Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter letter, CancellationToken cancellation);
}
