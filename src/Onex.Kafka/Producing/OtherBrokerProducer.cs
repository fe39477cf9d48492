using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>A producer for another broker than the runtime's own. That broker does not count for the health of the process.</summary>
public sealed class OtherBrokerProducer : IDisposable
{
    private readonly BrokerAdmin _admin;
    private readonly BrokerHealth _health;
    private readonly RecordProducer _producer;

    /// <param name="settings">How to reach the broker. Nothing is opened before the first record.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">For errors of the client.</param>
    public OtherBrokerProducer(KafkaSettings settings, TimeProvider time, ILoggerFactory loggers)
    {
        _admin = new BrokerAdmin(settings);
        _health = new BrokerHealth(_admin, time, loggers.CreateLogger<BrokerHealth>());
        _producer = new RecordProducer(
            settings, new TopicAdmin(_admin, time), _health, time, loggers.CreateLogger<RecordProducer>());
    }

    /// <summary>Writes a record, as <see cref="IRecordProducer.ProduceAsync"/> does.</summary>
    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation) =>
        _producer.ProduceAsync(record, cancellation);

    /// <inheritdoc />
    public void Dispose()
    {
        _producer.Dispose();
        _health.Dispose();
        _admin.Dispose();
    }
}
