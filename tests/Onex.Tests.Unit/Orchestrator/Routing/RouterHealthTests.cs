using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Health;
using Onex.Orchestrator.Routing;

namespace Onex.Tests.Unit.Orchestrator.Routing;

/// <summary>An orchestrator whose batches of messages fail or do not end is not ready.</summary>
public sealed class RouterHealthTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RouterHealth _health;

    public RouterHealthTests() => _health = new RouterHealth(_time);

    [Fact]
    public async Task An_orchestrator_whose_batches_fail_repeatedly_is_not_ready_until_one_succeeds()
    {
        Assert.Equal((ComponentState.Healthy, true), (await StateAsync(), _health.NeededForReadiness));
        _health.Failed(new InvalidOperationException("It broke."));
        Assert.Equal(ComponentState.Healthy, await StateAsync());

        _health.Failed(new InvalidOperationException("It broke."));
        _health.Failed(new InvalidOperationException("It broke."));
        var report = await _health.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ComponentState.Unhealthy, report.State);
        Assert.Contains("3 batches in a row: InvalidOperationException: It broke.", report.Error, StringComparison.Ordinal);

        _health.Succeeded();
        Assert.Equal(ComponentState.Healthy, await StateAsync());
    }

    [Fact]
    public async Task An_orchestrator_is_ready_again_30_seconds_after_its_last_failure()
    {
        for (var i = 0; i < 3; i++)
        {
            _health.Failed(new InvalidOperationException("It broke."));
        }

        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(ComponentState.Unhealthy, await StateAsync());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ComponentState.Healthy, await StateAsync());

        _health.Failed(new InvalidOperationException("It broke."));
        Assert.Equal(ComponentState.Unhealthy, await StateAsync());
    }

    [Fact]
    public async Task An_orchestrator_whose_batch_does_not_end_is_not_ready_until_it_does()
    {
        var batch = _health.Began(3);
        _time.Advance(TimeSpan.FromSeconds(40));
        _health.Ended(_health.Began(1));
        Assert.Equal(ComponentState.Healthy, await StateAsync());

        _time.Advance(TimeSpan.FromSeconds(10));
        var report = await _health.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            (ComponentState.Unhealthy, "a batch of 3 messages for sagas has not ended for 50 s"), (report.State, report.Error));
        Assert.NotNull(report.Remedy);

        _health.Ended(batch);
        Assert.Equal(ComponentState.Healthy, await StateAsync());
    }

    private async Task<ComponentState> StateAsync() => (await _health.ProbeAsync(TestContext.Current.CancellationToken)).State;
}
