using Onex.Kafka.Producing;

namespace Onex.Kafka.Memory;

/// <summary>Writes to the in-memory log. An appended record counts as acknowledged.</summary>
internal sealed class MemoryProducer(MemoryLog log) : IRecordProducer
{
    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        var span = SendSpans.Start(ref record);
        var sending = Task.FromResult(log.Append(record));
        return span is null ? sending : SendSpans.EndAsync(span, sending);
    }

    public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => log.Partitions(topic) is { } count
        ? Task.FromResult(count)
        : throw new InvalidOperationException($"Topic '{topic}' does not exist.");
}
