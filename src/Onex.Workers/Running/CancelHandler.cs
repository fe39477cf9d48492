using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;

namespace Onex.Workers.Running;

/// <summary>Reads the cancellations of commands. Every worker gets all of them.</summary>
internal sealed class CancelHandler(RunningComputes running) : IRecordBatchHandler
{
    public Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        foreach (var entry in batch)
        {
            if (Read(entry.Record) is { } cancel)
            {
                running.Cancel(cancel);
            }

            // Even a malformed one, or every worker would store a dead letter of it. Its computation ends at the timeout of the attempt.
            entry.Complete(RecordOutcome.Handled.Instance);
        }

        return Task.CompletedTask;
    }

    public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Task.CompletedTask;

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
    }

    private static StepCancel? Read(ConsumedRecord record)
    {
        try
        {
            return JsonSerializer.Deserialize(record.Value ?? [], MessageJson.Default.StepCancel);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
