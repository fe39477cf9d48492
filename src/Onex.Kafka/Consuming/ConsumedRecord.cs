namespace Onex.Kafka.Consuming;

/// <summary>A record as read from a topic.</summary>
public sealed class ConsumedRecord
{
    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>The topic's id where the broker has one: it changes when a topic is made anew, and offsets begin again.</summary>
    public Guid? TopicId { get; init; }

    /// <summary>The partition.</summary>
    public required int Partition { get; init; }

    /// <summary>The offset.</summary>
    public required long Offset { get; init; }

    /// <summary>The key, or null.</summary>
    public byte[]? Key { get; init; }

    /// <summary>The value, or null.</summary>
    public byte[]? Value { get; init; }

    /// <summary>The headers, in order; values may be null and need not be UTF-8.</summary>
    public required IReadOnlyList<KeyValuePair<string, byte[]?>> Headers { get; init; }
}

/// <summary>What must happen to a record.</summary>
public abstract record RecordOutcome
{
    private RecordOutcome()
    {
    }

    /// <summary>Its outcome is durable; the offset may advance.</summary>
    public sealed record Done : RecordOutcome
    {
        /// <summary>The one value.</summary>
        public static Done Instance { get; } = new();
    }

    /// <summary>It cannot be handled: the rider puts it on the dead-letter topic, then the offset may advance.</summary>
    public sealed record Dead(string Code, string Reason, string ErrorType, Guid? CorrelationId) : RecordOutcome
    {
        /// <summary>How often it was tried again here.</summary>
        public int RetryCount { get; init; }
    }
}

/// <summary>
/// Handles records of an endpoint in batches; the next batch is what arrived while this one was handled. Throwing means trouble that all
/// share (database or broker away): the endpoint pauses its partitions, stays in the group, and gives the same batch again after a while.
/// </summary>
public interface IRecordBatchHandler
{
    /// <summary>
    /// Whether records are at work that may take as long as they do, such as a call to the outside: to wait for them is not to stand still.
    /// </summary>
    bool IsBusy => false;

    /// <summary>
    /// Handles the records, in order per partition. An entry of <paramref name="batch"/> is settled by calling
    /// <see cref="BatchEntry.Settle"/>, in any order, at any time, also after the method has returned.
    /// </summary>
    Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation);

    /// <summary>These partition numbers are ours now (in all the endpoint's topics). Called before any record of them is given.</summary>
    Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>These partition numbers are no longer ours. Must return at once.</summary>
    void Revoked(IReadOnlyCollection<int> partitions);
}

/// <summary>A record in the hands of a handler.</summary>
public sealed class BatchEntry(ConsumedRecord record, Action<BatchEntry, RecordOutcome> settle)
{
    private int _settled;

    /// <summary>The record.</summary>
    public ConsumedRecord Record { get; } = record;

    /// <summary>Whether its outcome has been told.</summary>
    public bool IsSettled => Volatile.Read(ref _settled) != 0;

    /// <summary>Tells its outcome. Only the first call counts.</summary>
    public void Settle(RecordOutcome outcome)
    {
        if (Interlocked.Exchange(ref _settled, 1) == 0)
        {
            settle(this, outcome);
        }
    }
}
