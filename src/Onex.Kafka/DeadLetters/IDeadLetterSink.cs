using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.DeadLetters;

/// <summary>
/// Indexes dead letters, and stores values that are too large for the dead-letter topic. Optional: the rider uses a service of this type if
/// one is registered.
/// </summary>
public interface IDeadLetterSink
{
    /// <summary>
    /// Stores a dead letter before the offset of its record may advance. The call is repeated after an exception, so the same dead letter
    /// may come again. If it has no value although its record has one, it was too large for the topic: the sink stores the record's value
    /// and returns the id of the stored value.
    /// </summary>
    Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter deadLetter, CancellationToken cancellation);

    /// <summary>
    /// Finds the ids of the newest open dead letters of a topic's partitions, up to a limit. A dead letter is durable before its record's
    /// offset, so the record may be read again.
    /// </summary>
    Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>The id that a dead letter of this record has.</summary>
    Guid Id(ConsumedRecord record);

    /// <summary>Closes the open dead letter of a record, because the record was handled after all.</summary>
    Task CloseAsync(ConsumedRecord record, CancellationToken cancellation);
}
