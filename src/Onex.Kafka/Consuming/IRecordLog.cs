using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>
/// The log that the rider reads: a Kafka cluster, or the in-memory log of this process. Topics have partitions, records keep their order
/// within a partition, and the members of a group share the partitions.
/// </summary>
public interface IRecordLog
{
    /// <summary>Why it cannot be reached, or null.</summary>
    string? LastError { get; }

    /// <summary>Begins to check whether it can be reached and whether these topics exist; each call adds topics.</summary>
    void Start(IReadOnlyCollection<string> topics);

    /// <summary>Returns which of the topics are known not to exist.</summary>
    IReadOnlyCollection<string> FindMissing(IReadOnlyCollection<string> topics);

    /// <summary>Joins the endpoint's group and subscribes to its topics.</summary>
    ILogConsumer Join(EndpointAddress address, MembershipEvents events);

    /// <summary>The id of each topic, where the broker has ids. A topic that is deleted and created again has another id.</summary>
    Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation);
}

/// <summary>Callbacks of a group member, on the thread that consumes.</summary>
/// <param name="Assigned">Partitions were assigned, possibly none.</param>
/// <param name="Revoked">Partitions are being revoked; offsets stored before the callback returns are still committed.</param>
/// <param name="Lost">Partitions were lost: another member may have them already, so no offset can be stored.</param>
/// <param name="Missed">Records were deleted before the group had read them.</param>
public sealed record MembershipEvents(
    Action<ILogConsumer, List<TopicPartition>> Assigned,
    Action<ILogConsumer, List<TopicPartition>> Revoked,
    Action<List<TopicPartition>> Lost,
    Action<MissedRecords> Missed);

/// <summary>A range of records that were deleted before they were read.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="From">The next offset that the group would have read.</param>
/// <param name="To">The first offset that still exists.</param>
public readonly record struct MissedRecords(TopicPartition Partition, long From, long To)
{
    /// <summary>The number of offsets; those of control records and of records removed by compaction count too.</summary>
    public long Count => To - From;
}

/// <summary>A member of a group. Used by one thread, except for <see cref="TopicIdsAsync"/>.</summary>
public interface ILogConsumer : IDisposable
{
    /// <summary>
    /// Returns the next record or the end of a partition, or null if none comes within that time. Runs the callbacks.
    /// </summary>
    /// <exception cref="LogChangedException">
    /// The offset to read next is not in the log. No record after the gap was returned; the caller closes the member and joins again.
    /// </exception>
    ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs);

    /// <summary>The ids of the topics that this member reads; they do not change while it lives.</summary>
    Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation);

    /// <summary>The end of a partition as of the last fetch; null if unknown, as always in the in-memory log. Makes no request.</summary>
    long? EndOf(TopicPartition partition);

    /// <summary>Stops returning records of the partitions that are assigned at this moment.</summary>
    void Pause();

    /// <summary>Ends the pause.</summary>
    void Resume();

    /// <summary>Stores the offset where a restart begins to read.</summary>
    void StoreOffset(TopicPartitionOffset offset);

    /// <summary>Revokes all partitions, commits the stored offsets, and leaves the group.</summary>
    void Close();
}

/// <summary>
/// A log does not continue where it was read: its topic was deleted and created again, it was truncated, or unread records were deleted.
/// </summary>
public sealed class LogChangedException(string message) : Exception(message)
{
    /// <summary>With a general message.</summary>
    public LogChangedException()
        : this("The log was replaced by another one.")
    {
    }

    /// <summary>With a message and a cause.</summary>
    public LogChangedException(string message, Exception inner)
        : this($"{message} ({inner.Message})")
    {
    }
}
