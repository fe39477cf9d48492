using System.Collections.Immutable;
using Onex.Metrics;

namespace Onex.Kafka.Consuming;

/// <summary>Measures the consumers of a process. Lags come from what each consumer knows from its fetches, without a request.</summary>
internal sealed class ConsumerMetrics
{
    internal static readonly MetricLabel Change = MetricLabel.Create("change", "assigned", "revoked");

    internal static readonly Metric Consumed = Metric.Counter(
        "messaging.client.consumed.messages", "{message}", "Records that were read.",
        MetricLabel.System, MetricLabel.Topic, MetricLabel.Group);

    internal static readonly Metric Lag = Metric.Gauge(
        "onex.consumer.lag", "{message}",
        "Records of the assigned partitions that are not handled yet, up to the end that the last fetch saw. The sum over the processes is "
        + "the lag of the group.",
        MetricLabel.Topic, MetricLabel.Group);

    internal static readonly Metric Partitions = Metric.Gauge(
        "onex.consumer.partitions", "{partition}", "Partitions that are assigned to the process.", MetricLabel.Topic, MetricLabel.Group);

    internal static readonly Metric InFlight = Metric.Gauge(
        "onex.consumer.in_flight", "{message}", "Records that were read and are not completed.", MetricLabel.Group);

    internal static readonly Metric Rebalances = Metric.Counter(
        "onex.consumer.rebalances", "{rebalance}", "Assignments and revocations of partitions.", MetricLabel.Group, Change);

    internal static readonly Metric SlotsUsed = Metric.Gauge(
        "onex.consumer.slots.used", "{slot}", "Commands of effects or workers that are being handled, by the topic that they came from.",
        MetricLabel.Topic);

    internal static readonly Metric SlotsLimit = Metric.Gauge(
        "onex.consumer.slots.limit", "{slot}", "The most commands that are handled at a time.", MetricLabel.Topic);

    private readonly OnexMeter _meter;
    private readonly BoundedCounter _consumed;
    private readonly BoundedCounter _rebalances;
    private ImmutableArray<RecordConsumer> _consumers = [];
    private ImmutableArray<(string Topic, Func<(int Used, int Limit)> Read)> _slots = [];

    public ConsumerMetrics(OnexMeter meter)
    {
        _meter = meter;
        _consumed = meter.Counter(Consumed);
        _rebalances = meter.Counter(Rebalances);
        meter.Gauge(Lag, () => Each(consumer => consumer.Lags().Select(
            topic => new GaugeValue(topic.Lag, topic.Topic, consumer.Group))));
        meter.Gauge(Partitions, () => Each(consumer => consumer.Lags().Select(
            topic => new GaugeValue(topic.Partitions, topic.Topic, consumer.Group))));
        meter.Gauge(InFlight, () => Each(consumer => [new GaugeValue(consumer.InFlight, consumer.Group)]));
        meter.Gauge(SlotsUsed, () => _slots.Select(slots => new GaugeValue(slots.Read().Used, slots.Topic)));
        meter.Gauge(SlotsLimit, () => _slots.Select(slots => new GaugeValue(slots.Read().Limit, slots.Topic)));
    }

    /// <summary>Whether anyone collects these metrics.</summary>
    public bool Enabled => _consumed.Enabled;

    public void Add(RecordConsumer consumer)
    {
        _meter.AddLabelValues(MetricLabel.Topic, consumer.Topics);
        _meter.AddLabelValues(MetricLabel.Group, [consumer.Group]);
        ImmutableInterlocked.Update(ref _consumers, (consumers, added) => consumers.Add(added), consumer);
    }

    /// <summary>Adds the slots of a handler of single messages.</summary>
    public void AddSlots(string topic, Func<(int Used, int Limit)> read) =>
        ImmutableInterlocked.Update(ref _slots, (slots, added) => slots.Add(added), (topic, read));

    public void Count(int records, string topic, string group) => _consumed.Add(records, "kafka", topic, group);

    public void Rebalanced(string group, string change) => _rebalances.Add(1, group, change);

    private IEnumerable<GaugeValue> Each(Func<RecordConsumer, IEnumerable<GaugeValue>> read) => _consumers.SelectMany(read);
}
