using System.Collections.Concurrent;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>Records every batch and handles each record as the test specifies.</summary>
public sealed class RecordingHandler(Action<BatchEntry> handle) : IRecordBatchHandler
{
    public static RecordingHandler Acknowledging => new(entry => entry.Complete(RecordOutcome.Handled.Instance));

    public ConcurrentQueue<BatchEntry> Received { get; } = new();

    public ConcurrentQueue<string> Calls { get; } = new();

    public ISet<int> Owned { get; } = new HashSet<int>();

    /// <summary>Runs before the handler is assigned partitions.</summary>
    public Func<CancellationToken, Task> Prepare { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs before a batch.</summary>
    public Func<IReadOnlyList<BatchEntry>, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called with each change of its assignment: 1 for assigned partitions, -1 for revoked ones.</summary>
    public Action<int, IReadOnlyCollection<int>> Changed { get; set; } = (_, _) => { };

    public IEnumerable<string> Values => Received.Select(entry => System.Text.Encoding.UTF8.GetString(entry.Record.Value ?? []));

    public async Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        await Before(batch);
        foreach (var entry in batch)
        {
            Received.Enqueue(entry);
            handle(entry);
        }
    }

    public async Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        await Prepare(cancellation);
        Calls.Enqueue("+" + string.Join(',', partitions.Order()));
        Changed(1, partitions);
        lock (Owned)
        {
            Owned.UnionWith(partitions);
        }
    }

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        Calls.Enqueue("-" + string.Join(',', partitions.Order()));
        Changed(-1, partitions);
        lock (Owned)
        {
            Owned.ExceptWith(partitions);
        }
    }

    public int[] OwnedNow()
    {
        lock (Owned)
        {
            return [.. Owned.Order()];
        }
    }
}
