using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Health;
using Onex.Metrics;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Hosting.Health;

public sealed class HealthMonitorTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedComponent _database = new("database");
    private readonly ScriptedComponent _bus = new("bus");
    private readonly HealthMonitor _monitor;

    public HealthMonitorTests() =>
        _monitor = new HealthMonitor([_database, _bus], new RoleHealth(), _time, NullLogger<HealthMonitor>.Instance);

    public async ValueTask InitializeAsync() => await _monitor.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _database.Hang = null;
        await _monitor.StopAsync(CancellationToken.None);
        _monitor.Dispose();
    }

    [Fact]
    public async Task A_component_is_healthy_from_its_first_answer()
    {
        await WaitUntil(() => Component("database").Usable);

        Assert.Equal(1, _database.Probes);
    }

    [Fact]
    public async Task A_component_that_starts_late_is_healthy_within_100_ms_after_one_successful_probe()
    {
        var late = new ScriptedComponent("late") { Error = "not started" };
        using var monitor = new HealthMonitor([late], new RoleHealth(), _time, NullLogger<HealthMonitor>.Instance);
        await monitor.StartAsync(TestContext.Current.CancellationToken);
        await AdvanceUntil(() => late.Probes > 3);
        Assert.False(monitor.Snapshot().Single().Usable);

        late.Error = null;
        var probes = late.Probes;
        var elapsed = await AdvanceUntil(() => monitor.Snapshot().Single().Usable);

        Assert.True(elapsed <= TimeSpan.FromMilliseconds(100), $"seen after {elapsed}");
        Assert.Equal(1, late.Probes - probes);
        await monitor.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Components_and_readiness_are_metrics()
    {
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        var role = new RoleHealth(_time);
        _ = new HealthMetrics(
            meter, new HealthAnswers(role, _monitor, _time, NullLogger<HealthAnswers>.Instance), _monitor);
        await WaitUntil(() => Component("database").Usable && Component("bus").Usable);
        Assert.Equal((0, 1), (reader.Sums()["onex.ready{}"], reader.Sums()["onex.component.usable{database}"]));

        role.MarkInitialized();
        Assert.Equal(1, reader.Sums()["onex.ready{}"]);
        _database.Error = "gone";
        await AdvanceUntil(() => !Component("database").Usable);
        Assert.Equal((0, 1), (reader.Sums()["onex.component.usable{database}"], reader.Sums()["onex.component.usable{bus}"]));
    }

    [Fact]
    public async Task A_loss_is_reported_within_two_seconds_and_ends_with_two_successful_probes()
    {
        await WaitUntil(() => Component("database").Usable);

        _database.Error = "gone";
        var elapsed = await AdvanceUntil(() => !Component("database").Usable);
        Assert.Equal("gone", Component("database").Report.Error);
        Assert.True(elapsed <= TimeSpan.FromSeconds(2), $"seen after {elapsed}");
        Assert.True(Component("bus").Usable);

        _database.Error = null;
        var probes = _database.Probes;
        await AdvanceUntil(() => Component("database").Usable);
        Assert.Equal(2, _database.Probes - probes);
    }

    [Fact]
    public async Task A_hanging_component_is_unhealthy_within_two_seconds_and_delays_no_other()
    {
        await WaitUntil(() => Component("database").Usable);
        var probesBefore = _bus.Probes;

        _database.Hang = new TaskCompletionSource();
        var elapsed = await AdvanceUntil(() => !Component("database").Usable);
        Assert.True(elapsed <= TimeSpan.FromSeconds(2), $"seen after {elapsed}");
        await AdvanceUntil(() => _bus.Probes > probesBefore + 3);
        Assert.True(Component("bus").Usable);

        var probesWhileHanging = _database.Probes;
        _database.Hang.SetResult();
        _database.Hang = null;
        await AdvanceUntil(() => Component("database").Usable);
        Assert.True(_database.Probes >= probesWhileHanging + 2);
    }

    [Fact]
    public async Task A_stale_probe_result_is_unhealthy()
    {
        await WaitUntil(() => Component("database").Usable);

        // The state after a SIGSTOP: time has passed, and no loop has run yet.
        _database.Hang = new TaskCompletionSource();
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.False(Component("database").Usable);
    }

    private ComponentHealth Component(string name) => _monitor.Snapshot().Single(component => component.Name == name);

    private static async Task WaitUntil(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    // Advances virtual time in small steps, lets the loops run after each, and returns the total.
    private async Task<TimeSpan> AdvanceUntil(Func<bool> condition)
    {
        var began = _time.GetTimestamp();
        while (!condition())
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return _time.GetElapsedTime(began);
    }

    private sealed class ScriptedComponent(string name) : IHealthComponent
    {
        private int _probes;

        public string Name => name;

        public bool NeededForReadiness => true;

        public volatile string? Error;

        public volatile TaskCompletionSource? Hang;

        public int Probes => _probes;

        public async Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
        {
            Interlocked.Increment(ref _probes);
            if (Hang is { } hang)
            {
                await hang.Task;
            }

            return Error is { } error ? throw new IOException(error) : ComponentReport.Healthy;
        }
    }
}
