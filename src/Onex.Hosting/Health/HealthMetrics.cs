using Onex.Metrics;

namespace Onex.Hosting.Health;

/// <summary>Reports readiness and the components of <c>/health/detailed</c>.</summary>
internal sealed class HealthMetrics
{
    internal static readonly Metric Ready = Metric.Gauge(
        "onex.ready", "{process}", "Whether `/ready` answers 200: 1 or 0. A process that is stopping is not ready.");

    internal static readonly Metric Component = Metric.Gauge(
        "onex.component.usable", "{component}", "Whether a component works: 1 or 0.", MetricLabel.Component);

    public HealthMetrics(OnexMeter meter, HealthAnswers answers, HealthMonitor monitor)
    {
        meter.AddLabelValues(MetricLabel.Component, monitor.Snapshot().Select(component => component.Name));
        meter.Gauge(Ready, () => [new GaugeValue(answers.IsReady ? 1 : 0)]);
        meter.Gauge(Component, () => monitor.Snapshot().Select(component => new GaugeValue(component.Usable ? 1 : 0, component.Name)));
    }
}
