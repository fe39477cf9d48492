using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>Partitions that are read from their beginning at their next assignment, whatever offset the group has committed.</summary>
internal sealed class ReadFromBeginning
{
    private readonly Lock _lock = new();
    private readonly HashSet<(string Group, TopicPartition Partition)> _partitions = [];

    // The partitions that have been read from their beginning since. The new topic may have another number of partitions.
    private readonly Dictionary<(string Group, string Topic), HashSet<int>> _topics = [];

    /// <summary>Adds one partition.</summary>
    public void Add(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            _partitions.Add((group, partition));
        }
    }

    /// <summary>Adds every partition of a topic.</summary>
    public void Add(string group, string topic)
    {
        lock (_lock)
        {
            _topics[(group, topic)] = [];
        }
    }

    /// <summary>Whether the partition is read from its beginning. Removes it, so that the answer is yes once.</summary>
    public bool Take(string group, TopicPartition partition)
    {
        lock (_lock)
        {
            var topic = _topics.TryGetValue((group, partition.Topic), out var begun) && begun.Add(partition.Partition.Value);
            return _partitions.Remove((group, partition)) || topic;
        }
    }
}
