using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Metrics;
using Onex.Orchestrator.Background;
using Onex.Persistence.Monitoring;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Orchestrator.Background;

/// <summary>Readings of the store become gauges of one orchestrator. StoreGaugesCompliance tests the readings themselves.</summary>
public sealed class StoreMetricsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly OnexMeter _meter = new();
    private readonly Home _home = new() { HasFirstPartition = true, OverdueTimers = 3 };
    private readonly StoreMetrics _metrics;

    public StoreMetricsTests()
    {
        _meter.AddLabelValues(MetricLabel.Contract, ["order"]);
        _meter.AddLabelValues(MetricLabel.Connection, ["bank", "post"]);
        _meter.AddLabelValues(MetricLabel.Topic, ["requests"]);
        _metrics = new StoreMetrics(
            _meter, new Store(), _home, _time, NullLogger<StoreMetrics>.Instance, () => ["bank", "post"]);
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task A_reading_of_the_store_is_reported_per_contract_connection_and_topic()
    {
        using var reader = new MetricReader(_meter);
        await _metrics.ReadAsync(CancellationToken.None);
        Assert.Equal(
            [
                "onex.connection.parked.age{bank} 90", "onex.connection.parked.age{post} 0", "onex.connection.parked{bank} 5",
                "onex.connection.parked{post} 0", "onex.database.size{} 2000", "onex.dead_letter.open{requests} 4",
                "onex.history.size{} 1000", "onex.outbox.age{} 7", "onex.saga.blocked{order} 1", "onex.saga.paused{order} 2",
                "onex.saga.stuck{no_wakeup} 6", "onex.saga.stuck{overdue} 3",
            ],
            Series(reader));
    }

    [Fact]
    public async Task A_reading_is_not_reported_after_a_minute_or_without_the_first_partition()
    {
        using (var reader = new MetricReader(_meter))
        {
            await _metrics.ReadAsync(CancellationToken.None);
            _time.Advance(TimeSpan.FromSeconds(60));
            Assert.Equal(["onex.saga.stuck{overdue} 3"], Series(reader));
        }

        _home.HasFirstPartition = false;
        using var later = new MetricReader(_meter);
        await _metrics.ReadAsync(CancellationToken.None);
        Assert.Equal(["onex.saga.stuck{overdue} 3"], Series(later));
    }

    private static IEnumerable<string> Series(MetricReader reader) => reader.Sums()
        .Select(series => $"{series.Key} {series.Value.ToString(System.Globalization.CultureInfo.InvariantCulture)}")
        .Order(StringComparer.Ordinal);

    private sealed class Home : IHomeState
    {
        public bool HasFirstPartition { get; set; }

        public int OverdueTimers { get; set; }
    }

    private sealed class Store : IStoreGauges
    {
        public Task<StoreReading> ReadAsync(IReadOnlyCollection<string> connections, CancellationToken cancellation) =>
            Task.FromResult(new StoreReading
            {
                Halted = [new HaltedSagas("order", "blocked", 1), new HaltedSagas("order", "paused", 2)],
                WithoutWakeup = 6,
                OutboxAge = TimeSpan.FromSeconds(7),
                DeadLetters = new Dictionary<string, long> { ["requests"] = 4 },
                Parked = new Dictionary<string, ParkedCommands> { ["bank"] = new(5, TimeSpan.FromSeconds(90)) },
                HistoryBytes = 1_000,
                DatabaseBytes = 2_000,
            });
    }
}
