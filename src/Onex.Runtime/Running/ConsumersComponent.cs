using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting.Health;
using Onex.Kafka.Rider;

namespace Onex.Runtime.Running;

/// <summary>Health of the consumers: their topics exist, partitions are assigned, and waiting records make progress in time.</summary>
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

        var rider = services.GetRequiredService<IBusInstance>().GetRider<IKafkaRider>();
        return Task.FromResult((rider.Problems, rider.Lags) switch
        {
            ({ Count: > 0 } problems, _) => new ComponentReport(ComponentState.Unhealthy, string.Join("; ", problems), null)
            {
                Remedy = "Create missing topics with 'onex topics create'. Otherwise look at the database, the broker and the log.",
            },
            (_, { Count: > 0 } lags) => new ComponentReport(ComponentState.Degraded, string.Join("; ", lags), null)
            {
                Remedy = "Start more processes of this role, up to the number of partitions, or find out what slows it down.",
            },
            _ => ComponentReport.Healthy,
        });
    }
}
