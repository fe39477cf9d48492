using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>A record to write.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition, or null to choose by the key.</param>
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

    /// <summary>The broker will never take it: it is too large, or its topic is unknown or forbidden.</summary>
    Undeliverable,

    /// <summary>The broker could not be reached in time; a retry may succeed.</summary>
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
/// Writes records with an idempotent producer and <c>acks=all</c>. The whole process shares one. Do not await the delivery of one record
/// before producing the next, because records are sent in batches.
/// </summary>
public interface IRecordProducer
{
    /// <summary>
    /// Writes a record. The task ends with the broker's answer and never fails because of the broker. Order per partition is kept.
    /// </summary>
    Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation);

    /// <summary>The number of partitions of a topic, from metadata; throws <see cref="BrokerUnavailableException"/>.</summary>
    Task<int> PartitionsAsync(string topic, CancellationToken cancellation);
}
