using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Onex.Metrics;

/// <summary>
/// Creates the instruments of a host, and holds the closed set of values of each label. Without a listener, a value costs only a check.
/// </summary>
public sealed class OnexMeter : IDisposable
{
    /// <summary>The name that exporters listen for.</summary>
    public const string Name = "Onex";

    private readonly ConcurrentDictionary<MetricLabel, LabelValues> _values = new();

    /// <summary>The meter; one per host, so that two in one process are distinct.</summary>
    public Meter Meter { get; } = new(Name);

    /// <summary>Adds values to the closed set of a label. Earlier values stay, because sagas of replaced contracts continue.</summary>
    public void AddLabelValues(MetricLabel label, IEnumerable<string> values) => ValuesOf(label).Add(values);

    /// <summary>Creates a counter.</summary>
    public BoundedCounter Counter(Metric metric) =>
        new(Meter.CreateCounter<long>(metric.Name, metric.Unit, metric.Meaning), LabelsOf(metric));

    /// <summary>Creates a histogram.</summary>
    public BoundedHistogram Histogram(Metric metric) => new(
        Meter.CreateHistogram(
            metric.Name, metric.Unit, metric.Meaning, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = metric.Bounds }),
        LabelsOf(metric));

    /// <summary>Creates a gauge whose values are read when metrics are exported. The function must not wait for anything.</summary>
    public BoundedGauge Gauge(Metric metric, Func<IEnumerable<GaugeValue>> read)
    {
        var series = new GaugeSeries(LabelsOf(metric));
        return new BoundedGauge(Meter.CreateObservableGauge(metric.Name, () => series.Read(read()), metric.Unit, metric.Meaning));
    }

    /// <inheritdoc />
    public void Dispose() => Meter.Dispose();

    private BoundedLabels LabelsOf(Metric metric) => new([.. metric.Labels.Select(label => (label.Name, ValuesOf(label)))]);

    private LabelValues ValuesOf(MetricLabel label) =>
        _values.GetOrAdd(label, static described => new LabelValues(described.Values ?? []));
}
