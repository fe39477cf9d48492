using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
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
    public async Task A_batch_without_order_goes_to_one_partition_whatever_its_keys_and_all_partitions_get_as_many()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        var clock = new FakeTimeProvider();
        await using var services = LoadedServices(clock, topic, out var before);
        var producer = services.GetRequiredService<IRecordProducer>();

        var batch = Produce(producer, topic, "batch", 20);
        clock.Advance(TimeSpan.FromMilliseconds(5));

        Assert.All(await Task.WhenAll([.. before, .. batch]), report => Assert.Equal(DeliveryStatus.Acknowledged, report.Delivery));
        var records = await Bus.ReadAsync(topic, before.Count + batch.Count);
        Assert.Single(records.Where(record => record.TextHeader("part") == "batch").Select(record => record.Partition).Distinct());
        var counts = records.CountBy(record => record.Partition).Select(partition => partition.Value).ToList();
        Assert.Equal(4, counts.Count);
        Assert.InRange(counts.Max() - counts.Min(), 0, BatchPartitioner.RecordsMax);
    }

    [Fact]
    public async Task Records_that_wait_for_others_when_the_process_stops_are_sent()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        List<Task<DeliveryReport>> before, waiting;
        await using (var services = LoadedServices(new FakeTimeProvider(), topic, out before))
        {
            await Task.WhenAll(before);
            waiting = Produce(services.GetRequiredService<IRecordProducer>(), topic, "waiting", 20);
            Assert.DoesNotContain(waiting, record => record.IsCompleted);
        }

        var reports = await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.All(reports, report => Assert.Equal(DeliveryStatus.Acknowledged, report.Delivery));
        Assert.Equal(20, (await Bus.ReadAsync(topic, before.Count + 20)).Count(record => record.TextHeader("part") == "waiting"));
    }

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

        var failure = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => member.Topics.PartitionCountsAsync(["any"], CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(15)));

        Assert.Contains("at 127.0.0.1:1", failure.Message, StringComparison.Ordinal);
        Assert.False(member.Broker.IsReachable);
        Assert.NotNull(member.Broker.LastError);
    }

    // A producer under load, so that records wait until the clock moves.
    private ServiceProvider LoadedServices(FakeTimeProvider clock, string topic, out List<Task<DeliveryReport>> sent)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(clock)
            .AddOnexKafka(Bus.Settings with { UnorderedTopics = [topic] }).BuildServiceProvider();
        sent = Produce(services.GetRequiredService<IRecordProducer>(), topic, "before", 200);
        clock.Advance(TimeSpan.FromMilliseconds(50));
        sent.AddRange(Produce(services.GetRequiredService<IRecordProducer>(), topic, "before", 1));
        clock.Advance(TimeSpan.FromMilliseconds(5));
        return services;
    }

    private static List<Task<DeliveryReport>> Produce(IRecordProducer producer, string topic, string part, int count) =>
        [
            .. Enumerable.Range(0, count).Select(i => producer.ProduceAsync(
                new ProducedRecord(topic, null, $"{part}-{i}", "{}"u8.ToArray(), [new("part", part)]), CancellationToken.None)),
        ];
}
