using System.Globalization;
using Onex.Metrics;

namespace Onex.Tests.Unit.Metrics;

/// <summary>Label values are of closed sets, whatever arrives from outside.</summary>
public sealed class OnexMeterTests : IDisposable
{
    private static readonly Metric _requests =
        Metric.Counter(
            "test.requests", "{request}", "Requests.", MetricLabel.Operation, MetricLabel.Create("outcome", "accepted", "rejected"));

    private static readonly Metric _waits =
        Metric.Histogram("test.wait", "s", Metric.Seconds, "Waits.", MetricLabel.Connection);

    private readonly OnexMeter _meter = new();
    private readonly MetricReader _reader;

    public OnexMeterTests() => _reader = new MetricReader(_meter);

    [Fact]
    public void A_thousand_unknown_operations_are_one_series()
    {
        var counter = _meter.Counter(_requests);
        _meter.AddLabelValues(MetricLabel.Operation, ["order"]);
        counter.Add(1, "order", "accepted");
        for (var i = 0; i < 1_000; i++)
        {
            counter.Add(1, $"attack-{i.ToString(CultureInfo.InvariantCulture)}", "rejected");
        }

        counter.Add(1, "order", "no such outcome");
        counter.Add(1, null, "rejected");

        Assert.Equal(
            [("test.requests{none,rejected}", 1), ("test.requests{order,accepted}", 1), ("test.requests{order,other}", 1),
                ("test.requests{other,rejected}", 1_000)],
            _reader.Sums().OrderBy(series => series.Key, StringComparer.Ordinal).Select(series => (series.Key, series.Value)));
    }

    [Fact]
    public void Values_that_are_loaded_later_are_known_from_then_on_and_earlier_ones_stay()
    {
        var waits = _meter.Histogram(_waits);
        waits.Record(1, "bank");
        _meter.AddLabelValues(MetricLabel.Connection, ["bank"]);
        waits.Record(2, "bank");
        _meter.AddLabelValues(MetricLabel.Connection, ["post"]);
        waits.Record(4, "bank");

        Assert.Equal(6, _reader.Sums()["test.wait{bank}"]);
        Assert.Equal(1, _reader.Sums()["test.wait{other}"]);
    }

    [Fact]
    public void A_set_that_grows_with_every_reload_stays_bounded()
    {
        var waits = _meter.Histogram(_waits);
        for (var i = 0; i < 3_000; i++)
        {
            var name = i.ToString(CultureInfo.InvariantCulture);
            _meter.AddLabelValues(MetricLabel.Connection, [name]);
            waits.Record(1, name);
        }

        Assert.Equal(LabelValues.CountMax + 1, _reader.Sums().Count);
        Assert.Equal(3_000 - LabelValues.CountMax, _reader.Sums()["test.wait{other}"]);
    }

    [Fact]
    public void A_gauge_is_bounded_too_and_is_read_only_when_someone_listens()
    {
        using var unobserved = new OnexMeter();
        var read = 0;
        var gauge = unobserved.Gauge(Metric.Gauge("test.open", "{connection}", "Open.", MetricLabel.Connection), Values);

        Assert.False(gauge.Enabled);
        Assert.Equal(0, read);

        using var reader = new MetricReader(unobserved);

        Assert.True(gauge.Enabled);
        Assert.Equal(7, reader.Sums()["test.open{other}"]);
        Assert.Equal(1, read);

        IEnumerable<GaugeValue> Values()
        {
            read++;
            yield return new GaugeValue(7, "unknown");
        }
    }

    [Fact]
    public void Counting_without_a_listener_allocates_nothing()
    {
        using var unobserved = new OnexMeter();
        var counter = unobserved.Counter(_requests);
        counter.Add(1, "order", "accepted");

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            counter.Add(1, "order", "accepted");
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_missing_label_is_an_error_of_the_caller() =>
        Assert.Throws<ArgumentException>(() => _meter.Counter(_requests).Add(1, "order"));

    public void Dispose()
    {
        _reader.Dispose();
        _meter.Dispose();
    }
}
