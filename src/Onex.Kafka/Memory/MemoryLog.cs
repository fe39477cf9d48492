using System.Collections.Concurrent;
using System.Text;
using Confluent.Kafka;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;

namespace Onex.Kafka.Memory;

/// <summary>
/// An in-memory log with the behaviour of a broker: topics with partitions, order within a partition, groups whose members share the
/// partitions by range, committed offsets. Records that every reading group has passed are deleted. Topics without one keep their last
/// records, so that people can look at them.
/// </summary>
internal sealed class MemoryLog : IRecordLog
{
    // The broker's own default (message.max.bytes).
    private const int RecordBytesMax = 1_048_588;

    private readonly object _gate = new();
    private readonly ConcurrentDictionary<string, MemoryTopic> _topics = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MemoryGroup> _groups = new(StringComparer.Ordinal);
    private readonly int _partitions;
    private readonly int _recordsKept;

    // Keeps the process from running out of memory. Each topic has its own bound, because the reader of one may have to write to another.
    private readonly long _heldBytesMax;

    /// <param name="topics">The topics; each also gets a dead-letter topic.</param>
    /// <param name="partitions">Partitions of each topic.</param>
    /// <param name="recordsKept">Records that a partition keeps if no group reads its topic.</param>
    /// <param name="heldBytesMax">
    /// Bytes of values that a topic holds. Above it, a topic that a group reads takes no more until its groups advance, and a topic that no
    /// group reads deletes its oldest records sooner.
    /// </param>
    public MemoryLog(IReadOnlyCollection<string> topics, int partitions, int recordsKept, long heldBytesMax = 64L << 20)
    {
        _recordsKept = recordsKept;
        _heldBytesMax = heldBytesMax;
        _partitions = partitions;
        Add(topics);
    }

    /// <summary>Adds topics and their dead-letter topics, unless they exist.</summary>
    public void Add(IReadOnlyCollection<string> topics)
    {
        foreach (var name in topics)
        {
            _topics.TryAdd(name, new MemoryTopic(name, _partitions));
            _topics.TryAdd(Topics.DeadLetterTopicOf(name), new MemoryTopic(Topics.DeadLetterTopicOf(name), 1));
        }
    }

    public string? LastError => null;

    public void Start(IReadOnlyCollection<string> topics)
    {
    }

    public IReadOnlyCollection<string> FindMissing(IReadOnlyCollection<string> topics) =>
        [.. topics.Where(topic => !_topics.ContainsKey(topic))];

    public ILogConsumer Join(EndpointAddress address, MembershipEvents events)
    {
        lock (_gate)
        {
            if (!_groups.TryGetValue(address.Group, out var group))
            {
                _groups[address.Group] = group = new MemoryGroup();
            }

            var member = new Member(this, group, address.Topics, events);
            group.Members.Add(member);
            foreach (var topic in address.Topics)
            {
                group.Topics.Add(topic);
            }

            group.Generation++;
            Monitor.PulseAll(_gate);
            return member;
        }
    }

    public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyDictionary<string, Guid>>(
            names.Where(_topics.ContainsKey).ToDictionary(name => name, name => _topics[name].Id, StringComparer.Ordinal));

    /// <summary>Appends a record and returns what a broker would report.</summary>
    public DeliveryReport Append(ProducedRecord record)
    {
        if (!_topics.TryGetValue(record.Topic, out var topic))
        {
            return new DeliveryReport(DeliveryStatus.Undeliverable, $"There is no topic '{record.Topic}'.");
        }

        if (record.Partition is { } requested && (requested < 0 || requested >= topic.Partitions.Length))
        {
            return new DeliveryReport(DeliveryStatus.Undeliverable, $"Topic '{record.Topic}' has no partition {requested}.");
        }

        var key = Encoding.UTF8.GetBytes(record.Key);
        if (key.Length + record.Value.Length > RecordBytesMax)
        {
            return new DeliveryReport(
                DeliveryStatus.Undeliverable,
                $"The record is too large (length in bytes: {key.Length + record.Value.Length}, allowed: {RecordBytesMax}).");
        }

        var message = new Message<byte[]?, byte[]?> { Key = key, Value = record.Value.ToArray(), Headers = [] };
        foreach (var (name, value) in record.Headers)
        {
            message.Headers.Add(name, Encoding.UTF8.GetBytes(value));
        }

        lock (_gate)
        {
            if (topic.HeldBytes > _heldBytesMax && IsRead(topic.Name))
            {
                return new DeliveryReport(
                    DeliveryStatus.Unavailable, $"Topic '{topic.Name}' is full: {topic.HeldBytes} bytes wait to be read.")
                {
                    IsUnwritten = true,
                };
            }

            var number = record.Partition ?? (int)(Hash(key) % (uint)topic.Partitions.Length);
            var partition = topic.Partitions[number];
            partition.Records.Enqueue(message);
            topic.HeldBytes += message.Value!.Length;
            if (!IsRead(topic.Name))
            {
                Drop(topic, partition, partition.Records.Count - _recordsKept);
                while (topic.HeldBytes > _heldBytesMax && partition.Records.Count > 1)
                {
                    Drop(topic, partition, 1);
                }
            }

            Monitor.PulseAll(_gate);
        }

        return new DeliveryReport(DeliveryStatus.Acknowledged, null);
    }

