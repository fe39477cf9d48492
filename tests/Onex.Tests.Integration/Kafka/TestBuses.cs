using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Memory;
using Onex.Kafka.Records;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka;

/// <summary>A Kafka broker: by default the one that all tests share, which may be the mock cluster.</summary>
internal sealed class KafkaTestBus(string? bootstrap = null) : TestBus
{
    public override KafkaSettings Settings => new()
    {
        BootstrapServers = Bootstrap,
        ClientId = "onex-test",
        SessionTimeout = TimeSpan.FromSeconds(6),
        DrainFor = TimeSpan.FromSeconds(5),
    };

    public string Bootstrap => bootstrap ?? Shared.BootstrapServers;

    private static KafkaBroker Shared => Task.Run(KafkaBroker.SharedAsync).GetAwaiter().GetResult();

    public override void NeedsReal(string what)
    {
        if (bootstrap is null)
        {
            Shared.NeedsReal(what);
        }
    }

    public override void Add(IServiceCollection services, KafkaSettings settings) => services.AddOnexKafka(settings);

    public override IRecordLog Log(IServiceProvider services) => ActivatorUtilities.CreateInstance<KafkaLog>(services);

    public override async Task CreateAsync(int partitions, params string[] topics)
    {
        if (bootstrap is null)
        {
            await Shared.PrepareAsync(topics, partitions);
        }

        await using var services = new ServiceCollection().AddLogging().AddOnexKafka(Settings).BuildServiceProvider();
        await services.GetRequiredService<TopicAdmin>().EnsureTopicsAsync(topics, partitions, null, CancellationToken.None);
    }

    public override IReadOnlyDictionary<int, long> Committed(string topic, string group, int partitions)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig { BootstrapServers = Bootstrap, GroupId = group }).Build();
        return consumer
            .Committed([.. Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p))], TimeSpan.FromSeconds(10))
            .ToDictionary(offset => offset.Partition.Value, offset => offset.Offset.Value);
    }

    public override async Task<IReadOnlyList<ConsumedRecord>> ReadAsync(string topic, int count) =>
        await Task.Run(() => Read(topic, count));

    private List<ConsumedRecord> Read(string topic, int count)
    {
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig
        {
            BootstrapServers = Bootstrap,
            GroupId = topic + "-look",
            EnableAutoCommit = false,
        })
            .SetKeyDeserializer(Deserializers.ByteArray!)
            .SetValueDeserializer(Deserializers.ByteArray!)
            .Build();
        using (var admin = new DependentAdminClientBuilder(consumer.Handle).Build())
        {
            var partitions = admin.GetMetadata(topic, TimeSpan.FromSeconds(30)).Topics[0].Partitions;
            consumer.Assign(partitions.Select(partition => new TopicPartitionOffset(topic, partition.PartitionId, Offset.Beginning)));
        }

        var records = new List<ConsumedRecord>();
        var started = TimeProvider.System.GetTimestamp();
        while (records.Count < count && TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(1))
        {
            if (consumer.Consume(200) is { } record)
            {
                records.Add(Record(record));
            }
        }

        consumer.Close();
        Assert.Equal(count, records.Count);
        return records;
    }
}

/// <summary>The in-memory log, which the members of a test share.</summary>
internal sealed class MemoryTestBus(int kept = 1000, long heldBytesMax = 64L << 20) : TestBus
{
    private MemoryLog? _log;

    public override KafkaSettings Settings => new()
    {
        BootstrapServers = "this process",
        ClientId = "onex-test",
        DrainFor = TimeSpan.FromMilliseconds(500),
    };

    public MemoryLog Memory => _log ?? throw new InvalidOperationException("The topics are not created yet.");

    // The log belongs to the test and outlives its members; all other services belong to a member.
    public override void Add(IServiceCollection services, KafkaSettings settings) =>
        services.AddOnexMemoryLog([], 1, kept, settings).AddSingleton(Memory);

    public override IRecordLog Log(IServiceProvider services) => services.GetRequiredService<MemoryLog>();

    public override Task CreateAsync(int partitions, params string[] topics)
    {
        _log ??= new MemoryLog(topics, partitions, kept, heldBytesMax);
        Assert.All(topics, topic => Assert.Equal(partitions, _log.Partitions(topic)));
        return Task.CompletedTask;
    }

    public override IReadOnlyDictionary<int, long> Committed(string topic, string group, int partitions) =>
        Enumerable.Range(0, partitions).ToDictionary(
            partition => partition, partition => Memory.Committed(group, new TopicPartition(topic, partition)) ?? Offset.Unset.Value);

    public override async Task<IReadOnlyList<ConsumedRecord>> ReadAsync(string topic, int count)
    {
        await Condition.HoldsAsync(() => Memory.Held(topic).Count >= count);
        return [.. Memory.Held(topic).Take(count).Select(Record)];
    }
}
