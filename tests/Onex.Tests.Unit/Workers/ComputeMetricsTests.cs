using Microsoft.Extensions.Time.Testing;
using Onex.Metrics;
using Onex.Tests.Unit.Metrics;
using Onex.Workers.Running;

namespace Onex.Tests.Unit.Workers;

/// <summary>What computes add to the metrics.</summary>
public sealed class ComputeMetricsTests : IDisposable
{
    private readonly OnexMeter _meter = new();
    private readonly MetricReader _reader;

    public ComputeMetricsTests() => _reader = new MetricReader(_meter);

    public void Dispose()
    {
        _reader.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task Computes_are_measured_by_operation_and_outcome()
    {
        var harness = new ComputeHarness { Meter = _meter };

        await harness.RunAsync("hash.sha256", """{"text":"abc"}""");
        await harness.RunAsync("hash.sha256", "{}");

        var counts = _reader.Counts();
        Assert.Equal(1, counts["onex.compute.duration{hash.sha256,completed}"]);
        Assert.Equal(1, counts["onex.compute.duration{hash.sha256,rejected}"]);
    }

    [Fact]
    public async Task Slots_are_read_while_computations_hold_them()
    {
        using var gate = new ComputeGate(4, 1L << 30);
        _ = new ComputeMetrics(_meter, gate, new FakeTimeProvider());
        var place = await gate.EnterAsync(1, CancellationToken.None);
        Assert.Equal((1, 4), (_reader.Sums()["onex.worker.slots.used{}"], _reader.Sums()["onex.worker.slots.limit{}"]));

        place!.Dispose();
        Assert.Equal(0, _reader.Sums()["onex.worker.slots.used{}"]);
    }
}
