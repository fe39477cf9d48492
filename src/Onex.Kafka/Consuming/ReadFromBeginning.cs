using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Partitions that are read from their beginning, because the offset that the group has committed belongs to a log that is gone. That lasts
/// until the group has another offset: a partition that is assigned again before one is committed must not be read from the old one.
/// </summary>
internal sealed class ReadFromBeginning
{
    private readonly Lock _lock = new();

    // With the committed offset of the old log, or null until it is known.
    private readonly Dictionary<(string Group, TopicPartition Partition), Offset?> _partitions = [];

    // The new topic may have another number of partitions, so those that are begun are remembered, not those to begin.
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

    /// <summary>Whether an assigned partition is read from its beginning.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="committed">The offset that the group has committed.</param>
    public bool Decide(string group, TopicPartition partition, Offset committed)
    {
        lock (_lock)
        {
            if (_begun.TryGetValue((group, partition.Topic), out var begun) && begun.Add(partition.Partition.Value))
            {
                _partitions[(group, partition)] = null;
            }

            if (!_partitions.TryGetValue((group, partition), out var old))
            {
                return false;
            }

            if (old is not null && old != committed)
            {
                _partitions.Remove((group, partition));
                return false;
            }

            _partitions[(group, partition)] = committed;
            return true;
        }
    }

    /// <summary>Notes that an offset is stored that was read from the beginning.</summary>
    public void End(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            _partitions.Remove((group, partition));
        }
    }
}