    /// <summary>The number of partitions of a topic, or null if there is no such topic.</summary>
    public int? Partitions(string topic) => _topics.TryGetValue(topic, out var found) ? found.Partitions.Length : null;

    /// <summary>The records that a topic still holds, oldest first within each partition.</summary>
    public IReadOnlyList<ConsumeResult<byte[]?, byte[]?>> Held(string topic)
    {
        lock (_gate)
        {
            return
            [
                .. _topics[topic].Partitions.SelectMany((partition, number) =>
                    partition.Records.Select((message, index) => Result(topic, number, partition.First + index, message))),
            ];
        }
    }

    /// <summary>The committed offset of a group, or null if it has committed none.</summary>
    public long? Committed(string group, TopicPartition at)
    {
        lock (_gate)
        {
            return _groups.TryGetValue(group, out var found) && found.Committed.TryGetValue(at, out var offset) ? offset : null;
        }
    }

    private bool IsRead(string topic) => _groups.Values.Any(group => group.Topics.Contains(topic));

    // Deletes the records that every group that reads the topic has passed.
    private void Trim(TopicPartition at)
    {
        var topic = _topics[at.Topic];
        var partition = topic.Partitions[at.Partition.Value];
        var passed = _groups.Values.Where(group => group.Topics.Contains(at.Topic)).Min(group => group.Committed.GetValueOrDefault(at));
        Drop(topic, partition, passed - partition.First);
    }

    private static void Drop(MemoryTopic topic, MemoryPartition partition, long count)
    {
        for (; count > 0; count--)
        {
            topic.HeldBytes -= partition.Records.Dequeue().Value!.Length;
            partition.First++;
        }
    }

    // FNV-1a. The partition of a key need not be the one that Kafka chooses.
    private static uint Hash(byte[] key)
    {
        var hash = 2166136261u;
        foreach (var octet in key)
        {
            hash = (hash ^ octet) * 16777619u;
        }

        return hash;
    }

    private static ConsumeResult<byte[]?, byte[]?> Result(
        string topic, int partition, long offset, Message<byte[]?, byte[]?> message) => new()
        {
            TopicPartitionOffset = new TopicPartitionOffset(topic, partition, offset),
            Message = message,
        };

    private sealed class MemoryTopic(string name, int partitions)
    {
        public string Name { get; } = name;

        public Guid Id { get; } = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());

        /// <summary>Bytes of the values in its partitions.</summary>
        public long HeldBytes { get; set; }

