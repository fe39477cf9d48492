using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>Partitions that are to be read from their beginning at their next assignment, whatever the group has committed.</summary>
internal sealed class FreshStarts
{
    private readonly Lock _lock = new();
    private readonly HashSet<(string Group, TopicPartition Partition)> _partitions = [];

    // Which partitions have begun since; their number may be another than before.
    private readonly Dictionary<(string Group, string Topic), HashSet<int>> _topics = [];

    /// <summary>This partition.</summary>
    public void Add(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            _partitions.Add((group, partition));
        }
    }

    /// <summary>Every partition of this topic.</summary>
    public void Add(string group, string topic)
    {
        lock (_lock)
        {
            _topics[(group, topic)] = [];
        }
    }

    /// <summary>Whether the partition is to be read from its beginning, once.</summary>
    public bool Take(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            var topic = _topics.TryGetValue((group, partition.Topic), out var begun) && begun.Add(partition.Partition.Value);
            return _partitions.Remove((group, partition)) || topic;
        }
    }
}
