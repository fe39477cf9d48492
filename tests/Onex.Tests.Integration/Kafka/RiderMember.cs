using System.Collections.Concurrent;
using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Rider;

namespace Onex.Tests.Integration.Kafka;

/// <summary>The bus of one process: MassTransit's bus with the rider, and its services.</summary>
internal sealed class RiderMember(ServiceProvider services) : IAsyncDisposable
{
    private readonly IBusControl _bus = services.GetRequiredService<IBusControl>();
    private bool _stopped;

    public IRecordProducer Producer => services.GetRequiredService<IRecordProducer>();

    public MortalLog Log => services.GetRequiredService<MortalLog>();

    /// <summary>With a broker only.</summary>
    public TopicAdmin Topics => services.GetRequiredService<TopicAdmin>();

    /// <summary>With a broker only.</summary>
    public BrokerHealth Broker => services.GetRequiredService<BrokerHealth>();

    /// <summary>Counts records that were deleted before they were read.</summary>
    public MissedRecordsCount Missed => services.GetRequiredService<MissedRecordsCount>();

    public BusHealthResult Health => _bus.CheckHealth();

    /// <summary>The health of the rider's endpoints. The in-memory bus itself is always healthy.</summary>
    public IReadOnlyList<BusHealthStatus> Endpoints =>
        [
            .. Health.Endpoints
                .Where(endpoint => endpoint.Key.Contains("/kafka/", StringComparison.Ordinal))
                .Select(endpoint => endpoint.Value.Status),
        ];

    /// <summary>Why the endpoints are not ready.</summary>
    public string Problems => string.Join("; ", services.GetRequiredService<IBusInstance>().GetRider<IKafkaRider>().Problems);

    public bool IsReady => services.GetRequiredService<IBusInstance>().GetRider<IKafkaRider>().Endpoints.Values.All(ready => ready)
        && Health.Status == BusHealthStatus.Healthy;

    public static async Task<RiderMember> StartAsync(
        TestBus bus,
        Action<IKafkaRiderConfigurator> configure,
        Func<KafkaSettings, KafkaSettings>? change = null,
        Action<IServiceCollection>? register = null)
    {
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(new TestLog()))
            .AddMassTransit(x =>
            {
                x.DisableUsageTelemetry();
                x.UsingInMemory();
                x.AddRider(rider => rider.UsingKafka((_, k) => configure(k)));
            });
        bus.Add(services, change?.Invoke(bus.Settings) ?? bus.Settings);
        services.AddSingleton(provider => new MortalLog(bus.Log(provider)));
        services.AddSingleton<IRecordLog>(provider => provider.GetRequiredService<MortalLog>());
        register?.Invoke(services);
        var member = new RiderMember(services.BuildServiceProvider(validateScopes: true));
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

/// <summary>Waits for a condition instead of a fixed time.</summary>
internal static class Eventually
{
    public static Task TrueAsync(Func<bool> condition, Func<string>? state = null, TimeSpan? within = null) =>
        TrueAsync(() => Task.FromResult(condition()), state, within);

    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string>? state = null, TimeSpan? within = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < (within ?? TimeSpan.FromMinutes(1)), "never came true: " + state?.Invoke());
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}

/// <summary>A handler that records its calls and runs an action of the test.</summary>
internal sealed class Remembering(Action<BatchEntry> handle) : IRecordBatchHandler
{
    public static Remembering Completing => new(entry => entry.Complete(RecordOutcome.Handled.Instance));

    public ConcurrentQueue<BatchEntry> Given { get; } = new();

    public ConcurrentQueue<string> Calls { get; } = new();

    public HashSet<int> Owned { get; } = [];

    /// <summary>Runs before the handler is assigned partitions.</summary>
    public Func<CancellationToken, Task> Prepare { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs before a batch.</summary>
    public Func<IReadOnlyList<BatchEntry>, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs at each change of the assigned partitions: one more, or one less.</summary>
    public Action<int, IReadOnlyCollection<int>> Changed { get; set; } = (_, _) => { };

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
        Changed(1, partitions);
        lock (Owned)
        {
            Owned.UnionWith(partitions);
        }
    }

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        Calls.Enqueue("-" + string.Join(',', partitions.Order()));
        Changed(-1, partitions);
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
