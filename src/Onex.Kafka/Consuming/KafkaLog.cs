using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Consuming;

/// <summary>A Kafka cluster to read from.</summary>
internal sealed class KafkaLog(KafkaSettings settings, TopicAdmin topics, BrokerHealth health, TimeProvider time, ILogger<KafkaLog> logger) : IRecordLog
{
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;

    // What a member finds out for the next one in its place: where to begin other than at the committed offset.
    private readonly FreshStarts _fresh = new();

    // Of each group, the topics' ids by which it was read last.
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, Guid>> _ids = new(StringComparer.Ordinal);

    public string? LastError => health.LastError;

    public void Start(IReadOnlyCollection<string> topics)
    {
        health.Watch(topics);
        health.Start();
    }

    public IReadOnlyCollection<string> Missing(IReadOnlyCollection<string> topics) => health.Missing(topics);

    public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
        topics.TopicIdsAsync(names, cancellation);

    public ILogConsumer Join(EndpointAddress address, MembershipEvents events) => new Member(this, address, events);

    private IConsumer<byte[]?, byte[]?> Build(EndpointAddress address, MembershipEvents events, Member member)
    {
        var session = (int)settings.SessionTimeout.TotalMilliseconds;
        var configuration = ClientSettings.For<ConsumerConfig>(settings);
        configuration.GroupId = address.Group;

        // Where to begin is decided here, at assignment: the library would jump over what is gone without a word.
        configuration.AutoOffsetReset = AutoOffsetReset.Error;
        configuration.PartitionAssignmentStrategy = PartitionAssignmentStrategy.Range;
        configuration.SessionTimeoutMs = session;
        configuration.HeartbeatIntervalMs = Math.Min(3000, session / 4);
        configuration.MaxPollIntervalMs = Math.Max(600_000, session);

        // Nothing is committed but what is stored by hand: the library only carries it to the broker, without blocking, every so often,
        // and before a partition is given away.
        configuration.EnableAutoOffsetStore = false;
        configuration.EnableAutoCommit = true;
        configuration.AutoCommitIntervalMs = 200;

        // The end may lie behind control records, which are never given: without it the last of them would count as unread for ever.
        configuration.EnablePartitionEof = true;

        // Read ahead stays small, since a pause throws it away and it counts against the container's memory.
        configuration.QueuedMaxMessagesKbytes = settings.ClientBytesMax / 1024;
        configuration.FetchMaxBytes = settings.ClientBytesMax;
        configuration.FetchErrorBackoffMs = 100;

        // For the one line that TopicIds reads.
        configuration.Debug = "metadata";
        return new ConsumerBuilder<byte[]?, byte[]?>(configuration)
            .SetKeyDeserializer(Deserializers.ByteArray!)
            .SetValueDeserializer(Deserializers.ByteArray!)
            .SetLogHandler((_, line) =>
            {
                member.Ids.Read(line.Message);
                if (line.Level < SyslogLevel.Debug)
                {
                    Log.ClientLine(_logger, line.Facility, line.Message);
                }
            })
            .SetErrorHandler((_, error) => health.Note(error))
            .SetOffsetsCommittedHandler((_, committed) => OnCommitted(address, committed))
            .SetPartitionsAssignedHandler((consumer, partitions) => member.Assigned(consumer, partitions))
            .SetPartitionsRevokedHandler((_, offsets) => events.Revoked(member, offsets.ConvertAll(offset => offset.TopicPartition)))
            .SetPartitionsLostHandler((_, offsets) => events.Lost(offsets.ConvertAll(offset => offset.TopicPartition)))
            .Build();
    }

    // A commit that a rebalance or a lost broker prevents is tried again by the library, or the records come again.
    private void OnCommitted(EndpointAddress address, CommittedOffsets committed)
    {
        if (committed.Error.IsError && committed.Error.Code != ErrorCode.Local_NoOffset)
        {
            Log.OffsetsNotCommitted(_logger, address.Name, committed.Error.Reason);
        }
    }

    private sealed class Member : ILogConsumer
    {
        private static readonly TimeSpan _askFor = TimeSpan.FromSeconds(5);

        // ListOffsets knows it as the first offset that is left.
        private static readonly Timestamp _earliest = new(-2, TimestampType.NotAvailable);

        private readonly KafkaLog _log;
        private readonly EndpointAddress _address;
        private readonly MembershipEvents _events;
        private readonly IConsumer<byte[]?, byte[]?> _consumer;
        private readonly HashSet<string> _remade = new(StringComparer.Ordinal);

        public Member(KafkaLog log, EndpointAddress address, MembershipEvents events)
        {
            _log = log;
            _address = address;
            _events = events;
            Ids = new TopicIds(log._ids.GetOrAdd(address.Group, _ => new ConcurrentDictionary<string, Guid>(StringComparer.Ordinal)));
            _consumer = log.Build(address, events, this);
            _consumer.Subscribe(address.Topics);
        }

        public TopicIds Ids { get; }

        public ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs)
        {
            ConsumeResult<byte[]?, byte[]?>? result;
            try
            {
                result = _consumer.Consume(waitMs);
            }
            catch (ConsumeException e) when (e.Error.Code is ErrorCode.Local_AutoOffsetReset or ErrorCode.Local_LogTruncation)
            {
                throw OutOfRange(e);
            }

            // Asked after the record has come: a fetch of another topic's log begins only after its id has changed.
            return Ids.HaveChanged ? throw Remade(Ids.TakeChanges()) : result;
        }

