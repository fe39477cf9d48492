using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Metrics;
using Onex.Persistence;
using Onex.Persistence.Monitoring;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Reports the metrics that are read from the store, and the overdue timers. A loop reads the store at an interval while metrics are
/// exported. Only the orchestrator with the first home partition does, so that values are not reported once per process.
/// </summary>
internal sealed class StoreMetrics : BackgroundService
{
    internal static readonly MetricLabel Reason = MetricLabel.Create("reason", "no_wakeup", "overdue");

    internal static readonly Metric Blocked = Metric.Gauge(
        "onex.saga.blocked", "{saga}", $"Blocked sagas, up to {StoreReading.CountMax}. Each waits for an operator.", MetricLabel.Contract);

    internal static readonly Metric Paused = Metric.Gauge(
        "onex.saga.paused", "{saga}", $"Sagas that an operator paused, up to {StoreReading.CountMax}.", MetricLabel.Contract);

    internal static readonly Metric Stuck = Metric.Gauge(
        "onex.saga.stuck", "{saga}",
        "Sagas, not blocked or paused, with neither a timer nor an awaited event, or overdue by five minutes. Must be 0. The overdue ones "
        + "are those of the home partitions of the process.",
        Reason);

    internal static readonly Metric OutboxAge = Metric.Gauge(
        "onex.outbox.age", "s", "Age of the oldest committed message that is not acknowledged by the broker; 0 without one.");

    internal static readonly Metric DeadLetters = Metric.Gauge(
        "onex.dead_letter.open", "{message}", $"Open dead letters, up to {StoreReading.CountMax}, by the topic of the record.",
        MetricLabel.Topic);

    internal static readonly Metric Parked = Metric.Gauge(
        "onex.connection.parked", "{command}", $"Parked commands, up to {StoreReading.CountMax} per connection.", MetricLabel.Connection);

    internal static readonly Metric ParkedAge = Metric.Gauge(
        "onex.connection.parked.age", "s", "How long ago the oldest parked command was parked.", MetricLabel.Connection);

    internal static readonly Metric HistorySize = Metric.Gauge(
        "onex.history.size", "By",
        "Size of the history of sagas on disk, with its indexes. Zero with SQLite, where it is part of the file.");

    internal static readonly Metric DatabaseSize = Metric.Gauge("onex.database.size", "By", "Size of the database on disk.");

    internal static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    // A reading that is older than this is not reported: an alert would otherwise see the last good value for ever.
    private static readonly TimeSpan _validFor = TimeSpan.FromSeconds(60);

    private readonly IStoreGauges _store;
    private readonly IHomeState _home;
    private readonly TimeProvider _time;
    private readonly ILogger<StoreMetrics> _logger;
    private readonly Func<IReadOnlyCollection<string>> _connections;
    private readonly BoundedGauge _blocked;
    private volatile TimedReading? _latest;

    public StoreMetrics(
        OnexMeter meter,
        IStoreGauges store,
        IHomeState home,
        TimeProvider time,
        ILogger<StoreMetrics> logger,
        Func<IReadOnlyCollection<string>> connections)
    {
        (_store, _home, _time, _logger, _connections) = (store, home, time, logger, connections);
        _blocked = meter.Gauge(Blocked, () => Halted("blocked"));
        meter.Gauge(Paused, () => Halted("paused"));
        meter.Gauge(Stuck, CountStuck);
        meter.Gauge(OutboxAge, () => Values(reading => [new GaugeValue(reading.OutboxAge.TotalSeconds)]));
        meter.Gauge(DeadLetters, () => Values(reading => [.. reading.DeadLetters.Select(topic => new GaugeValue(topic.Value, topic.Key))]));
        meter.Gauge(Parked, () => PerConnection(parked => parked?.Count ?? 0));
        meter.Gauge(ParkedAge, () => PerConnection(parked => parked?.Age.TotalSeconds ?? 0));
        meter.Gauge(HistorySize, () => Values(reading => [new GaugeValue(reading.HistoryBytes)]));
        meter.Gauge(DatabaseSize, () => Values(reading => [new GaugeValue(reading.DatabaseBytes)]));
    }

    /// <summary>Reads the store if metrics are exported and this orchestrator has the first home partition.</summary>
    internal async Task ReadAsync(CancellationToken cancellation)
    {
        if (!_blocked.Enabled || !_home.HasFirstPartition)
        {
            _latest = null;
            return;
        }

        _latest = new TimedReading(await _store.ReadAsync(_connections(), cancellation), _time.GetTimestamp());
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failing = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(stoppingToken);
                failing = false;
            }
            catch (StoreUnavailableException unavailable)
            {
                if (!failing)
                {
                    Log.GaugesNotRead(_logger, unavailable.Message);
                }

                failing = true;
            }

            await Task.Delay(Every, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private IEnumerable<GaugeValue> CountStuck() => Values(reading => [new GaugeValue(reading.WithoutWakeup, "no_wakeup")])
        .Append(new GaugeValue(_home.OverdueTimers, "overdue"));

    private IEnumerable<GaugeValue> Halted(string status) => Values(reading =>
        [.. reading.Halted.Where(halted => halted.Status == status).Select(halted => new GaugeValue(halted.Count, halted.Contract))]);

    private IEnumerable<GaugeValue> PerConnection(Func<ParkedCommands?, double> value) => Values(reading =>
        [.. _connections().Select(name => new GaugeValue(value(reading.Parked.GetValueOrDefault(name)), name))]);

    private IEnumerable<GaugeValue> Values(Func<StoreReading, IEnumerable<GaugeValue>> values) =>
        _latest is { } latest && _time.GetElapsedTime(latest.At) < _validFor ? values(latest.Reading) : [];

    private sealed record TimedReading(StoreReading Reading, long At);
}
