using Onex.Kafka.Producing;

namespace Onex.Kafka.Memory;

/// <summary>Writes to the twin: what is appended is as durable as it gets.</summary>
internal sealed class MemoryProducer(MemoryLog log) : IRecordProducer
{
    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation) => Task.FromResult(log.Append(record));

    public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => log.Partitions(topic) is { } count
        ? Task.FromResult(count)
        : throw new InvalidOperationException($"Topic '{topic}' does not exist.");
}