        public async Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation)
        {
            var began = _log._time.GetTimestamp();
            while (_log._time.GetElapsedTime(began) < _askFor)
            {
                if (Ids.For(names) is { } known)
                {
                    return known;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(5), _log._time, cancellation);
            }

            return await _log.TopicIdsAsync(names, cancellation);
        }

        public long? EndOf(TopicPartition partition) =>
            _consumer.GetWatermarkOffsets(partition).High is { IsSpecial: false } end ? end.Value : null;

        public void Pause() => _consumer.Pause(_consumer.Assignment);

        public void Resume() => _consumer.Resume(_consumer.Assignment);

        public void StoreOffset(TopicPartitionOffset offset)
        {
            // An offset of a log that is gone says nothing of the one in its place.
            if (!_remade.Contains(offset.Topic))
            {
                _consumer.StoreOffset(offset);
            }
        }

        public void Close()
        {
            if (_remade.Count > 0)
            {
                Rewind();
            }

            _consumer.Close();
        }

        public void Dispose() => _consumer.Dispose();

        /// <summary>Says where to begin in partitions that are assigned, and what is missing there.</summary>
        public List<TopicPartitionOffset> Assigned(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
        {
            var begin = partitions.Count == 0 ? [] : Begin(consumer, partitions);
            _events.Assigned(this, partitions);
            return begin;
        }

        private List<TopicPartitionOffset> Begin(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
        {
            var first = First(consumer, partitions);
            var begin = new List<TopicPartitionOffset>();
            foreach (var committed in consumer.Committed(partitions, _askFor))
            {
                var earliest = first.GetValueOrDefault(committed.TopicPartition, Offset.Unset);
                if (_log._fresh.Take(_address.Group, committed.TopicPartition) || committed.Offset.IsSpecial)
                {
                    begin.Add(new TopicPartitionOffset(committed.TopicPartition, Offset.Beginning));
                }
                else if (!earliest.IsSpecial && earliest.Value > committed.Offset.Value)
                {
                    _events.Missed(new MissedRecords(committed.TopicPartition, committed.Offset.Value, earliest.Value));
                    begin.Add(new TopicPartitionOffset(committed.TopicPartition, earliest));
                }
                else
                {
                    begin.Add(committed);
                }
            }

            return begin;
        }

        // The first offset that is left of each partition, one question to each broker.
        private static Dictionary<TopicPartition, Offset> First(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
        {
            try
            {
                return consumer.OffsetsForTimes(partitions.ConvertAll(partition => new TopicPartitionTimestamp(partition, _earliest)), _askFor)
                    .ToDictionary(offset => offset.TopicPartition, offset => offset.Offset);
            }
            catch (TopicPartitionOffsetException e)
            {
                // One of the topics is being deleted, say; that must not keep us from the others.
                return e.Results.Where(offset => !offset.Error.IsError).ToDictionary(offset => offset.TopicPartition, offset => offset.Offset);
            }
        }

        private LogChangedException Remade(IReadOnlyList<TopicIds.Change> changes)
        {
            foreach (var change in changes)
            {
                // Other members still commit offsets of the old log until they have seen it too, hence every partition, whoever reads it now.
                _remade.Add(change.Topic);
                _log._fresh.Add(_address.Group, change.Topic);
            }

            return new LogChangedException(string.Join(' ', changes.Select(change =>
                $"Topic {change.Topic} was deleted and made again (its id was {change.Before}, now {change.After}): it is a new log, read from its beginning.")));
        }

        // Before what is left, or behind the end. The first is found again and told at the assignment, for all partitions at once.
        private LogChangedException OutOfRange(ConsumeException failure)
        {
            var at = failure.ConsumerRecord.TopicPartitionOffset;
            var marks = _consumer.QueryWatermarkOffsets(at.TopicPartition, _askFor);
            if (at.Offset.IsSpecial || at.Offset.Value < marks.Low.Value)
            {
                return new LogChangedException($"Records of {at.Topic} [{at.Partition.Value}] were deleted before they were read.");
            }

            _log._fresh.Add(_address.Group, at.TopicPartition);
            return new LogChangedException(
                $"{at.Topic} [{at.Partition.Value}] ends at {marks.High.Value}, before offset {at.Offset.Value}, which was read: "
                + "its log was cut off, and is read from its beginning.");
        }

        // What the group has committed are offsets of the old log, and the library commits nothing lower by itself.
        private void Rewind()
        {
            try
            {
                var stale = _consumer.Assignment.Where(partition => _remade.Contains(partition.Topic))
                    .Select(partition => new TopicPartitionOffset(partition, 0)).ToList();
                stale.ForEach(_consumer.StoreOffset);
                if (stale.Count > 0)
                {
                    _consumer.Commit(stale);
                }
            }
            catch (KafkaException e)
            {
                // The group is in motion: whoever in this process is assigned the partitions begins them anew all the same.
                Log.OffsetsOfGoneTopic(_log._logger, _address.Name, e.Error.Reason);
            }
        }
    }
}
