using Onex.Metrics;

namespace Onex.Orchestrator.Intake;

/// <summary>Counts the requests that arrive by topic and over HTTP.</summary>
internal sealed class RequestMetrics(OnexMeter meter)
{
    internal static readonly MetricLabel Outcome = MetricLabel.Create("outcome", "accepted", "known", "rejected");

    internal static readonly MetricLabel Source = MetricLabel.Create("source", "topic", "http");

    internal static readonly Metric Received = Metric.Counter(
        "onex.requests", "{request}",
        "Requests and events as they arrive: accepted (duplicates too), known (would be rejected now, but a saga has it already), or "
        + "rejected before a saga was loaded.",
        MetricLabel.Operation, Source, Outcome);

    private readonly BoundedCounter _received = meter.Counter(Received);

    public void Count(string? operation, string source, string outcome) => _received.Add(1, operation, source, outcome);
}
