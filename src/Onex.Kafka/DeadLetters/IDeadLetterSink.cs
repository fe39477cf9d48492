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

    /// <summary>
    /// Letters of a topic's partitions about which nobody has decided, at most the youngest of them. A letter is durable before its record's offset
    /// is, so that the record may be read again.
    /// </summary>
    Task<IReadOnlySet<Guid>> OpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>The id of a record's letter, whether it has one or not.</summary>
    Guid Id(ConsumedRecord record);

    /// <summary>The record of an open letter was handled after all: nothing is to be done about the letter any more.</summary>
    Task CloseAsync(ConsumedRecord record, CancellationToken cancellation);
}
