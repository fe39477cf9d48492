using Onex.Orchestrator.Routing;

namespace Onex.Tests.Unit.Orchestrator.Routing;

/// <summary>How many timers are due, and how late the oldest is.</summary>
public sealed class TimerMetricsTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Timers_that_are_due_are_counted_with_the_lateness_of_the_oldest()
    {
        var queue = new WakeupQueue();
        Assert.Equal((0, TimeSpan.Zero), queue.Due(_now));

        var moved = SagaId.Create(_now);
        queue.Set(SagaId.Create(_now), 0, _now.AddSeconds(5));
        queue.Set(SagaId.Create(_now), 0, _now.AddSeconds(-3));
        queue.Set(moved, 0, _now.AddSeconds(-9));
        Assert.Equal((2, TimeSpan.FromSeconds(9)), queue.Due(_now));

        queue.Set(moved, 0, _now.AddSeconds(30));
        Assert.Equal((1, TimeSpan.FromSeconds(3)), queue.Due(_now));

        queue.TakeDue(_now, 10);
        Assert.Equal((0, TimeSpan.Zero), queue.Due(_now));
    }
}
