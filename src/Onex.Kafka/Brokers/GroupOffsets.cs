using Confluent.Kafka;

namespace Onex.Kafka.Brokers;

/// <summary>Where a group continues in a partition.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Committed">The next offset that the group reads without a rewind.</param>
/// <param name="Offset">The next offset that it reads after the rewind; never above <paramref name="Committed"/>.</param>
/// <param name="IsCut">Whether records since the time may have been deleted, so that the group does not read all of them again.</param>
public sealed record RewoundPartition(string Topic, int Partition, long Committed, long Offset, bool IsCut);

/// <summary>Rewinds the offsets of a consumer group that has no members. Every request ends within ten seconds.</summary>
public sealed class GroupOffsets(KafkaSettings settings, TopicAdmin topics)
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Finds where the group must continue in order to read all records since a time again. Partitions that the group has not begun are
    /// left out, because it reads them from their beginning.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="names">The topics.</param>
    /// <param name="since">The time of the first record to read again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    public async Task<IReadOnlyList<RewoundPartition>> FindAsync(
        string group, IReadOnlyCollection<string> names, DateTimeOffset since, CancellationToken cancellation)
    {
        var counts = await topics.PartitionCountsAsync(names, cancellation);
        var partitions = counts
            .SelectMany(topic => Enumerable.Range(0, topic.Value).Select(partition => new TopicPartition(topic.Key, partition)))
            .ToList();
        return await WithConsumerAsync(group, consumer => Find(consumer, partitions, since), cancellation);
    }

    /// <summary>Commits the offsets from which the group reads again.</summary>
    /// <param name="group">The group.</param>
    /// <param name="rewound">What <see cref="FindAsync"/> has found.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    /// <exception cref="InvalidOperationException">The group has members.</exception>
    public Task RewindAsync(
        string group, IReadOnlyCollection<RewoundPartition> rewound, CancellationToken cancellation) => WithConsumerAsync(
        group,
        consumer =>
        {
            consumer.Commit(rewound.Select(partition => new TopicPartitionOffset(partition.Topic, partition.Partition, partition.Offset)));
            return true;
        },
        cancellation);

    private static List<RewoundPartition> Find(
        IConsumer<Ignore, Ignore> consumer, List<TopicPartition> partitions, DateTimeOffset since)
    {
        var time = new Timestamp(since);
        var firstSince = consumer
            .OffsetsForTimes(partitions.Select(partition => new TopicPartitionTimestamp(partition, time)), _timeout)
            .ToDictionary(offset => offset.TopicPartition, offset => offset.Offset);
        var rewound = new List<RewoundPartition>();
        foreach (var committed in consumer.Committed(partitions, _timeout).Where(committed => !committed.Offset.IsSpecial))
        {
            var found = firstSince[committed.TopicPartition];
            var low = consumer.QueryWatermarkOffsets(committed.TopicPartition, _timeout).Low.Value;
            var offset = found.IsSpecial ? committed.Offset.Value : Math.Min(found.Value, committed.Offset.Value);
            rewound.Add(new RewoundPartition(
                committed.Topic, committed.Partition.Value, committed.Offset.Value, offset, IsCut: low > 0 && offset <= low));
        }

        return rewound;
    }

    // The consumer does not join the group: the broker accepts offsets from a client outside the group only while it has no members.
    private async Task<T> WithConsumerAsync<T>(
        string group, Func<IConsumer<Ignore, Ignore>, T> work, CancellationToken cancellation)
    {
        var configuration = ClientSettings.For<ConsumerConfig>(settings);
        configuration.GroupId = group;
        configuration.EnableAutoCommit = false;
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(configuration).SetLogHandler((_, _) => { }).Build();
        try
        {
            return await Task.Run(
                () => RetriableErrors.RetryAsync(() => work(consumer), _timeout, TimeProvider.System, cancellation), cancellation);
        }
        catch (KafkaException e) when (e.Error.Code
            is ErrorCode.UnknownMemberId or ErrorCode.IllegalGeneration or ErrorCode.RebalanceInProgress or ErrorCode.FencedInstanceId)
        {
            throw new InvalidOperationException(
                $"The group '{group}' has members: stop every process of the role. One that was killed is a member for "
                + $"{settings.SessionTimeout.TotalSeconds:0} s more (KAFKA_SESSION_TIMEOUT).",
                e);
        }
        catch (KafkaException e) when (e.Error.IsLocalError || RetriableErrors.Contains(e))
        {
            throw new BrokerUnavailableException($"No broker answers at {settings.BootstrapServers}: {e.Error.Reason}.", e);
        }
    }
}
