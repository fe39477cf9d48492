using Onex.Kafka.Consuming;
using Onex.Orchestrator.Engine;

namespace Onex.Orchestrator.Routing;

/// <summary>One message for one saga, on its way through the router.</summary>
internal sealed class WorkItem(SagaEvent message, BatchEntry? entry)
{
    /// <summary>What happened. A start that finds its saga there already becomes a joining request; a wake-up may become a result.</summary>
    public SagaEvent Message { get; set; } = message;

    /// <summary>The record it came from; null for a wake-up.</summary>
    public BatchEntry? Entry { get; } = entry;

    /// <summary>The stored result that it refers to, or null.</summary>
    public Guid? ResultRef { get; init; }

    /// <summary>Whether its values were refused by the database once.</summary>
    public bool WasRefused { get; set; }

    /// <summary>Its outcome is durable.</summary>
    public void Done() => Entry?.Settle(RecordOutcome.Done.Instance);
}
