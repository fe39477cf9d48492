using Onex.Metrics;

namespace Onex.Orchestrator.Routing;

/// <summary>Measures the timers in the memory of this orchestrator.</summary>
internal sealed class TimerMetrics
{
    internal static readonly Metric Pending = Metric.Gauge(
        "onex.timer.pending", "{timer}", "Timers in memory: those that are due within about a minute.");

    internal static readonly Metric Due = Metric.Gauge(
        "onex.timer.due", "{timer}", "Timers whose time has come and which have not fired yet.");

    internal static readonly Metric Lateness = Metric.Gauge(
        "onex.timer.lateness", "s", "How long the oldest timer that is due has been waiting to fire; 0 without one.");

    internal static readonly Metric Fired = Metric.Counter("onex.timer.fired", "{timer}", "Timers that fired.");

    private readonly BoundedCounter _fired;

    public TimerMetrics(OnexMeter meter, WakeupQueue queue, DatabaseClock clock)
    {
        _fired = meter.Counter(Fired);
        meter.Gauge(Pending, () => [new GaugeValue(queue.Count)]);
        meter.Gauge(Due, () => [new GaugeValue(queue.MeasureDue(clock.Now).Count)]);
        meter.Gauge(Lateness, () => [new GaugeValue(queue.MeasureDue(clock.Now).Lateness.TotalSeconds)]);
    }

    public void Count(int fired) => _fired.Add(fired);
}
