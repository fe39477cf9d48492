using Confluent.Kafka;
using Onex.Kafka.Brokers;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka;

/// <summary>The compliance suite with a real broker, and tests that the in-memory log cannot run.</summary>
public sealed class KafkaBatchEndpointTests : BatchEndpointCompliance
{
    protected override TestBus Bus => Kafka;

    private KafkaTestBus Kafka { get; } = new();

    [Fact]
    public async Task Records_of_other_producers_arrive_unchanged_including_null_and_binary_values()
    {
        var (topic, handler) = (NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, 1, handler);
        using var other = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = Kafka.Bootstrap })
            .SetKeySerializer(Serializers.ByteArray!)
            .SetValueSerializer(Serializers.ByteArray!)
            .Build();

        await other.ProduceAsync(
            new TopicPartition(topic, 0),
            new Message<byte[]?, byte[]?> { Headers = [new Header("none", null), new Header("bytes", [0xC3, 0x28])] },
            CancellationToken.None);
        await Condition.HoldsAsync(() => handler.Given.Count == 1);

        var record = handler.Given.Single().Record;
        Assert.Null(record.Key);
        Assert.Null(record.Value);
        Assert.Equal(["none", "bytes"], record.Headers.Select(header => header.Key));
        Assert.Equal([null, [0xC3, 0x28]], record.Headers.Select(header => header.Value));
    }

    [Fact]
    public async Task A_topic_created_after_the_start_is_read()
    {
        var (topic, handler) = (NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await Bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler));
        await Bus.CreateAsync(1, topic);

        await member.ProduceAsync(topic, 0, "late");

        await Condition.HoldsAsync(() => handler.Given.Count == 1);
    }

    [Fact]
    public async Task A_slow_handler_keeps_its_group_membership()
    {
        var topic = NewTopic();
        var release = new TaskCompletionSource();
        var handler = RecordingHandler.Acknowledging;
        handler.Before = _ => release.Task;
        await using var member = await StartAsync(topic, 1, handler, s => s with { SessionTimeout = TimeSpan.FromSeconds(3) });
        await member.ProduceAsync(topic, 0, "slow");

        // The test is about time: twice the session timeout must pass.
        await Task.Delay(TimeSpan.FromSeconds(6), TimeProvider.System, TestContext.Current.CancellationToken);
        release.SetResult();

        await Condition.HoldsAsync(() => handler.Given.Count == 1);
        Assert.Equal(["+0"], handler.Calls);
    }
}

/// <inheritdoc cref="KafkaBatchEndpointTests" />
public sealed class KafkaMembershipTests : MembershipCompliance
{
    protected override TestBus Bus { get; } = new KafkaTestBus();
}

/// <inheritdoc cref="KafkaBatchEndpointTests" />
public sealed class KafkaTopicEndpointTests : TopicEndpointCompliance
{
    protected override TestBus Bus { get; } = new KafkaTestBus();
}

/// <inheritdoc cref="KafkaBatchEndpointTests" />
public sealed class KafkaDeadLetterTests : DeadLetterCompliance
{
    protected override TestBus Bus { get; } = new KafkaTestBus();
}

/// <inheritdoc cref="KafkaBatchEndpointTests" />
public sealed class KafkaProducerTests : ProducerCompliance
{
    protected override TestBus Bus { get; } = new KafkaTestBus();

    [Fact]
    public async Task Concurrent_starts_create_each_topic_once_with_its_dead_letter_topic()
    {
        Bus.NeedsReal("makes no topics for its clients");
        var (one, two) = (NewTopic() + "-1", NewTopic() + "-2");
        await using var member = await Bus.StartAsync(_ => { });
        await using var other = await Bus.StartAsync(_ => { });

        await Task.WhenAll(
            member.Topics.EnsureTopicsAsync([one, two], 3, null, CancellationToken.None),
            other.Topics.EnsureTopicsAsync([two, one], 3, 1, CancellationToken.None));
        await member.Topics.EnsureTopicsAsync([one], 5, null, CancellationToken.None);

        var counts = await other.Topics.PartitionCountsAsync(
            [one, two, one + ".dlq", two + ".dlq", "missing-" + one], CancellationToken.None);
        Assert.Equal(4, counts.Count);
        Assert.Equal((3, 3, 1), (counts[one], counts[two], counts[one + ".dlq"]));
        Assert.Equal(2, (await member.Topics.TopicIdsAsync([one, two], CancellationToken.None)).Values.Distinct().Count());
        Assert.Equal(TimeSpan.FromDays(7), await member.Topics.RetentionAsync(one, CancellationToken.None));
    }

    [Fact]
    public async Task A_missing_broker_is_reported_in_time()
    {
        await using var member = await new KafkaTestBus("127.0.0.1:1").StartAsync(_ => { });

        await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => member.Topics.PartitionCountsAsync(["any"], CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(15)));

        Assert.False(member.Broker.IsReachable);
        Assert.NotNull(member.Broker.LastError);
    }
}
