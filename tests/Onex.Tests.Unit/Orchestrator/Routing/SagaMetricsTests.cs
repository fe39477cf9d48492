using Onex.Metrics;
using Onex.Orchestrator.Routing;
using Onex.Tests.Unit.Engine;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Orchestrator.Routing;

public sealed class SagaMetricsTests : IDisposable
{
    private readonly OnexMeter _meter = new();
    private readonly MetricReader _reader;
    private readonly SagaMetrics _metrics;
    private readonly SagaScenario _saga = new("""
        contract: order
        version: 1.0.0
        description: Reserves and charges.
        input: { type: object }
        initial: paying
        states:
          paying:
            steps:
              - id: reserve
                effect: http.post
                connection: outside
                with: { path: /reserve }
                compensate: { effect: http.post, connection: outside, with: { path: /undo }, when_unknown: block }
              - id: charge
                effect: http.post
                connection: outside
                with: { path: /charge }
                retry: { attempts: 2 }
                compensate: { none: "It is the last step." }
            next: done
          done: { end: completed }
        """);

    private SagaState? _before;

    public SagaMetricsTests()
    {
        _reader = new MetricReader(_meter);
        _metrics = new SagaMetrics(_meter);
        SagaMetrics.AddLabelValues(_meter, [_saga.Plan]);
        _meter.AddLabelValues(MetricLabel.Operation, ["http.post"]);
    }

    [Fact]
    public void A_saga_that_retries_and_compensates_is_counted_step_by_step()
    {
        Commit(() => _saga.Starts("{}"));
        Commit(() => _saga.Answered("reserve", 200));
        Commit(() => _saga.Fails("charge"));
        Commit(() => _saga.Wakes());
        Commit(() => _saga.Answered("charge", 400));
        Commit(() => _saga.Answered("reserve", 200));

        var sums = _reader.Sums();
        Assert.Equal(1, sums["onex.saga.started{order}"]);
        Assert.Equal(1, sums["onex.saga.ended{order,failed}"]);
        Assert.Equal(1, sums["onex.step.retries{order,charge}"]);
        Assert.Equal(1, sums["onex.step.compensations{order,reserve}"]);
        Assert.Equal(2, sums["onex.step.attempts{order,reserve,http.post}"]);
        Assert.Equal(2, sums["onex.step.attempts{order,charge,http.post}"]);
        Assert.Equal(6, sums.Where(series => series.Key.StartsWith("onex.saga.transitions{", StringComparison.Ordinal)).Sum(s => s.Value));
        var counts = _reader.Counts();
        Assert.Equal(1, counts["onex.step.duration{order,paying,reserve,completed}"]);
        Assert.Equal(1, counts["onex.step.duration{order,paying,charge,rejected}"]);
        Assert.Equal(1, counts["onex.saga.duration{order,failed}"]);
        Assert.DoesNotContain(sums.Keys, series => series.Contains("other", StringComparison.Ordinal));
    }

    [Fact]
    public void A_saga_that_becomes_blocked_is_counted_once()
    {
        Commit(() => _saga.Starts("{}"));
        Commit(() => _saga.Answered("reserve", 200));
        Commit(() => _saga.Answered("charge", 400));
        Assert.DoesNotContain(_reader.Sums().Keys, IsBlockage);
        Commit(() => _saga.Answered("reserve", 400));

        Assert.Equal(1, _reader.Sums()[Assert.Single(_reader.Sums().Keys, IsBlockage)]);

        static bool IsBlockage(string series) => series.StartsWith("onex.saga.blockages{order,", StringComparison.Ordinal);
    }

    [Fact]
    public void A_saga_of_a_contract_that_is_not_loaded_is_counted_as_other()
    {
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        var metrics = new SagaMetrics(meter);
        _saga.Starts("{}");

        metrics.Committed(_saga.Last, null);

        Assert.All(reader.Sums().Keys, series => Assert.DoesNotContain("order", series, StringComparison.Ordinal));
        Assert.Equal(1, reader.Sums()["onex.saga.started{other}"]);
    }

    public void Dispose()
    {
        _reader.Dispose();
        _meter.Dispose();
    }

    private void Commit(Action act)
    {
        act();
        _metrics.Committed(_saga.Last, _before);
        _before = _saga.Saga;
    }
}
