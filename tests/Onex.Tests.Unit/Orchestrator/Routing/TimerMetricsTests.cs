using Microsoft.Extensions.Time.Testing;
using Onex.Metrics;
using Onex.Orchestrator;
using Onex.Orchestrator.Routing;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Orchestrator.Routing;

public sealed class TimerMetricsTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Timers_that_are_due_are_counted_with_the_lateness_of_the_oldest()
    {
        var queue = new WakeupQueue();
        Assert.Equal((0, TimeSpan.Zero), queue.MeasureDue(_now));

        var rescheduled = SagaId.Create(_now);
        queue.Set(SagaId.Create(_now), 0, _now.AddSeconds(5));
        queue.Set(SagaId.Create(_now), 0, _now.AddSeconds(-3));
        queue.Set(rescheduled, 0, _now.AddSeconds(-9));
        Assert.Equal((2, TimeSpan.FromSeconds(9)), queue.MeasureDue(_now));

        queue.Set(rescheduled, 0, _now.AddSeconds(30));
        Assert.Equal((1, TimeSpan.FromSeconds(3)), queue.MeasureDue(_now));

        queue.TakeDue(_now, 10);
        Assert.Equal((0, TimeSpan.Zero), queue.MeasureDue(_now));
    }

    [Fact]
    public void Pending_due_and_fired_timers_are_measured()
    {
        var queue = new WakeupQueue();
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        var metrics = new TimerMetrics(meter, queue, new DatabaseClock(new FakeTimeProvider(_now)));
        queue.Set(SagaId.Create(_now), 0, _now.AddSeconds(5));
        queue.Set(SagaId.Create(_now), 0, _now.AddSeconds(-3));
        metrics.Count(4);

        Assert.Equal(
            [("onex.timer.due{}", 1), ("onex.timer.fired{}", 4), ("onex.timer.lateness{}", 3), ("onex.timer.pending{}", 2)],
            reader.Sums().OrderBy(series => series.Key, StringComparer.Ordinal).Select(series => (series.Key, series.Value)));
    }
}
