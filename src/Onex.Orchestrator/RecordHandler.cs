using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;

namespace Onex.Orchestrator;

/// <summary>Handles the records of the orchestrator's four topics: intake reads them, the router decides on them.</summary>
internal sealed class RecordHandler(
    RecordReader reader, SagaRouter router, OutcomeReporter outcomes, HomePartitions home, MemoryBudget memory) : IRecordBatchHandler
{
    // One is decided on while the other is committed.
    public int BatchesAtOnce => 2;

    public async Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        // Parsed records weigh many times their bytes, and inputs of calls are loaded from the store, so the router gets a bounded weight
        // at a time.
        var deliveries = new List<Delivery>(batch.Count);
        var weight = 0L;
        foreach (var entry in batch)
        {
            if (entry.IsCompleted)
            {
                continue;
            }

            var next = JsonWeight.Handled(entry.Record.Value);
            if (deliveries.Count > 0 && weight + next > memory.Batch)
            {
                await router.HandleAsync(deliveries, cancellation);
                (deliveries, weight) = ([], 0);
            }

            var read = await reader.ReadAsync(entry, cancellation);
            if (read.Delivery is { } delivery)
            {
                deliveries.Add(delivery);
                weight += next + read.Loaded;
            }
            else
            {
                outcomes.Report(OutcomeSink.For(entry), read.Outcome!, cancellation);
            }
        }

        await router.HandleAsync(deliveries, cancellation);
    }

    public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        home.AssignedAsync(partitions, cancellation);

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        home.Revoked(partitions);
        router.Revoked(partitions);
    }
}
