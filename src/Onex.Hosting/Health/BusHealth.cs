using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Onex.Hosting.Health;

/// <summary>
/// MassTransit's own health check. Its result Degraded counts as unhealthy here: if a rider endpoint is not healthy, MassTransit reports no
/// worse result, because the endpoint of the in-memory bus is always healthy.
/// </summary>
internal sealed class BusHealth(IServiceProvider services, RoleHealth role) : IHealthComponent
{
    public const string ComponentName = "bus";

    // MassTransit registers its check under this tag.
    private const string Tag = "ready";

    public string Name => ComponentName;

    public bool NeededForReadiness => true;

    public async Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        // Resolving the check service builds the bus, which must not happen before the bootstrap has prepared what its endpoints need.
        if (!role.Initialized)
        {
            return new ComponentReport(ComponentState.Unhealthy, "not started", null);
        }

        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
            check => check.Tags.Contains(Tag), cancellation);
        if (report.Entries.Count == 0)
        {
            return new ComponentReport(ComponentState.Unhealthy, "no bus is registered", null);
        }

        var unhealthy = report.Entries.Values.Where(entry => entry.Status != HealthStatus.Healthy).ToList();
        return unhealthy.Count == 0
            ? new ComponentReport(ComponentState.Healthy, null, report.TotalDuration)
            : new ComponentReport(ComponentState.Unhealthy, string.Join("; ", unhealthy.Select(Describe)), report.TotalDuration);
    }

    private static string Describe(HealthReportEntry entry) => entry.Description ?? entry.Exception?.Message ?? entry.Status.ToString();
}
