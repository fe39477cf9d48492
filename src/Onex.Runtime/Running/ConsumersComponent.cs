using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting.Health;
using Onex.Kafka.Rider;

namespace Onex.Runtime.Running;

/// <summary>Health of the consumers: their topics exist, partitions are assigned, and waiting records make progress.</summary>
internal sealed class ConsumersComponent(IServiceProvider services, RoleHealth role) : IHealthComponent
{
    public string Name => "consumers";

    public bool NeededForReadiness => true;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        // The bus must not be built before the bootstrap has prepared what its endpoints need.
        if (!role.Initialized)
        {
            return Task.FromResult(new ComponentReport(ComponentState.Unhealthy, "not started", null));
        }

        var troubles = services.GetRequiredService<IBusInstance>().GetRider<IKafkaRider>().Problems;
        return Task.FromResult(troubles.Count == 0
            ? ComponentReport.Healthy
            : new ComponentReport(ComponentState.Unhealthy, string.Join("; ", troubles), null));
    }
}
