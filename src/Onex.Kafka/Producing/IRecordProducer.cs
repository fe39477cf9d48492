using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>A record to write.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition; null to choose it by the key, or by <see cref="KafkaSettings.UnorderedTopics"/>.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value.</param>
/// <param name="Headers">The headers.</param>
public sealed record ProducedRecord(
    string Topic, int? Partition, string Key, ReadOnlyMemory<byte> Value, IReadOnlyList<KeyValuePair<string, string>> Headers);

/// <summary>The outcome of writing a record.</summary>
public enum DeliveryStatus
{
    /// <summary>It is durable.</summary>
    Acknowledged,

    /// <summary>A retry would fail too: for example, it is too large, or its topic is unknown or forbidden.</summary>
    Undeliverable,

    /// <summary>It is not acknowledged for another reason, such as an unreachable broker; a retry may succeed.</summary>
    Unavailable,
}

/// <summary>The outcome of writing one record, and its reason.</summary>
public readonly record struct DeliveryReport(DeliveryStatus Delivery, string? Reason)
{
    /// <summary>
    /// Whether it is certain that the record was not written and never will be. If that is false, and the record is not acknowledged, then
    /// it is unknown whether it was written.
    /// </summary>
    public bool IsUnwritten { get; init; }
}

/// <summary>
/// Writes records: to Kafka with an idempotent producer and <c>acks=all</c>, or to the in-memory log. The whole process shares one. Do not
/// await the delivery of one record before producing the next, because records are sent in batches.
/// </summary>
public interface IRecordProducer
{
    /// <summary>
    /// Writes a record. The task ends with the broker's answer and never fails because of the broker; cancellation only ends the wait.
    /// Order per partition is kept, except that later records may overtake those of a batch that was too large.
    /// </summary>
    Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation);

    /// <summary>The number of partitions of a topic.</summary>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    /// <exception cref="InvalidOperationException">There is no such topic.</exception>
    Task<int> PartitionsAsync(string topic, CancellationToken cancellation);
}
