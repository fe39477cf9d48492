using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Rider;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>The bus of one process: MassTransit's bus with the rider, and its services.</summary>
public sealed class RiderMember(ServiceProvider services) : IAsyncDisposable
{
    private readonly IBusControl _bus = services.GetRequiredService<IBusControl>();
    private bool _stopped;

    public IRecordProducer Producer => services.GetRequiredService<IRecordProducer>();

    public BreakableLog Log => services.GetRequiredService<BreakableLog>();

    /// <summary>Throws for the in-memory log, which has none.</summary>
    public TopicAdmin Topics => services.GetRequiredService<TopicAdmin>();

    /// <summary>Throws for the in-memory log, which has none.</summary>
    public BrokerHealth Broker => services.GetRequiredService<BrokerHealth>();

    /// <summary>Counts records that were deleted before they were read.</summary>
    public MissedRecordsCount Missed => services.GetRequiredService<MissedRecordsCount>();

    public BusHealthResult Health => _bus.CheckHealth();

    /// <summary>The health of the rider's endpoints. The in-memory bus itself is always healthy.</summary>
    public IReadOnlyList<BusHealthStatus> Endpoints =>
        [.. Health.Endpoints.Where(
            endpoint => endpoint.Key.Contains("/kafka/", StringComparison.Ordinal)).Select(endpoint => endpoint.Value.Status)];

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
        services.AddSingleton(provider => new BreakableLog(bus.Log(provider)));
        services.AddSingleton<IRecordLog>(provider => provider.GetRequiredService<BreakableLog>());
        register?.Invoke(services);
        var member = new RiderMember(services.BuildServiceProvider(validateScopes: true));
        await member._bus.StartAsync();
        return member;
    }

    public Task WaitUntilReadyAsync() => Condition.HoldsAsync(() => IsReady, () => Health.Description ?? "");

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
