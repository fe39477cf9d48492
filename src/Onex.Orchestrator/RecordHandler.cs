using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;

namespace Onex.Orchestrator;

/// <summary>Handles the records of the orchestrator's four topics: intake reads them, the router decides on them.</summary>
internal sealed class RecordHandler(
    RecordReader reader, SagaHomes homes, SagaRouter router, OutcomeReporter outcomes, HomePartitions partitions, MemoryBudget memory)
    : IRecordBatchHandler
{
    // Completes when the router has received the latest batch, or that batch has failed.
    private Task _passedOn = Task.CompletedTask;

    // One batch is decided on while the other is committed.
    public int BatchesAtOnce => 2;

    public async Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        // Batches are read at the same time, but the router gets them in order.
        var (earlierPassedOn, passedOn) = (_passedOn, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _passedOn = passedOn.Task;
        try
        {
            var rest = await ReadAsync(batch, earlierPassedOn, cancellation);
            await earlierPassedOn;
            var handling = router.HandleAsync(rest, cancellation, ofRecords: true);
            passedOn.SetResult();
            await handling;
        }
        catch (Exception failure)
        {
            router.RecordsFailed(failure);
            throw;
        }
        finally
        {
            passedOn.TrySetResult();
        }
    }

    public void Retrying() => router.Retrying();

    public Task AssignedAsync(IReadOnlyCollection<int> assigned, CancellationToken cancellation) =>
        partitions.AssignedAsync(assigned, cancellation);

    public void Revoked(IReadOnlyCollection<int> revoked)
    {
        partitions.Revoked(revoked);
        router.Revoked(revoked);
    }

    // A batch that does not fit into memory is split: the router gets each part as soon as it is read, and the last part is returned.
    // Parsed records weigh many times their bytes, and inputs of calls are loaded from the store.
    private async Task<List<Delivery>> ReadAsync(
        IReadOnlyList<BatchEntry> batch, Task earlierPassedOn, CancellationToken cancellation)
    {
        var deliveries = new List<Delivery>(batch.Count);
        var weight = 0L;
        var home = homes.ForBatch(batch);
        foreach (var entry in batch)
        {
            if (entry.IsCompleted)
            {
                continue;
            }

            var recordWeight = JsonWeight.Handled(entry.Record.Value);
            if (deliveries.Count > 0 && weight + recordWeight > memory.Batch)
            {
                await earlierPassedOn;
                await router.HandleAsync(deliveries, cancellation, ofRecords: true);
                (deliveries, weight) = ([], 0);
            }

            var result = await reader.ReadAsync(entry, home, cancellation);
            if (result.Delivery is { } delivery)
            {
                deliveries.Add(delivery);
                weight += recordWeight + result.LoadedWeight;
            }
            else
            {
                outcomes.Report(OutcomeSink.For(entry), result.Outcome!, cancellation);
            }
        }

        return deliveries;
    }
}
