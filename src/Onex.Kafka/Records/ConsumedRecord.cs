namespace Onex.Kafka.Records;

/// <summary>A record as read from a topic.</summary>
public sealed class ConsumedRecord
{
    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>
    /// The topic's id, or null if the broker has no ids. A topic that is deleted and created again has another id, and new offsets.
    /// </summary>
    public Guid? TopicId { get; init; }

    /// <summary>The partition.</summary>
    public required int Partition { get; init; }

    /// <summary>The offset.</summary>
    public required long Offset { get; init; }

    /// <summary>The time that the producer or the broker has set, in milliseconds since 1970; null if there is none.</summary>
    public long? Timestamp { get; init; }

    /// <summary>The key, or null.</summary>
    public byte[]? Key { get; init; }

    /// <summary>The value, or null.</summary>
    public byte[]? Value { get; init; }

    /// <summary>The headers, in order; values may be null and need not be UTF-8.</summary>
    public required IReadOnlyList<KeyValuePair<string, byte[]?>> Headers { get; init; }
}

/// <summary>The outcome of handling a record.</summary>
public abstract record RecordOutcome
{
    private RecordOutcome()
    {
    }

    /// <summary>It was handled durably; the offset may advance.</summary>
    public sealed record Handled : RecordOutcome
    {
        /// <summary>The only instance.</summary>
        public static Handled Instance { get; } = new();
    }

    /// <summary>
    /// It was not begun, because the process stops. The offset does not advance, so the next owner of the partition reads it.
    /// </summary>
    public sealed record Returned : RecordOutcome
    {
        /// <summary>The only instance.</summary>
        public static Returned Instance { get; } = new();
    }

    /// <summary>It cannot be handled. The rider writes it to the dead-letter topic, then the offset may advance.</summary>
    public sealed record Dead(string Code, string Reason, string ErrorType, Guid? CorrelationId) : RecordOutcome
    {
        /// <summary>How often handling it was retried in this process.</summary>
        public int RetryCount { get; init; }
    }
}
