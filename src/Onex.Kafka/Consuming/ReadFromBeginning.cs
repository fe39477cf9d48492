using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Partitions that are read from their beginning, because the committed offset of the group belongs to a log that is gone. A partition
/// stays listed until the group has an offset of the new log: if it is assigned again before, it must not be read from the old offset.
/// </summary>
internal sealed class ReadFromBeginning
{
    private readonly Lock _lock = new();

    // With the committed offset of the old log, or null until it is known.
    private readonly Dictionary<(string Group, TopicPartition Partition), Offset?> _partitions = [];

    // Partitions of a recreated topic that are begun. Those to begin are unknown, because the new topic may have more or fewer of them.
    private readonly Dictionary<(string Group, string Topic), HashSet<int>> _begun = [];

    /// <summary>Adds one partition.</summary>
    public void Add(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            _partitions[(group, partition)] = null;
        }
    }

    /// <summary>Adds every partition of a topic.</summary>
    public void Add(string group, string topic)
    {
        lock (_lock)
        {
            _begun[(group, topic)] = [];
            foreach (var added in _partitions.Keys.Where(key => key.Group == group && key.Partition.Topic == topic).ToList())
            {
                _partitions.Remove(added);
            }
        }
    }

    /// <summary>Decides whether an assigned partition is read from its beginning.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="committed">The group's committed offset. If it differs from that of the first decision, it is of the new log.</param>
    public bool Decide(string group, TopicPartition partition, Offset committed)
    {
        lock (_lock)
        {
            if (_begun.TryGetValue((group, partition.Topic), out var begun) && begun.Add(partition.Partition.Value))
            {
                _partitions[(group, partition)] = null;
            }

            if (!_partitions.TryGetValue((group, partition), out var oldOffset))
            {
                return false;
            }

            if (oldOffset is not null && oldOffset != committed)
            {
                _partitions.Remove((group, partition));
                return false;
            }

            _partitions[(group, partition)] = committed;
            return true;
        }
    }

    /// <summary>Removes a partition, because an offset of its new log is stored.</summary>
    public void End(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            _partitions.Remove((group, partition));
        }
    }
}
