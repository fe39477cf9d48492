using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka;

/// <summary>The compliance suite with Kafka or its mock cluster, and tests that the in-memory log cannot run.</summary>
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
        await Condition.HoldsAsync(() => handler.Received.Count == 1);

        var record = handler.Received.Single().Record;
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

        await Condition.HoldsAsync(() => handler.Received.Count == 1);
    }

    [Fact]
    public async Task A_session_timeout_that_the_broker_rejects_is_the_reason_why_an_endpoint_is_not_ready()
    {
        Bus.NeedsReal("accepts any session timeout");
        var topic = NewTopic();
        await Bus.CreateAsync(1, topic);

        await using var member = await Bus.StartAsync(
            k => k.BatchEndpoint("test", [topic], topic, _ => RecordingHandler.Acknowledging),
            settings => settings with { SessionTimeout = TimeSpan.FromMinutes(31) });

        await Condition.HoldsAsync(
            () => member.Problems.Contains("do not accept its session timeout of 1860 s (KAFKA_SESSION_TIMEOUT", StringComparison.Ordinal),
            () => member.Problems);
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

        // Twice the session timeout must really pass: a member without heartbeats would lose its partition.
        await Task.Delay(TimeSpan.FromSeconds(6), TimeProvider.System, TestContext.Current.CancellationToken);
        release.SetResult();

        await Condition.HoldsAsync(() => handler.Received.Count == 1);
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
    public async Task The_producer_exists_before_the_first_record()
    {
        await using var services = new ServiceCollection().AddLogging().AddOnexKafka(Bus.Settings).BuildServiceProvider();
        var producer = services.GetRequiredService<RecordProducer>();
        Assert.False(producer.IsOpen);

        services.GetRequiredService<IRecordLog>().Start([]);

        Assert.True(producer.IsOpen);
    }

    [Fact]
    public async Task A_batch_of_unordered_records_goes_to_one_partition_and_all_partitions_get_equally_many_records()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        var clock = new FakeTimeProvider();
        await using var services = LoadedServices(clock, topic, out var earlier);
        var producer = services.GetRequiredService<IRecordProducer>();

        var batch = Produce(producer, topic, "batch", 20);
        clock.Advance(TimeSpan.FromMilliseconds(5));

        Assert.All(await Task.WhenAll([.. earlier, .. batch]), report => Assert.Equal(DeliveryStatus.Acknowledged, report.Delivery));
        var records = await Bus.ReadAsync(topic, earlier.Count + batch.Count);
        Assert.Single(records.Where(record => record.TextHeader("part") == "batch").Select(record => record.Partition).Distinct());
        var counts = records.CountBy(record => record.Partition).Select(partition => partition.Value).ToList();
        Assert.Equal(4, counts.Count);
        Assert.InRange(counts.Max() - counts.Min(), 0, BatchPartitioner.RecordsMax);
    }

    [Fact]
    public async Task Records_that_wait_for_a_batch_to_fill_are_sent_when_the_process_stops()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        List<Task<DeliveryReport>> earlier, waiting;
        await using (var services = LoadedServices(new FakeTimeProvider(), topic, out earlier))
        {
            await Task.WhenAll(earlier);
            waiting = Produce(services.GetRequiredService<IRecordProducer>(), topic, "waiting", 20);
            Assert.DoesNotContain(waiting, record => record.IsCompleted);
        }

        var reports = await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.All(reports, report => Assert.Equal(DeliveryStatus.Acknowledged, report.Delivery));
        Assert.Equal(20, (await Bus.ReadAsync(topic, earlier.Count + 20)).Count(record => record.TextHeader("part") == "waiting"));
    }

    [Fact]
    public async Task Concurrent_starts_create_each_topic_once_with_its_dead_letter_topic()
    {
        Bus.NeedsReal("creates no topics at the request of a client");
        var (topic1, topic2) = (NewTopic() + "-1", NewTopic() + "-2");
        await using var member = await Bus.StartAsync(_ => { });
        await using var other = await Bus.StartAsync(_ => { });

        await Task.WhenAll(
            member.Topics.EnsureTopicsAsync([topic1, topic2], 3, null, CancellationToken.None),
            other.Topics.EnsureTopicsAsync([topic2, topic1], 3, 1, CancellationToken.None));
        await member.Topics.EnsureTopicsAsync([topic1], 5, null, CancellationToken.None);

        var counts = await other.Topics.PartitionCountsAsync(
            [topic1, topic2, topic1 + ".dlq", topic2 + ".dlq", "missing-" + topic1], CancellationToken.None);
        Assert.Equal(4, counts.Count);
        Assert.Equal((3, 3, 1), (counts[topic1], counts[topic2], counts[topic1 + ".dlq"]));
        Assert.Equal(2, (await member.Topics.TopicIdsAsync([topic1, topic2], CancellationToken.None)).Values.Distinct().Count());
        Assert.Equal(TimeSpan.FromDays(7), await member.Topics.RetentionAsync(topic1, CancellationToken.None));
    }

    [Fact]
    public async Task An_unreachable_broker_is_reported_within_15_seconds()
    {
        await using var member = await new KafkaTestBus("127.0.0.1:1").StartAsync(_ => { });

        var failure = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => member.Topics.PartitionCountsAsync(["any"], CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(15)));

        Assert.Contains("at 127.0.0.1:1", failure.Message, StringComparison.Ordinal);
        Assert.False(member.Broker.IsReachable);
        Assert.NotNull(member.Broker.LastError);
    }

    // Services with a producer under load: its records wait for a fuller batch until the clock advances.
    private ServiceProvider LoadedServices(FakeTimeProvider clock, string topic, out List<Task<DeliveryReport>> sent)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(clock)
            .AddOnexKafka(Bus.Settings with { UnorderedTopics = [topic] }).BuildServiceProvider();
        sent = Produce(services.GetRequiredService<IRecordProducer>(), topic, "earlier", 200);
        clock.Advance(TimeSpan.FromMilliseconds(50));
        sent.AddRange(Produce(services.GetRequiredService<IRecordProducer>(), topic, "earlier", 1));
        clock.Advance(TimeSpan.FromMilliseconds(5));
        return services;
    }

    private static List<Task<DeliveryReport>> Produce(IRecordProducer producer, string topic, string part, int count) =>
        [
            .. Enumerable.Range(0, count).Select(i => producer.ProduceAsync(
                new ProducedRecord(topic, null, $"{part}-{i}", "{}"u8.ToArray(), [new("part", part)]), CancellationToken.None)),
        ];
}
