using System.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Handles records of an endpoint in batches; the next batch holds records that arrived while this one was handled. An exception means
/// a failure that all records share, such as an unreachable database: the endpoint pauses its partitions, stays in the group, and after a
/// delay gives the records without an outcome again, possibly in other batches. Too little memory leads to smaller batches at once.
/// </summary>
public interface IRecordBatchHandler
{
    /// <summary>
    /// Whether the handler is busy with work that may take long, such as an external call. Then it is no stall that no record completes.
    /// </summary>
    bool IsBusy => false;

    /// <summary>
    /// How many batches the handler takes at a time. If it is more than one, the next batch is given, in order, before the previous one is
    /// handled. Where order matters, a batch that is given after a failed one must then fail too, until <see cref="Retrying"/> is called.
    /// </summary>
    int BatchesAtOnce => 1;

    /// <summary>Called after a failure, when no batch is being handled: the failed batches are given again from here on.</summary>
    void Retrying()
    {
    }

    /// <summary>
    /// Handles the records, in order per partition. <see cref="BatchEntry.Complete"/> may be called for them in any order and at any time,
    /// also after the method has returned.
    /// </summary>
    Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation);

    /// <summary>
    /// Prepares for partition numbers that were assigned in no topic before. Called before their first record, and again if it throws.
    /// </summary>
    Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>Releases partition numbers that are assigned in no topic any more. Must return at once.</summary>
    void Revoked(IReadOnlyCollection<int> partitions);
}

/// <summary>A record that a handler has to complete.</summary>
public sealed class BatchEntry(ConsumedRecord record, Action<BatchEntry, RecordOutcome> onOutcome, string? group = null)
{
    private int _completed;

    /// <summary>The record.</summary>
    public ConsumedRecord Record { get; } = record;

    /// <summary>The span of its handling; null before that, and if nobody records spans.</summary>
    public Activity? Span { get; private set; }

    /// <summary>Whether its outcome has been reported.</summary>
    public bool IsCompleted => Volatile.Read(ref _completed) != 0;

    /// <summary>Starts the span of its handling, which ends with the outcome.</summary>
    public void Begin() => Span ??= RecordSpans.Process(Record, group);

    /// <summary>Reports its outcome. Only the first call counts.</summary>
    public void Complete(RecordOutcome outcome)
    {
        if (Interlocked.Exchange(ref _completed, 1) == 0)
        {
            if (outcome is RecordOutcome.Dead dead)
            {
                Span.Fail(dead.Code, dead.Reason);
            }

            Tracing.End(Span);
            onOutcome(this, outcome);
        }
    }
}
