using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;
using Onex.Kafka.Producing;

namespace Onex.Kafka.Consuming;

/// <summary>The log of a Kafka cluster.</summary>
internal sealed class KafkaLog(
    KafkaSettings settings, TopicAdmin topics, BrokerHealth health, RecordProducer producer, TimeProvider time, ILogger<KafkaLog> logger)
    : IRecordLog, IDisposable
{
    private const int HeartbeatMaxMs = 3000;
    private const int HeartbeatsPerSession = 4;

    // Only a defect delays a poll for so long, because the polling thread handles no records.
    private const int PollIntervalMs = 600_000;

    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;

    // Partitions that the next member must read from the beginning instead of from the committed offset.
    private readonly ReadFromBeginning _readFromBeginning = new();

    // By group and topic: the id of the topic when this process last read it.
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, Guid>> _ids = new(StringComparer.Ordinal);

    // By group: the name of this process as a static member; null if it has none, or if another process has the same name.
    private readonly ConcurrentDictionary<string, InstanceId?> _instances = new(StringComparer.Ordinal);

    public string? LastError => health.LastError;

    /// <summary>The silence after which the group gives up a member, and the interval of its heartbeats.</summary>
    public static (TimeSpan Session, TimeSpan Heartbeat) Session(EndpointAddress address, KafkaSettings settings)
    {
        var session = address.SessionTimeoutMax is { } limit && limit < settings.SessionTimeout ? limit : settings.SessionTimeout;
        return (session, TimeSpan.FromMilliseconds(Math.Min(HeartbeatMaxMs, session.TotalMilliseconds / HeartbeatsPerSession)));
    }

    public void Dispose()
    {
        foreach (var instance in _instances.Values)
        {
            instance?.Dispose();
        }
    }

    public void Start(IReadOnlyCollection<string> topics)
    {
        health.Watch(topics);
        health.Start();

        // Before the first record, which otherwise waits half a second while the library asks for its producer id.
        producer.Open();
    }

    public IReadOnlyCollection<string> FindMissing(IReadOnlyCollection<string> topics) => health.FindMissing(topics);

    public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
        topics.TopicIdsAsync(names, cancellation);

    public ILogConsumer Join(EndpointAddress address, MembershipEvents events) => new Member(this, address, events);

    private IConsumer<byte[]?, byte[]?> Build(EndpointAddress address, MembershipEvents events, Member member)
    {
        var (session, heartbeat) = Session(address, settings);
        var configuration = ClientSettings.For<ConsumerConfig>(settings);
        configuration.GroupId = address.Group;
        configuration.GroupInstanceId = GetOrTakeInstance(address)?.Value;

        // StartOffsets decides where to begin: the library would silently skip to the first record that is not deleted.
        configuration.AutoOffsetReset = AutoOffsetReset.Error;

        // With round robin, neighbouring partitions belong to different members, so several members share a batch that BatchPartitioner
        // spreads. The group uses range while it has a member of an older version, which knows no other strategy.
        configuration.Set("partition.assignment.strategy", address.IsSpread ? "roundrobin,range" : "range");
        configuration.SessionTimeoutMs = (int)session.TotalMilliseconds;
        configuration.HeartbeatIntervalMs = (int)heartbeat.TotalMilliseconds;

        // The library rejects a value below the session timeout.
        configuration.MaxPollIntervalMs = Math.Max(PollIntervalMs, (int)session.TotalMilliseconds);

        // Only explicitly stored offsets are committed. The library sends them to the broker without blocking, periodically and before a
        // partition is revoked.
        configuration.EnableAutoOffsetStore = false;
        configuration.EnableAutoCommit = true;
        configuration.AutoCommitIntervalMs = 200;

        // A partition may end with control records, which are never returned. This event moves the position past them; without it they
        // would count as unread for ever.
        configuration.EnablePartitionEof = true;

        // The prefetch stays small: the library drops prefetched records on a pause, and they count against the container's memory.
        configuration.QueuedMaxMessagesKbytes = settings.ClientBytesMax / 1024;
        configuration.FetchMaxBytes = settings.ClientBytesMax;
        configuration.FetchErrorBackoffMs = 100;

        configuration.ConsumeResultFields = "headers,timestamp,topic";

        // TopicIds reads from this debug log which topic ids the consumer fetches with: the library has no call for them.
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
            .SetPartitionsAssignedHandler((consumer, partitions) => member.OnAssigned(consumer, partitions))
            .SetPartitionsRevokedHandler((_, offsets) => events.Revoked(member, offsets.ConvertAll(offset => offset.TopicPartition)))
            .SetPartitionsLostHandler((_, offsets) => events.Lost(offsets.ConvertAll(offset => offset.TopicPartition)))
            .Build();
    }

    private InstanceId? GetOrTakeInstance(EndpointAddress address) => address.IsStatic
        ? _instances.GetOrAdd(address.Group, group => InstanceId.Take(group, Path.GetTempPath(), Environment.MachineName))
        : null;

    // A consumer's fatal error: another process has this name, for example a container of the same host name. The next member has none.
    private void GiveUpName(EndpointAddress address, Error error)
    {
        if (_instances.TryGetValue(address.Group, out var instance) && instance is not null)
        {
            Log.InstanceIdTaken(_logger, address.Name, instance.Value, error.Reason);
            _instances[address.Group] = null;
            instance.Dispose();
        }
    }

    private string DescribeSessionError(EndpointAddress address) =>
        $"the brokers do not accept its session timeout of {Session(address, settings).Session.TotalSeconds:0.###} s "
        + $"(KAFKA_SESSION_TIMEOUT{(address.SessionTimeoutMax is { } most ? $", at most {most.TotalSeconds:0} s" : "")}): "
        + "change it, or their group.min.session.timeout.ms or group.max.session.timeout.ms";

    // A failed commit is harmless: the library retries it, or the records are read again.
    private void OnCommitted(EndpointAddress address, CommittedOffsets committed)
    {
        if (committed.Error.IsError && committed.Error.Code != ErrorCode.Local_NoOffset)
        {
            Log.OffsetsNotCommitted(_logger, address.Name, committed.Error.Reason);
        }
    }

    private sealed class Member : ILogConsumer
    {
        private static readonly TimeSpan _requestTimeout = TimeSpan.FromSeconds(5);
        private static readonly TimeSpan _leaveFor = TimeSpan.FromSeconds(2);

        // How far back a new process reads broadcasts: the commands that they cancel may still wait in their topic.
        private static readonly TimeSpan _broadcastsReadBack = TimeSpan.FromHours(1);

        // In a ListOffsets request -2 stands for the earliest offset.
        private static readonly Timestamp _earliest = new(-2, TimestampType.NotAvailable);

        private readonly KafkaLog _log;
        private readonly EndpointAddress _address;
        private readonly MembershipEvents _events;
        private readonly IConsumer<byte[]?, byte[]?> _consumer;
        private readonly HashSet<string> _recreated = new(StringComparer.Ordinal);

        // The partitions that this member reads from their beginning, until it has stored an offset of them.
        private readonly HashSet<TopicPartition> _fromBeginning = [];

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
            catch (ConsumeException e) when (e.Error.IsFatal)
            {
                _log.GiveUpName(_address, e.Error);
                throw;
            }
            catch (ConsumeException e) when (e.Error.Code == ErrorCode.InvalidSessionTimeout)
            {
                throw new ConsumeException(e.ConsumerRecord, new Error(e.Error.Code, _log.DescribeSessionError(_address)), e);
            }
            catch (ConsumeException e) when (e.Error.Code is ErrorCode.Local_AutoOffsetReset or ErrorCode.Local_LogTruncation)
            {
                throw HandleOutOfRange(e);
            }

            // Checked after Consume: the library logs the id of a new topic before it returns the first record of it.
            return Ids.HaveChanged ? throw NoteRecreated(Ids.TakeChanges()) : result;
        }

        public async Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(
            IReadOnlyCollection<string> names, CancellationToken cancellation)
        {
            var began = _log._time.GetTimestamp();
            while (_log._time.GetElapsedTime(began) < _requestTimeout)
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
            // An offset of a deleted log means nothing in the log that replaced it. A broadcast endpoint needs none, because its group
            // vanishes with its only member.
            if (!_address.IsBroadcast && !_recreated.Contains(offset.Topic))
            {
                _consumer.StoreOffset(offset);
                if (_fromBeginning.Remove(offset.TopicPartition))
                {
                    _log._readFromBeginning.End(_address.Group, offset.TopicPartition);
                }
            }
        }

        public void Close()
        {
            if (_recreated.Count > 0)
            {
                Rewind();
            }

            if (_log.GetOrTakeInstance(_address) is not null)
            {
                Leave();
            }

            _consumer.Close();
        }

        public void Dispose() => _consumer.Dispose();

        /// <summary>Returns where to begin in assigned partitions. Reports missed records, then the assignment.</summary>
        public List<TopicPartitionOffset> OnAssigned(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
        {
            var begin = partitions.Count == 0 ? [] : StartOffsets(consumer, partitions);
            _events.Assigned(this, partitions);
            return begin;
        }

        private List<TopicPartitionOffset> StartOffsets(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
        {
            if (_address.IsBroadcast)
            {
                var from = new Timestamp(_log._time.GetUtcNow().UtcDateTime - _broadcastsReadBack, TimestampType.CreateTime);
                return consumer.OffsetsForTimes(
                    partitions.ConvertAll(partition => new TopicPartitionTimestamp(partition, from)), _requestTimeout);
            }

            var earliestOffsets = EarliestOffsets(consumer, partitions);
            var begin = new List<TopicPartitionOffset>();
            foreach (var committed in consumer.Committed(partitions, _requestTimeout))
            {
                var earliest = earliestOffsets.GetValueOrDefault(committed.TopicPartition, Offset.Unset);
                if (_log._readFromBeginning.Decide(_address.Group, committed.TopicPartition, committed.Offset))
                {
                    _fromBeginning.Add(committed.TopicPartition);
                    begin.Add(new TopicPartitionOffset(committed.TopicPartition, Offset.Beginning));
                }
                else if (committed.Offset.IsSpecial)
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

        // The first offset that still exists in each partition, with one request per broker. Partitions with an error are left out.
        private static Dictionary<TopicPartition, Offset> EarliestOffsets(
            IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
        {
            try
            {
                return consumer
                    .OffsetsForTimes(
                        partitions.ConvertAll(partition => new TopicPartitionTimestamp(partition, _earliest)), _requestTimeout)
                    .ToDictionary(offset => offset.TopicPartition, offset => offset.Offset);
            }
            catch (TopicPartitionOffsetException e)
            {
                // The deletion of one topic must not keep the others from being read.
                return e.Results
                    .Where(offset => !offset.Error.IsError)
                    .ToDictionary(offset => offset.TopicPartition, offset => offset.Offset);
            }
        }

        // Close alone lets a static member keep its place until the session timeout, but the others must get its partitions at once. The
        // client clears the member id when it has left.
        private void Leave()
        {
            var began = _log._time.GetTimestamp();
            _consumer.Unsubscribe();
            while (!string.IsNullOrEmpty(_consumer.MemberId) && _log._time.GetElapsedTime(began) < _leaveFor)
            {
                _consumer.Consume(10);
            }
        }

        private LogChangedException NoteRecreated(IReadOnlyList<TopicIds.Change> changes)
        {
            foreach (var change in changes)
            {
                // Other members commit offsets of the old log until they notice the change too. So every partition is read from its
                // beginning.
                _recreated.Add(change.Topic);
                _log._readFromBeginning.Add(_address.Group, change.Topic);
            }

            return new LogChangedException(string.Join(' ', changes.Select(change =>
                $"Topic {change.Topic} was deleted and created again (id before: {change.Before}, now: {change.After}). "
                + "The new log is read from its beginning.")));
        }

        // The offset is below the first one that still exists, or above the end. If records were deleted, the next assignment reports them,
        // for all partitions.
        private LogChangedException HandleOutOfRange(ConsumeException failure)
        {
            var at = failure.ConsumerRecord.TopicPartitionOffset;
            var watermarks = _consumer.QueryWatermarkOffsets(at.TopicPartition, _requestTimeout);
            if (at.Offset.IsSpecial || at.Offset.Value < watermarks.Low.Value)
            {
                return new LogChangedException($"Records of {at.Topic} [{at.Partition.Value}] were deleted before they were read.");
            }

            _log._readFromBeginning.Add(_address.Group, at.TopicPartition);
            return new LogChangedException(
                $"{at.Topic} [{at.Partition.Value}] ends at {watermarks.High.Value}, although offset {at.Offset.Value} was read: "
                + "its log was truncated. It is read again from its beginning.");
        }

        // The committed offsets belong to the old log, and the library never commits a lower offset by itself.
        private void Rewind()
        {
            try
            {
                var stale = _consumer.Assignment.Where(partition => _recreated.Contains(partition.Topic))
                    .Select(partition => new TopicPartitionOffset(partition, 0)).ToList();
                stale.ForEach(_consumer.StoreOffset);
                if (stale.Count > 0)
                {
                    _consumer.Commit(stale);
                }
            }
            catch (KafkaException e)
            {
                // The group is rebalancing. A member of this process that is assigned the partitions reads them from the beginning anyway.
                Log.OffsetsOfGoneTopic(_log._logger, _address.Name, e.Error.Reason);
            }
        }
    }
}
