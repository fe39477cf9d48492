using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Consuming;

/// <summary>A Kafka cluster to read from.</summary>
internal sealed class KafkaLog(KafkaSettings settings, TopicAdmin topics, BrokerHealth health, ILogger<KafkaLog> logger) : IRecordLog
{
    public string? LastError => health.LastError;

    public void Start() => health.Start();

    public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
        topics.TopicIdsAsync(names, cancellation);

    public ILogConsumer Join(EndpointAddress address, MembershipEvents events) => new Member(this, address, events);

    private IConsumer<byte[]?, byte[]?> Build(EndpointAddress address, MembershipEvents events, ILogConsumer member)
    {
        var session = (int)settings.SessionTimeout.TotalMilliseconds;
        var configuration = ClientSettings.For<ConsumerConfig>(settings);
        configuration.GroupId = address.Group;
        configuration.AutoOffsetReset = AutoOffsetReset.Earliest;
        configuration.PartitionAssignmentStrategy = PartitionAssignmentStrategy.Range;
        configuration.SessionTimeoutMs = session;
        configuration.HeartbeatIntervalMs = Math.Min(3000, session / 4);
        configuration.MaxPollIntervalMs = Math.Max(600_000, session);

        // Nothing is committed but what is stored by hand: the library only carries it to the broker, without blocking, every so often,
        // and before a partition is given away.
        configuration.EnableAutoOffsetStore = false;
        configuration.EnableAutoCommit = true;
        configuration.AutoCommitIntervalMs = 200;

        // Read ahead stays small, since a pause throws it away and it counts against the container's memory.
        configuration.QueuedMaxMessagesKbytes = settings.ClientBytesMax / 1024;
        configuration.FetchMaxBytes = settings.ClientBytesMax;
        configuration.FetchErrorBackoffMs = 100;
        return new ConsumerBuilder<byte[]?, byte[]?>(configuration)
            .SetKeyDeserializer(Deserializers.ByteArray!)
            .SetValueDeserializer(Deserializers.ByteArray!)
            .SetLogHandler((_, line) => logger.LogDebug("librdkafka: {Facility} {Message}", line.Facility, line.Message))
            .SetErrorHandler((_, error) => health.Note(error))
            .SetOffsetsCommittedHandler((_, committed) => OnCommitted(address, committed))
            .SetPartitionsAssignedHandler((_, partitions) => events.Assigned(partitions))
            .SetPartitionsRevokedHandler((_, offsets) => events.Revoked(member, offsets.ConvertAll(offset => offset.TopicPartition)))
            .SetPartitionsLostHandler((_, offsets) => events.Lost(offsets.ConvertAll(offset => offset.TopicPartition)))
            .Build();
    }

    // A commit that a rebalance or a lost broker prevents is tried again by the library, or the records come again.
    private void OnCommitted(EndpointAddress address, CommittedOffsets committed)
    {
        if (committed.Error.IsError && committed.Error.Code != ErrorCode.Local_NoOffset)
        {
            logger.LogDebug("{Endpoint}: not committed: {Reason}", address.Name, committed.Error.Reason);
        }
    }

    private sealed class Member : ILogConsumer
    {
        private readonly IConsumer<byte[]?, byte[]?> _consumer;

        public Member(KafkaLog log, EndpointAddress address, MembershipEvents events)
        {
            _consumer = log.Build(address, events, this);
            _consumer.Subscribe(address.Topics);
        }

        public ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs) => _consumer.Consume(waitMs);

        public void Pause() => _consumer.Pause(_consumer.Assignment);

        public void Resume() => _consumer.Resume(_consumer.Assignment);

        public void StoreOffset(TopicPartitionOffset offset) => _consumer.StoreOffset(offset);

        public void Close() => _consumer.Close();

        public void Dispose() => _consumer.Dispose();
    }
}
