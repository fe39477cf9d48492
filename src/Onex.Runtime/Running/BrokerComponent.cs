using Onex.Hosting.Health;
using Onex.Kafka.Brokers;

namespace Onex.Runtime.Running;

/// <summary>Health of the broker: whether it is reachable.</summary>
internal sealed class BrokerComponent(BrokerHealth broker) : IHealthComponent
{
    public string Name => "broker";

    public bool NeededForReadiness => true;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        // BrokerHealth probes by itself; this call only starts it.
        broker.Start();
        return Task.FromResult(broker.IsReachable
            ? new ComponentReport(ComponentState.Healthy, null, broker.Latency)
            : new ComponentReport(ComponentState.Unhealthy, broker.LastError, null)
            {
                Remedy = "Check that Kafka runs, KAFKA_BOOTSTRAP_SERVERS, and the user and certificates.",
            });
    }
}
