using Onex.Contracts.Messages;
using Onex.Metrics;

namespace Onex.Workers.Running;

/// <summary>Measures computes.</summary>
internal sealed class ComputeMetrics
{
    internal static readonly MetricLabel Outcome =
        MetricLabel.Create("outcome", StepOutcomes.Completed, StepOutcomes.Rejected, StepOutcomes.Failed);

    internal static readonly Metric Duration = Metric.Histogram(
        "onex.compute.duration", "s", Metric.Seconds,
        "Time of a compute, with its wait for a slot, reading its arguments and storing a large result.",
        MetricLabel.Operation, Outcome);

    internal static readonly Metric SlotsUsed = Metric.Gauge(
        "onex.worker.slots.used", "{slot}", "Computations that run, or wait for memory.");

    internal static readonly Metric SlotsLimit = Metric.Gauge(
        "onex.worker.slots.limit", "{slot}", "The number of computations at a time (ONEX_WORKER_CONCURRENCY).");

    private readonly BoundedHistogram _duration;
    private readonly TimeProvider _time;

    public ComputeMetrics(OnexMeter meter, ComputeGate gate, TimeProvider time)
    {
        _time = time;
        meter.AddLabelValues(MetricLabel.Operation, ComputeOperations.Descriptors.Select(operation => operation.Name));
        _duration = meter.Histogram(Duration);
        meter.Gauge(SlotsUsed, () => [new GaugeValue(gate.Used)]);
        meter.Gauge(SlotsLimit, () => [new GaugeValue(gate.SlotCount)]);
    }

    /// <summary>Measures a compute that has ended.</summary>
    public void RecordEnd(string operation, string outcome, long began) =>
        _duration.Record(_time.GetElapsedTime(began).TotalSeconds, operation, outcome);
}