        public MemoryPartition[] Partitions { get; } = [.. Enumerable.Range(0, partitions).Select(_ => new MemoryPartition())];
    }

    private sealed class MemoryPartition
    {
        /// <summary>The offset of the first record.</summary>
        public long First { get; set; }

        public RecordQueue Records { get; } = new();
    }

    private sealed class MemoryGroup
    {
        /// <summary>Grows whenever a member joins or leaves.</summary>
        public long Generation { get; set; }

        public List<Member> Members { get; } = [];

        public HashSet<string> Topics { get; } = new(StringComparer.Ordinal);

        public Dictionary<TopicPartition, long> Committed { get; } = [];

        public Dictionary<TopicPartition, Member> Owners { get; } = [];
    }

    private sealed class Member(MemoryLog log, MemoryGroup group, IReadOnlyList<string> topics, MembershipEvents events) : ILogConsumer
    {
        // The gate of the log guards all state of this class.
        private readonly Dictionary<TopicPartition, long> _positions = [];
        private readonly HashSet<TopicPartition> _paused = [];
        private readonly List<TopicPartition> _readInTurn = [];
        private int _turn;
        private long _generation;
        private bool _hasLeft;

        public ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs)
        {
            var until = Environment.TickCount64 + waitMs;
            while (true)
            {
                Rebalance();
                lock (log._gate)
                {
                    if (Next() is { } result)
                    {
                        return result;
                    }

                    var remaining = until - Environment.TickCount64;
                    if (remaining <= 0 || !Monitor.Wait(log._gate, (int)remaining))
                    {
                        return null;
                    }
                }
            }
        }

        public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
            log.TopicIdsAsync(names, cancellation);

        // Null, so that a lag counts only the records in flight, and no endpoint counts as behind.
        public long? EndOf(TopicPartition partition) => null;

        public void Pause()
        {
            lock (log._gate)
            {
                _paused.UnionWith(_positions.Keys);
            }
        }

        public void Resume()
        {
            lock (log._gate)
            {
                _paused.Clear();
            }
        }

        public void StoreOffset(TopicPartitionOffset offset)
        {
            lock (log._gate)
            {
                if (group.Owners.GetValueOrDefault(offset.TopicPartition) == this)
                {
                    group.Committed[offset.TopicPartition] = offset.Offset.Value;
                    log.Trim(offset.TopicPartition);
                }
            }
        }

        public void Close()
        {
            Leave();
            Rebalance();
        }

        // A member that was not closed acts like a crashed process: it gets no callbacks and stores no more offsets.
        public void Dispose()
        {
            Leave();
            lock (log._gate)
            {
                RevokeAll();
            }
        }

        private void Leave()
        {
            lock (log._gate)
            {
                if (!_hasLeft)
                {
                    _hasLeft = true;
                    group.Members.Remove(this);
                    group.Generation++;
                    Monitor.PulseAll(log._gate);
                }
            }
        }

        // An eager rebalance: when a member joins or leaves, each member revokes all its partitions. It takes its new share once no other
        // member owns a partition of it. The callbacks run without the lock.
        private void Rebalance()
        {
            List<TopicPartition> revoked;
            lock (log._gate)
            {
                if (_generation == group.Generation)
                {
                    return;
                }

                revoked = [.. _positions.Keys];
            }

            if (revoked.Count > 0)
            {
                events.Revoked(this, revoked);
            }

            List<TopicPartition> gained;
            lock (log._gate)
            {
                RevokeAll();
                gained = ComputeShare();
                if (_hasLeft || gained.Exists(group.Owners.ContainsKey))
                {
                    return;
                }

                _generation = group.Generation;
                gained.ForEach(Take);
            }

            events.Assigned(this, gained);
        }

        private void RevokeAll()
        {
            foreach (var partition in _positions.Keys)
            {
                group.Owners.Remove(partition);
            }

            if (_positions.Count > 0)
            {
                Monitor.PulseAll(log._gate);
            }

            _positions.Clear();
            _paused.Clear();
            _readInTurn.Clear();
        }

        private void Take(TopicPartition partition)
        {
            group.Owners.Add(partition, this);
            _positions[partition] = group.Committed.GetValueOrDefault(partition);
            _readInTurn.Add(partition);
        }

        // Range assignment: with equal partition counts a member gets the same numbers of all topics.
        private List<TopicPartition> ComputeShare()
        {
            var share = new List<TopicPartition>();
            foreach (var topic in topics.Where(topic => !_hasLeft && log._topics.ContainsKey(topic)))
            {
                var members = group.Members.FindAll(member => member.Subscribes(topic));
                var (count, index) = (log._topics[topic].Partitions.Length, members.IndexOf(this));
                var (perMember, remainder) = (count / members.Count, count % members.Count);
                var first = (index * perMember) + Math.Min(index, remainder);
                for (var number = first; number < first + perMember + (index < remainder ? 1 : 0); number++)
                {
                    share.Add(new TopicPartition(topic, number));
                }
            }

            return share;
        }

        private bool Subscribes(string topic) => topics.Contains(topic, StringComparer.Ordinal);

        private ConsumeResult<byte[]?, byte[]?>? Next()
        {
            for (var tried = 0; tried < _readInTurn.Count; tried++)
            {
                var at = _readInTurn[_turn++ % _readInTurn.Count];
                var partition = log._topics[at.Topic].Partitions[at.Partition.Value];
                var position = Math.Max(_positions[at], partition.First);
                if (!_paused.Contains(at) && position < partition.First + partition.Records.Count)
                {
                    _positions[at] = position + 1;
                    return Result(at.Topic, at.Partition.Value, position, partition.Records[(int)(position - partition.First)]);
                }
            }

            return null;
        }
    }
}
