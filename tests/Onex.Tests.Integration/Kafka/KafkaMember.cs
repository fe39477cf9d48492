using System.Collections.Concurrent;
using Confluent.Kafka;
using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Riding;

namespace Onex.Tests.Integration.Kafka;

/// <summary>One process's share of Kafka: a bus with the rider, and what stands beside it.</summary>
internal sealed class KafkaMember(ServiceProvider services) : IAsyncDisposable
{
    private readonly IBusControl _bus = services.GetRequiredService<IBusControl>();
    private bool _stopped;

    public static string Bootstrap
    {
        get
        {
            var servers = Environment.GetEnvironmentVariable("KAFKA_BOOTSTRAP_SERVERS");
            Assert.SkipUnless(!string.IsNullOrEmpty(servers), "KAFKA_BOOTSTRAP_SERVERS names no broker.");
            return servers!;
        }
    }

    public IRecordProducer Producer => services.GetRequiredService<IRecordProducer>();

    public TopicAdmin Topics => services.GetRequiredService<TopicAdmin>();

    public BrokerHealth Broker => services.GetRequiredService<BrokerHealth>();

    public BusHealthResult Health => _bus.CheckHealth();

    /// <summary>How the rider's endpoints are; the in-memory bus's own is always healthy.</summary>
    public IReadOnlyList<BusHealthStatus> Endpoints =>
        [.. Health.Endpoints.Where(endpoint => endpoint.Key.Contains("/kafka/", StringComparison.Ordinal)).Select(endpoint => endpoint.Value.Status)];

    public bool IsReady => services.GetRequiredService<IBusInstance>().GetRider<IKafkaRider>().Endpoints.Values.All(ready => ready)
        && Health.Status == BusHealthStatus.Healthy;

    /// <summary>A topic name that no other test has.</summary>
    public static string NewTopic([System.Runtime.CompilerServices.CallerMemberName] string test = "") =>
        $"{test[..Math.Min(test.Length, 40)]}-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}";

    public static async Task<KafkaMember> StartAsync(
        Action<IKafkaRiderConfigurator> configure,
        Func<KafkaSettings, KafkaSettings>? change = null,
        Action<IServiceCollection>? register = null,
        string? bootstrap = null)
    {
        var settings = new KafkaSettings
        {
            BootstrapServers = bootstrap ?? Bootstrap,
            ClientId = "onex-test",
            SessionTimeout = TimeSpan.FromSeconds(6),
            DrainFor = TimeSpan.FromSeconds(5),
        };
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(new TestLog()))
            .AddOnexKafka(change?.Invoke(settings) ?? settings)
            .AddMassTransit(x =>
            {
                x.DisableUsageTelemetry();
                x.UsingInMemory();
                x.AddRider(rider => rider.UsingKafka((_, k) => configure(k)));
            });
        register?.Invoke(services);
        var member = new KafkaMember(services.BuildServiceProvider(validateScopes: true));
        await member._bus.StartAsync();
        return member;
    }

    public Task WaitUntilReadyAsync() => Eventually.TrueAsync(() => IsReady, () => Health.Description ?? "");

    public async Task<DeliveryReport[]> ProduceAsync(string topic, int? partition, params string[] values) =>
        await Task.WhenAll(values.Select(value => Producer.ProduceAsync(
            new ProducedRecord(topic, partition, "key", System.Text.Encoding.UTF8.GetBytes(value), []), CancellationToken.None)));

    /// <summary>Stops in order: drains, commits, leaves the group.</summary>
    public async Task StopAsync()
    {
        if (!_stopped)
        {
            _stopped = true;
            await _bus.StopAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await services.DisposeAsync();
    }

    private sealed class TestLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            TestContext.Current.TestOutputHelper?.WriteLine($"{logLevel}: {formatter(state, exception)} {exception?.Message}");

        public void Dispose()
        {
        }
    }
}

/// <summary>Waits for a condition, never for time.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<bool> condition, Func<string>? state = null, TimeSpan? within = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < (within ?? TimeSpan.FromSeconds(30)), "never came true: " + state?.Invoke());
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}

/// <summary>A handler that remembers what it was given and does with it what the test says.</summary>
internal sealed class Remembering(Action<BatchEntry> handle) : IRecordBatchHandler
{
    public static Remembering Settling => new(entry => entry.Settle(RecordOutcome.Done.Instance));

    public ConcurrentQueue<BatchEntry> Given { get; } = new();

    public ConcurrentQueue<string> Calls { get; } = new();

    public HashSet<int> Owned { get; } = [];

    /// <summary>What happens before the partitions are taken up.</summary>
    public Func<CancellationToken, Task> Prepare { get; set; } = _ => Task.CompletedTask;

    /// <summary>What happens before a batch.</summary>
    public Func<IReadOnlyList<BatchEntry>, Task> Before { get; set; } = _ => Task.CompletedTask;

    public IEnumerable<string> Values => Given.Select(entry => System.Text.Encoding.UTF8.GetString(entry.Record.Value ?? []));

    public async Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        await Before(batch);
        foreach (var entry in batch)
        {
            Given.Enqueue(entry);
            handle(entry);
        }
    }

    public async Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        await Prepare(cancellation);
        Calls.Enqueue("+" + string.Join(',', partitions.Order()));
        lock (Owned)
        {
            Owned.UnionWith(partitions);
        }
    }

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        Calls.Enqueue("-" + string.Join(',', partitions.Order()));
        lock (Owned)
        {
            Owned.ExceptWith(partitions);
        }
    }

    public int[] OwnedNow()
    {
        lock (Owned)
        {
            return [.. Owned.Order()];
        }
    }
}

/// <summary>Reads what stands in Kafka, beside the code under test.</summary>
internal static class Look
{
    public static IReadOnlyDictionary<int, long> Committed(string topic, string group, int partitions)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig { BootstrapServers = KafkaMember.Bootstrap, GroupId = group }).Build();
        return consumer
            .Committed([.. Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p))], TimeSpan.FromSeconds(10))
            .ToDictionary(offset => offset.Partition.Value, offset => offset.Offset.Value);
    }

    public static List<ConsumeResult<byte[], byte[]>> Read(string topic, int count)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = KafkaMember.Bootstrap,
            GroupId = topic + "-look",
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnableAutoCommit = false,
            TopicMetadataRefreshIntervalMs = 500,
        }).Build();
        consumer.Subscribe(topic);
        var records = new List<ConsumeResult<byte[], byte[]>>();
        var began = TimeProvider.System.GetTimestamp();
        while (records.Count < count && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30))
        {
            if (consumer.Consume(200) is { } record)
            {
                records.Add(record);
            }
        }

        consumer.Close();
        Assert.Equal(count, records.Count);
        return records;
    }
}
