using System.Text;
using Confluent.Kafka;

namespace Onex.Tests.Support;

/// <summary>Publishes to topics as any client would: any bytes, any key, any partition.</summary>
public sealed class TopicWriter : IDisposable
{
    private readonly IProducer<byte[]?, byte[]?> _producer;

    /// <summary>
    /// Connects to a broker. A missing topic is an error, unless <paramref name="createTopics"/> allows the broker to create it.
    /// </summary>
    public TopicWriter(string bootstrapServers, bool createTopics = false) =>
        _producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig
        {
            BootstrapServers = bootstrapServers,
            EnableIdempotence = true,
            LingerMs = 0,
            Partitioner = Partitioner.Random,
            MessageMaxBytes = 8 * 1024 * 1024,
            AllowAutoCreateTopics = createTopics,
        }).SetKeySerializer(Serializers.ByteArray!).SetValueSerializer(Serializers.ByteArray!).SetLogHandler((_, _) => { }).Build();

    /// <summary>Publishes text. Without a partition, the client of the broker chooses a random one.</summary>
    public Task<TopicPartitionOffset> SendAsync(
        string topic, string value, string? key = null, int? partition = null, IReadOnlyDictionary<string, string>? headers = null) =>
        SendAsync(topic, Encoding.UTF8.GetBytes(value), key is null ? null : Encoding.UTF8.GetBytes(key), partition, headers);

    /// <summary>Publishes bytes; null is a record without a value.</summary>
    public async Task<TopicPartitionOffset> SendAsync(
        string topic, byte[]? value, byte[]? key = null, int? partition = null, IReadOnlyDictionary<string, string>? headers = null)
    {
        var message = new Message<byte[]?, byte[]?> { Key = key, Value = value, Headers = [] };
        foreach (var (name, text) in headers ?? new Dictionary<string, string>())
        {
            message.Headers.Add(name, Encoding.UTF8.GetBytes(text));
        }

        var report = await _producer.ProduceAsync(
            new TopicPartition(topic, partition is { } number ? new Partition(number) : Partition.Any), message);
        return report.TopicPartitionOffset;
    }

    /// <inheritdoc />
    public void Dispose() => _producer.Dispose();
}
