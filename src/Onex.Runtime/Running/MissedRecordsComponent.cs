using Onex.Contracts.Text;
using Onex.Hosting.Health;
using Onex.Kafka.Consuming;

namespace Onex.Runtime.Running;

/// <summary>Health warning if records were deleted before they were read. The process works, but an operator must know.</summary>
internal sealed class MissedRecordsComponent(MissedRecordsCount missed) : IHealthComponent
{
    public string Name => "missed_records";

    public bool NeededForReadiness => false;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation) => Task.FromResult(missed.Topics is { Count: > 0 } topics
        ? new ComponentReport(
            ComponentState.Degraded,
            "deleted before they were read, since the process began: " + string.Join(
                ", ", topics.Select(topic => $"{Plural.Format(topic.Value, "record")} of {topic.Key}")),
            null)
        {
            Remedy = "Their requests are lost. Lengthen the retention of the topics.",
        }
        : ComponentReport.Healthy);
}
