using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Onex.Hosting.Health;

/// <summary>The present state of a component.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NeededForReadiness">Whether the role is not ready without it.</param>
/// <param name="Usable">Whether it counts as usable: see <see cref="HealthMonitor"/>.</param>
/// <param name="Report">The last report.</param>
/// <param name="Since">Since when it has been in its state; null before the first probe.</param>
internal sealed record ComponentHealth(
    string Name, bool NeededForReadiness, bool Usable, ComponentReport Report, DateTimeOffset? Since = null)
{
    /// <summary>Its state: that of the report if it counts as usable, else unhealthy.</summary>
    public ComponentState State => Usable ? Report.State : ComponentState.Unhealthy;

    /// <summary>Why it is not healthy, or null.</summary>
    public string? Error => State == ComponentState.Healthy ? null : Report.Error ?? "waiting for a second good probe";
}

/// <summary>
/// Probes every component in the background, so that endpoints respond from memory and a component that hangs blocks nothing. A component
/// counts as usable from its first successful probe until a probe fails, or none has returned for two seconds. After that it needs two
/// successful ones in a row, so that readiness does not flap. A probe that reports Degraded is successful.
/// </summary>
internal sealed class HealthMonitor(
    IEnumerable<IHealthComponent> components, RoleHealth role, TimeProvider time, ILogger<HealthMonitor> logger) : BackgroundService
{
    // After a loss, this many successful probes in a row.
    private const int UsableAfter = 2;

    // The next probe detects a loss, at worst by its timeout: period and timeout together stay below the documented 2 s.
    private static readonly TimeSpan _period = TimeSpan.FromMilliseconds(750);

    // More frequent at first, so that a role is reported as ready as soon as it is.
    private static readonly TimeSpan _firstPeriod = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _firstPhase = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _probeMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _ageMax = TimeSpan.FromSeconds(2);

    private readonly WatchedComponent[] _watched = [.. components.Select(component => new WatchedComponent(component))];

    /// <summary>All components, in the order of their registration.</summary>
    public IReadOnlyList<ComponentHealth> Snapshot() => [.. _watched.Select(Describe)];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_watched.Select(watched => WatchAsync(watched, stoppingToken)));

    private ComponentHealth Describe(WatchedComponent watched)
    {
        var last = watched.LastResult;
        var (name, needed) = (watched.Component.Name, watched.Component.NeededForReadiness);
        if (last is null)
        {
            return new ComponentHealth(name, needed, Usable: false, new ComponentReport(ComponentState.Unhealthy, "not probed yet", null));
        }

        var age = time.GetElapsedTime(last.At);
        return age > _ageMax
            ? new ComponentHealth(
                name, needed, Usable: false, new ComponentReport(ComponentState.Unhealthy, $"no answer for {age.TotalSeconds:0} s", null),
                last.State == ComponentState.Unhealthy ? last.Since : time.GetUtcNow() - age)
            : new ComponentHealth(name, needed, last.Usable, last.Report, last.Since);
    }

    private async Task WatchAsync(WatchedComponent watched, CancellationToken stopping)
    {
        try
        {
            var started = time.GetTimestamp();
            while (true)
            {
                var began = time.GetTimestamp();
                var (report, probe) = await ProbeAsync(watched.Component, began, stopping);
                Record(watched, report);

                // One probe at a time: a component that hangs is not probed again and stays failed until its probe returns.
                await probe.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                var isStarting = watched.LastResult is not { Usable: true } && time.GetElapsedTime(started) < _firstPhase;
                var rest = (isStarting ? _firstPeriod : _period) - time.GetElapsedTime(began);
                if (rest > TimeSpan.Zero)
                {
                    await Task.Delay(rest, time, stopping);
                }

                stopping.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    private async Task<(ComponentReport Report, Task Probe)> ProbeAsync(IHealthComponent component, long began, CancellationToken stopping)
    {
        using var timeLimit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var token = timeLimit.Token;

        // On a separate thread, because a probe that blocks must not delay the others.
        var probe = Task.Run(() => component.ProbeAsync(token), CancellationToken.None);
        try
        {
            var report = await probe.WaitAsync(_probeMax, time, stopping);
            return (report with { Latency = report.Latency ?? time.GetElapsedTime(began) }, probe);
        }
        catch (TimeoutException) when (!probe.IsCompleted)
        {
            await timeLimit.CancelAsync();
            return (new ComponentReport(ComponentState.Unhealthy, $"no answer within {_probeMax.TotalSeconds:0} s", null), probe);
        }
        catch (Exception failure) when (!stopping.IsCancellationRequested)
        {
            return (new ComponentReport(ComponentState.Unhealthy, failure.Message, time.GetElapsedTime(began)), probe);
        }
    }

    private void Record(WatchedComponent watched, ComponentReport report)
    {
        var before = watched.LastResult;
        var wasUsable = before is { Usable: true } or { WasUsable: true };
        var successes = report.State == ComponentState.Unhealthy ? 0 : wasUsable ? before!.SuccessesInRow + 1 : UsableAfter;
        var last = new ProbeResult(report, successes, time.GetTimestamp(), time.GetUtcNow()) { WasUsable = wasUsable };
        last = before?.State == last.State ? last with { Since = before.Since } : last;
        watched.LastResult = last;
        if (role.Draining)
        {
            // A component that is stopping is not lost.
            return;
        }

        if (before is not null && before.Usable && !last.Usable)
        {
            Log.ComponentLost(logger, watched.Component.Name, report.Error);
        }
        else if (before is { Usable: false, WasUsable: true } && last.Usable)
        {
            Log.ComponentWorksAgain(logger, watched.Component.Name);
        }
    }

    private sealed record ProbeResult(ComponentReport Report, int SuccessesInRow, long At, DateTimeOffset Since)
    {
        public bool Usable => SuccessesInRow >= UsableAfter;

        public ComponentState State => Usable ? Report.State : ComponentState.Unhealthy;

        /// <summary>Whether the component was ever usable before. If not, one success is enough.</summary>
        public bool WasUsable { get; init; }
    }

    private sealed class WatchedComponent(IHealthComponent component)
    {
        private volatile ProbeResult? _last;

        public IHealthComponent Component => component;

        public ProbeResult? LastResult
        {
            get => _last;
            set => _last = value;
        }
    }
}
