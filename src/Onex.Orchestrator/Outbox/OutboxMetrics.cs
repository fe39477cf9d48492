using Onex.Metrics;

namespace Onex.Orchestrator.Outbox;

/// <summary>Measures the messages in transit from the outbox to the broker, from memory.</summary>
internal sealed class OutboxMetrics(OnexMeter meter)
{
    internal static readonly Metric InFlight = Metric.Gauge(
        "onex.outbox.in_flight", "{message}",
        "Committed messages of this process that are being sent, or are sent and still in the outbox.");

    internal static readonly Metric Undeliverable = Metric.Counter(
        "onex.outbox.undeliverable", "{message}", "Messages that the broker rejected for good.");

    private readonly BoundedCounter _undeliverable = meter.Counter(Undeliverable);

    public void Watch(OutgoingSender sender)
    {
        meter.Gauge(InFlight, () => [new GaugeValue(sender.InFlight)]);
        sender.OnUndeliverable = () => _undeliverable.Add(1);
    }
}
