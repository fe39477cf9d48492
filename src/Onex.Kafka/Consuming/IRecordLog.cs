using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>
/// What the rider reads from: a Kafka cluster, or its twin in this process. Topics have partitions, records keep their order within one, and a
/// group's members share the partitions.
/// </summary>
internal interface IRecordLog
{
    /// <summary>Why it does not answer, or null.</summary>
    string? LastError { get; }

    /// <summary>Begins to look whether it answers; further calls do nothing.</summary>
    void Start();

    /// <summary>A member of the endpoint's group, which subscribes to its topics.</summary>
    ILogConsumer Join(EndpointAddress address, MembershipEvents events);

    /// <summary>The id of each topic, where it has them: it changes when a topic is made anew.</summary>
    Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation);
}

/// <summary>What a member is told, on the thread that consumes.</summary>
/// <param name="Assigned">These are its own now; the first call may name none.</param>
/// <param name="Revoked">These are taken away; what it stores before it returns still counts.</param>
/// <param name="Lost">These were taken away while it was silent.</param>
internal sealed record MembershipEvents(
    Action<List<TopicPartition>> Assigned, Action<ILogConsumer, List<TopicPartition>> Revoked, Action<List<TopicPartition>> Lost);

/// <summary>A member of a group. Used by one thread.</summary>
internal interface ILogConsumer : IDisposable
{
    /// <summary>The next record, or null if there is none within that time. Events are told in here.</summary>
    ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs);

    /// <summary>Gives nothing of what is assigned now, until it is resumed.</summary>
    void Pause();

    /// <summary>Goes on.</summary>
    void Resume();

    /// <summary>Where a restart begins to read.</summary>
    void StoreOffset(TopicPartitionOffset offset);

    /// <summary>Revokes, commits what is stored, and leaves the group.</summary>
    void Close();
}
