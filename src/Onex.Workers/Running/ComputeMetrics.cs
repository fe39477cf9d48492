using Onex.Contracts.Messages;
using Onex.Metrics;

namespace Onex.Workers.Running;

/// <summary>Measures computes.</summary>
internal sealed class ComputeMetrics
{
    internal static readonly MetricLabel Outcome =
        MetricLabel.Of("outcome", StepOutcomes.Completed, StepOutcomes.Rejected, StepOutcomes.Failed);

    internal static readonly Metric Duration = Metric.Histogram(
        "onex.compute.duration", "s", Metric.Seconds, "Time of a compute, with reading its arguments and storing a large result.",
        MetricLabel.Operation, Outcome);

    private readonly BoundedHistogram _duration;
    private readonly TimeProvider _time;

    public ComputeMetrics(OnexMeter meter, TimeProvider time)
    {
        _time = time;
        meter.Know(MetricLabel.Operation, ComputeOperations.Descriptors.Select(operation => operation.Name));
        _duration = meter.Histogram(Duration);
    }

    /// <summary>A compute has ended.</summary>
    public void Ended(string operation, string outcome, long began) =>
        _duration.Record(_time.GetElapsedTime(began).TotalSeconds, operation, outcome);
}
