using Onex.Contracts.Text;
using Onex.Hosting.Health;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// Reports that a message of this process stays in the outbox: the broker does not acknowledge it, or the database does not delete it.
/// </summary>
internal sealed class OutboxHealth(OutgoingSender sender) : IHealthComponent
{
    private static readonly TimeSpan _unfinishedMax = TimeSpan.FromSeconds(30);

    public string Name => "outbox";

    // Not needed, because only one topic may be affected.
    public bool NeededForReadiness => false;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        var (count, age) = sender.UnfinishedMessages;
        return Task.FromResult(age <= _unfinishedMax
            ? ComponentReport.Healthy
            : new ComponentReport(
                ComponentState.Degraded,
                $"a message has been in the outbox for {age.TotalSeconds:0} s although it was sent; "
                + $"{Plural.Format(count, "message")} of this process {(count == 1 ? "is" : "are")} there",
                null)
            {
                Remedy = "Look at the broker: a partition without a leader, too few in-sync replicas, a full disk.",
            });
    }
}
