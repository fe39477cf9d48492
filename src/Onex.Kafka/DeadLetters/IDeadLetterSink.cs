using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.DeadLetters;

/// <summary>Indexes dead letters, and stores their records. The rider uses a service of this type if one is registered.</summary>
public interface IDeadLetterSink
{
    /// <summary>
    /// Stores a dead letter before the offset of its record may advance. The call is repeated after an exception, so the same dead letter
    /// may come again. If the record has a value and the dead letter has none, the value was too large for the topic: the sink stores it
    /// and returns the id of the stored value; otherwise it returns null.
    /// </summary>
    Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter deadLetter, CancellationToken cancellation);

    /// <summary>
    /// Finds the ids of the newest open dead letters of a topic's partitions, up to a limit. A record whose dead letter is stored may be
    /// read again after a crash; if it is handled then, its dead letter is closed.
    /// </summary>
    Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>The id of the record's dead letter. Trusts the header <see cref="HeaderNames.Redrive"/>, so the id may be wrong.</summary>
    Guid Id(ConsumedRecord record);

    /// <summary>
    /// The dead letter that a record was redriven from: the one that its header <see cref="HeaderNames.Redrive"/> names, if that has the
    /// topic, the value and the origin of this record, because clients can send the header too. Null for any other record.
    /// </summary>
    ValueTask<Guid?> FindRedrivenAsync(ConsumedRecord record, CancellationToken cancellation);

    /// <summary>
    /// Closes the open dead letter of a record, because the record was handled after all. Returns false if it is not open, or was reopened
    /// with another identity since.
    /// </summary>
    Task<bool> CloseAsync(ConsumedRecord record, CancellationToken cancellation);
}
