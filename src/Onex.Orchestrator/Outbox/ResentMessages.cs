using Onex.Contracts.Text;
using Onex.Hosting.Health;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// Counts the messages that this process has sent although a copy may be on their topic: the broker did not acknowledge them, or the
/// orchestrator that committed them may have sent them before it died. Copies have the same <c>message_id</c>. The answer to a rejected
/// request that is read again after a crash is not counted.
/// </summary>
internal sealed class ResentMessages : IHealthComponent
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _topics = new(StringComparer.Ordinal);

    public string Name => "resent_messages";

    public bool NeededForReadiness => false;

    /// <summary>The number of these messages by topic; topics without any are left out.</summary>
    public IReadOnlyDictionary<string, long> Topics
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, long>(_topics, StringComparer.Ordinal);
            }
        }
    }

    public void Add(string topic)
    {
        lock (_lock)
        {
            _topics[topic] = _topics.GetValueOrDefault(topic) + 1;
        }
    }

    // Always healthy, because readers recognise copies by the message_id.
    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation) => Task.FromResult(ComponentReport.Healthy with
    {
        Note = Topics is { Count: > 0 } topics
            ? "sent although a copy may be there, since the process began: "
                + string.Join(", ", topics.Select(topic => $"{Plural.Format(topic.Value, "message")} for {topic.Key}"))
            : null,
    });
}
