using Onex.Metrics;

namespace Onex.Kafka.DeadLetters;

/// <summary>Counts dead letters as they are written.</summary>
internal sealed class DeadLetterMetrics(OnexMeter meter)
{
    internal static readonly Metric Written = Metric.Counter(
        "onex.dead_letter.written", "{message}", "Records that became dead letters, by the topic that they were read from.",
        MetricLabel.Topic);

    private readonly BoundedCounter _written = meter.Counter(Written);

    public void Count(string topic) => _written.Add(1, topic);
}
