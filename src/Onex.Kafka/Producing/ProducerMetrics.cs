using Onex.Metrics;

namespace Onex.Kafka.Producing;

/// <summary>Measures the process's producer, by the messaging conventions of OpenTelemetry.</summary>
internal sealed class ProducerMetrics(OnexMeter meter, TimeProvider time)
{
    internal static readonly MetricLabel Delivery = MetricLabel.Create("delivery", "acknowledged", "unavailable", "undeliverable");

    internal static readonly Metric Sent = Metric.Counter(
        "messaging.client.sent.messages", "{message}", "Records that were sent or given up, by their delivery report.",
        MetricLabel.System, MetricLabel.Topic, Delivery);

    internal static readonly Metric Duration = Metric.Histogram(
        "messaging.client.operation.duration", "s", Metric.Seconds,
        "Time from handing a record to the producer to its delivery report.", MetricLabel.System, MetricLabel.Topic, Delivery);

    private readonly BoundedCounter _sent = meter.Counter(Sent);
    private readonly BoundedHistogram _duration = meter.Histogram(Duration);

    /// <summary>The start time of a delivery; 0 if nobody collects these metrics.</summary>
    public long Now => _sent.Enabled ? time.GetTimestamp() : 0;

    /// <summary>Records the delivery report of a record that was handed over at <paramref name="began"/> (<see cref="Now"/>).</summary>
    public void Reported(string topic, DeliveryStatus status, long began)
    {
        if (began == 0)
        {
            return;
        }

        var text = status switch
        {
            DeliveryStatus.Acknowledged => "acknowledged",
            DeliveryStatus.Unavailable => "unavailable",
            _ => "undeliverable",
        };
        _sent.Add(1, "kafka", topic, text);
        _duration.Record(time.GetElapsedTime(began).TotalSeconds, "kafka", topic, text);
    }
}
