using Onex.Hosting.Telemetry;
using Onex.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Metric = Onex.Metrics.Metric;

namespace Onex.Tests.Unit.Hosting.Telemetry;

/// <summary>The text of <c>/metrics</c>.</summary>
public sealed class PrometheusExporterTests : IDisposable
{
    private readonly OnexMeter _meter = new();
    private readonly PrometheusExporter _exporter = new();
    private readonly MeterProvider _provider;

    // Only the meter of this test: tests that run at the same time have other meters of the same name.
    public PrometheusExporterTests() => _provider = Sdk.CreateMeterProviderBuilder()
        .AddMeter(OnexMeter.Name)
        .AddView(instrument => instrument.Meter == _meter.Meter ? null : MetricStreamConfiguration.Drop)
        .AddReader(new BaseExportingMetricReader(_exporter))
        .Build();

    [Fact]
    public void A_histogram_has_cumulative_buckets_a_sum_and_a_count()
    {
        var waits = _meter.Histogram(Metric.Histogram("test.wait", "s", [0.5, 1], "Waits."));
        waits.Record(0.25);
        waits.Record(0.75);
        waits.Record(5);

        Assert.EndsWith(
            """
            # HELP test_wait_seconds Waits.
            # TYPE test_wait_seconds histogram
            test_wait_seconds_bucket{le="0.5"} 1
            test_wait_seconds_bucket{le="1"} 2
            test_wait_seconds_bucket{le="+Inf"} 3
            test_wait_seconds_sum 6
            test_wait_seconds_count 3

            """,
            Collect());
    }

    [Fact]
    public void A_label_value_is_escaped()
    {
        _meter.AddLabelValues(MetricLabel.Contract, ["a\"b\\c\nd"]);
        _meter.Counter(Metric.Counter("test.started", "{saga}", "Started.", MetricLabel.Contract)).Add(2, "a\"b\\c\nd");

        Assert.Contains("# TYPE test_started_total counter\ntest_started_total{contract=\"a\\\"b\\\\c\\nd\"} 2\n", Collect());
    }

    [Fact]
    public void A_series_that_a_gauge_stops_reporting_is_0()
    {
        _meter.AddLabelValues(MetricLabel.Contract, ["order"]);
        GaugeValue[] values = [new GaugeValue(3, "order")];
        _meter.Gauge(Metric.Gauge("test.blocked", "{saga}", "Blocked.", MetricLabel.Contract), () => values);
        Assert.Contains("test_blocked{contract=\"order\"} 3\n", Collect());

        values = [];

        Assert.Contains("test_blocked{contract=\"order\"} 0\n", Collect());
    }

    public void Dispose()
    {
        _provider.Dispose();
        _meter.Dispose();
    }

    private string Collect()
    {
        _exporter.Collect!(Timeout.Infinite);
        return _exporter.Text;
    }
}
