using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>
/// What the rider reads from: a Kafka cluster, or its twin in this process. Topics have partitions, records keep their order within one, and a
/// group's members share the partitions.
/// </summary>
public interface IRecordLog
{
    /// <summary>Why it does not answer, or null.</summary>
    string? LastError { get; }

    /// <summary>Begins to look whether it answers and whether these topics exist; each call adds topics.</summary>
    void Start(IReadOnlyCollection<string> topics);

    /// <summary>Which of these topics do not exist, as far as is known.</summary>
    IReadOnlyCollection<string> Missing(IReadOnlyCollection<string> topics);

    /// <summary>A member of the endpoint's group, which subscribes to its topics.</summary>
    ILogConsumer Join(EndpointAddress address, MembershipEvents events);

    /// <summary>The id of each topic, where it has them: it changes when a topic is made anew.</summary>
    Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation);
}

/// <summary>What a member is told, on the thread that consumes.</summary>
/// <param name="Assigned">These are its own now; the first call may name none.</param>
/// <param name="Revoked">These are taken away; what it stores before it returns still counts.</param>
/// <param name="Lost">These were taken away while it was silent.</param>
/// <param name="Missed">These records were deleted before the group had read them.</param>
public sealed record MembershipEvents(
    Action<ILogConsumer, List<TopicPartition>> Assigned,
    Action<ILogConsumer, List<TopicPartition>> Revoked,
    Action<List<TopicPartition>> Lost,
    Action<MissedRecords> Missed);

/// <summary>Offsets of records that were deleted before they were read.</summary>
/// <param name="Partition">Where they were.</param>
/// <param name="From">The offset from which the group would have read on.</param>
/// <param name="To">The first offset that is left.</param>
public readonly record struct MissedRecords(TopicPartition Partition, long From, long To)
{
    /// <summary>How many; control records of transactions count too.</summary>
    public long Count => To - From;
}

/// <summary>A member of a group. Used by one thread.</summary>
public interface ILogConsumer : IDisposable
{
    /// <summary>
    /// The next record, or that the end of a partition is reached, or null if there is neither within that time. Events are told in here.
    /// </summary>
    /// <exception cref="LogChangedException">
    /// The log is no longer the one that was read. Nothing of the other one has been given; the member is to be closed and to join again.
    /// </exception>
    ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs);

    /// <summary>The ids of the topics whose records this member is given; they stay the same while it lives.</summary>
    Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation);

    /// <summary>The offset behind the last record of a partition, as of the last answer to a fetch, or null before one. Asks nobody.</summary>
    long? EndOf(TopicPartition partition);

    /// <summary>Gives nothing of what is assigned now, until it is resumed.</summary>
    void Pause();

    /// <summary>Goes on.</summary>
    void Resume();

    /// <summary>Where a restart begins to read.</summary>
    void StoreOffset(TopicPartitionOffset offset);

    /// <summary>Revokes, commits what is stored, and leaves the group.</summary>
    void Close();
}

/// <summary>A log is no longer the one that was read: its topic was deleted and made again, or it ends before what was read.</summary>
public sealed class LogChangedException(string message) : Exception(message)
{
    /// <summary>With no text of its own.</summary>
    public LogChangedException()
        : this("The log is no longer the one that was read.")
    {
    }

    /// <summary>With a text and a cause.</summary>
    public LogChangedException(string message, Exception inner)
        : this($"{message} ({inner.Message})")
    {
    }
}
