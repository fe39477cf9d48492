using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Producing;
using Onex.Metrics;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Kafka.Producing;

/// <summary>Records that were sent, by the broker's answer, and dead letters.</summary>
public sealed class ProducerMetricsTests
{
    [Fact]
    public void Sent_records_are_measured_by_topic_and_delivery()
    {
        var time = new FakeTimeProvider();
        using var meter = new OnexMeter();
        Assert.Equal(0, new ProducerMetrics(meter, time).Now);
        using var reader = new MetricReader(meter);
        var metrics = new ProducerMetrics(meter, time);
        meter.AddLabelValues(MetricLabel.Topic, ["commands"]);
        foreach (var delivery in Enum.GetValues<DeliveryStatus>())
        {
            var began = metrics.Now;
            time.Advance(TimeSpan.FromSeconds(2));
            metrics.Reported("commands", delivery, began);
        }

        new DeadLetterMetrics(meter).Count("commands");

        string[] answers = ["acknowledged", "unavailable", "undeliverable"];
        Assert.Equal(
            [
                .. answers.Select(answer => ($"messaging.client.operation.duration{{kafka,commands,{answer}}}", 2)),
                .. answers.Select(answer => ($"messaging.client.sent.messages{{kafka,commands,{answer}}}", 1)),
                ("onex.dead_letter.written{commands}", 1),
            ],
            reader.Sums().OrderBy(series => series.Key, StringComparer.Ordinal).Select(series => (series.Key, (int)series.Value)));
    }
}
