using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Health;
using Onex.Metrics;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Hosting.Health;

/// <summary>Uses virtual time, which advances only when every loop waits for the clock.</summary>
public sealed class HealthMonitorTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly Scripted _database = new("database");
    private readonly Scripted _bus = new("bus");
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
        await Until(() => Component("database").Usable);

        Assert.Equal(1, _database.Probes);
    }

    [Fact]
    public async Task A_component_that_starts_late_is_healthy_within_a_tenth_of_a_second_and_one_good_probe()
    {
        var late = new Scripted("late") { Error = "not started" };
        using var monitor = new HealthMonitor([late], new RoleHealth(), _time, NullLogger<HealthMonitor>.Instance);
        await monitor.StartAsync(TestContext.Current.CancellationToken);
        await Steps(() => late.Probes > 3);
        Assert.False(monitor.Snapshot().Single().Usable);

        late.Error = null;
        var probes = late.Probes;
        var found = await Steps(() => monitor.Snapshot().Single().Usable);

        Assert.True(found <= TimeSpan.FromMilliseconds(100), $"seen after {found}");
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
        await Until(() => Component("database").Usable && Component("bus").Usable);
        Assert.Equal((0, 1), (reader.Sums()["onex.ready{}"], reader.Sums()["onex.component.usable{database}"]));

        role.MarkInitialized();
        Assert.Equal(1, reader.Sums()["onex.ready{}"]);
        _database.Error = "gone";
        await Steps(() => !Component("database").Usable);
        Assert.Equal((0, 1), (reader.Sums()["onex.component.usable{database}"], reader.Sums()["onex.component.usable{bus}"]));
    }

    [Fact]
    public async Task A_loss_is_reported_within_two_seconds_and_cleared_after_two_good_probes()
    {
        await Until(() => Component("database").Usable);

        _database.Error = "gone";
        var lost = await Steps(() => !Component("database").Usable);
        Assert.Equal("gone", Component("database").Report.Error);
        Assert.True(lost <= TimeSpan.FromSeconds(2), $"seen after {lost}");
        Assert.True(Component("bus").Usable);

        _database.Error = null;
        var probes = _database.Probes;
        await Steps(() => Component("database").Usable);
        Assert.Equal(2, _database.Probes - probes);
    }

    [Fact]
    public async Task A_hanging_component_is_unhealthy_within_two_seconds_and_delays_no_other()
    {
        await Until(() => Component("database").Usable);
        var asked = _bus.Probes;

        _database.Hang = new TaskCompletionSource();
        var lost = await Steps(() => !Component("database").Usable);
        Assert.True(lost <= TimeSpan.FromSeconds(2), $"seen after {lost}");
        await Steps(() => _bus.Probes > asked + 3);
        Assert.True(Component("bus").Usable);

        var hanging = _database.Probes;
        _database.Hang.SetResult();
        _database.Hang = null;
        await Steps(() => Component("database").Usable);
        Assert.True(_database.Probes >= hanging + 2);
    }

    [Fact]
    public async Task A_stale_probe_result_is_unhealthy()
    {
        await Until(() => Component("database").Usable);

        // The state after a SIGSTOP: time has passed, and no loop has run yet.
        _database.Hang = new TaskCompletionSource();
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.False(Component("database").Usable);
    }

    private ComponentHealth Component(string name) => _monitor.Snapshot().Single(component => component.Name == name);

    private static async Task Until(Func<bool> holds)
    {
        while (!holds())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    // Advances virtual time in small steps, lets the loops run after each, and returns the total.
    private async Task<TimeSpan> Steps(Func<bool> until)
    {
        var began = _time.GetTimestamp();
        while (!until())
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return _time.GetElapsedTime(began);
    }

    private sealed class Scripted(string name) : IHealthComponent
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
