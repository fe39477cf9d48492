using Microsoft.Extensions.Time.Testing;
using Onex.Metrics;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Orchestrator.Routing;

public sealed class RoundMetricsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Each_stage_is_measured_from_the_end_of_the_previous_stage()
    {
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        var metrics = new RoundMetrics(meter, _time);

        var began = metrics.Now;
        foreach (var stage in (string[])["load", "decide", "commit", "send"])
        {
            _time.Advance(TimeSpan.FromSeconds(stage.Length));
            began = metrics.Ended(stage, began);
        }

        var sums = reader.Sums();
        Assert.Equal(
            [4, 6, 6, 4],
            ((string[])["load", "decide", "commit", "send"]).Select(stage => sums[$"onex.round.stage.duration{{{stage}}}"]));
    }

    [Fact]
    public void A_commit_is_measured_with_its_size_and_the_result_for_each_saga()
    {
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        var metrics = new RoundMetrics(meter, _time);
        var began = metrics.Now;
        _time.Advance(TimeSpan.FromSeconds(2));

        metrics.Committed(
            [
                CommitResult.Committed.Instance, CommitResult.Committed.Instance, CommitResult.Stale.Instance,
            ],
            began);
        metrics.LookedUp(3, 1);

        Assert.Equal(
            [
                ("onex.commit.duration{}", 2), ("onex.commit.results{committed}", 2), ("onex.commit.results{stale}", 1),
                ("onex.commit.sagas{}", 3), ("onex.saga.cache.lookups{false}", 1), ("onex.saga.cache.lookups{true}", 3),
            ],
            reader.Sums().OrderBy(series => series.Key, StringComparer.Ordinal).Select(series => (series.Key, series.Value)));
    }

    [Fact]
    public void Without_a_listener_no_time_is_measured_and_nothing_is_allocated()
    {
        using var meter = new OnexMeter();
        var metrics = new RoundMetrics(meter, _time);
        CommitResult[] results = [CommitResult.Stale.Instance];
        Round();

        var before = GC.GetAllocatedBytesForCurrentThread();
        Round();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0, metrics.Now);

        void Round()
        {
            var began = metrics.Ended("load", metrics.Now);
            metrics.LookedUp(3, 1);
            metrics.Committed(results, began);
            metrics.Ended("send", metrics.Ended("commit", metrics.Ended("decide", began)));
        }
    }
}
