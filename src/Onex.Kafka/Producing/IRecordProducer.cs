namespace Onex.Kafka.Producing;

/// <summary>A record to be written.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition, or null to choose by the key.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value.</param>
/// <param name="Headers">The headers.</param>
public sealed record ProducedRecord(
    string Topic, int? Partition, string Key, ReadOnlyMemory<byte> Value, IReadOnlyList<KeyValuePair<string, string>> Headers);

/// <summary>What the broker said.</summary>
public enum DeliveryStatus
{
    /// <summary>It is durable.</summary>
    Acknowledged,

    /// <summary>The broker refuses it for good: too large, unknown or forbidden topic.</summary>
    Refused,

    /// <summary>The broker could not be reached in time: try again.</summary>
    Unavailable,
}

/// <summary>What the broker said of one record, and why.</summary>
public readonly record struct DeliveryReport(DeliveryStatus Delivery, string? Reason)
{
    /// <summary>Whether it certainly was not written, and never will be; else, unless it was acknowledged, nobody can tell.</summary>
    public bool IsUnwritten { get; init; }
}

/// <summary>
/// Writes records with an idempotent producer and <c>acks=all</c>. One for the process, shared by all. Never await one record's delivery
/// before producing the next.
/// </summary>
public interface IRecordProducer
{
    /// <summary>Hands a record over; the task ends when the broker has answered. Order per partition is kept. Never throws for the broker's reasons.</summary>
    Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation);

    /// <summary>The number of partitions of a topic, from metadata; throws <see cref="BrokerUnavailableException"/>.</summary>
    Task<int> PartitionsAsync(string topic, CancellationToken cancellation);
}

/// <summary>No broker can be reached.</summary>
public sealed class BrokerUnavailableException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With no text of its own.</summary>
    public BrokerUnavailableException()
        : this("No broker can be reached.", null)
    {
    }

    /// <summary>With a text.</summary>
    public BrokerUnavailableException(string message)
        : this(message, null)
    {
    }
}
