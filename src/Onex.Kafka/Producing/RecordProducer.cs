using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>One idempotent producer for the process. Made again when the library calls it broken for good.</summary>
internal sealed class RecordProducer(KafkaSettings settings, TopicAdmin topics, BrokerHealth health, TimeProvider time, ILogger<RecordProducer> logger)
    : IRecordProducer, IDisposable
{
    private static readonly TimeSpan _remakeAtMostEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _flushFor = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private IProducer<byte[], byte[]>? _producer;
    private long _madeAt;
    private bool _disposed;

    public async Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        if (Current() is not { } producer)
        {
            return new DeliveryReport(Delivery.Unavailable, "The producer is being made again.") { IsUnwritten = true };
        }

        var answer = new TaskCompletionSource<DeliveryReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(record.Key),
            Value = Bytes(record.Value),
            Headers = Headers(record.Headers),
        };
        try
        {
            producer.Produce(
                new TopicPartition(record.Topic, record.Partition ?? Partition.Any),
                message,
                report => answer.TrySetResult(Judge(producer, report.Error, report.Status == PersistenceStatus.NotPersisted)));
        }
        catch (KafkaException e)
        {
            return Judge(producer, e.Error, isUnwritten: true);
        }
        catch (ObjectDisposedException)
        {
            return new DeliveryReport(Delivery.Unavailable, "The producer is closed.") { IsUnwritten = true };
        }

        return await answer.Task.WaitAsync(cancellation);
    }

    public async Task<int> PartitionsAsync(string topic, CancellationToken cancellation) =>
        (await topics.PartitionCountsAsync([topic], cancellation)).TryGetValue(topic, out var count)
            ? count
            : throw new InvalidOperationException($"Topic '{topic}' does not exist.");

    public void Dispose()
    {
        IProducer<byte[], byte[]>? producer;
        lock (_lock)
        {
            _disposed = true;
            producer = _producer;
            _producer = null;
        }

        producer?.Flush(_flushFor);
        producer?.Dispose();
    }

    private IProducer<byte[], byte[]>? Current()
    {
        lock (_lock)
        {
            if (_producer is not null || _disposed)
            {
                return _producer;
            }

            if (_madeAt != 0 && time.GetElapsedTime(_madeAt) < _remakeAtMostEvery)
            {
                return null;
            }

            _madeAt = time.GetTimestamp();
            var configuration = ClientSettings.For<ProducerConfig>(settings);
            configuration.EnableIdempotence = true;
            configuration.Acks = Acks.All;
            configuration.LingerMs = 0;
            configuration.Partitioner = Partitioner.Murmur2Random;
            configuration.EnableDeliveryReports = true;
            configuration.DeliveryReportFields = "status";

            // The broker decides what is too large, topic by topic.
            configuration.MessageMaxBytes = 10 << 20;
            configuration.MessageTimeoutMs = 30_000;

            // Outside the collector's memory, and without it the client would take a gigabyte. The largest message must fit.
            configuration.QueueBufferingMaxKbytes = Math.Max(2 * settings.ClientBytesMax, (10 << 20) + (1 << 20)) / 1024;

            // A topic that nobody knows is told as such, not held back for long.
            configuration.TopicMetadataPropagationMaxMs = 5000;
            _producer = new ProducerBuilder<byte[], byte[]>(configuration)
                .SetLogHandler((_, line) => logger.LogDebug("librdkafka: {Facility} {Message}", line.Facility, line.Message))
                .SetErrorHandler(OnError)
                .Build();
            return _producer;
        }
    }

    private DeliveryReport Judge(IProducer<byte[], byte[]> producer, Error error, bool isUnwritten)
    {
        if (!error.IsError)
        {
            return new DeliveryReport(Delivery.Acknowledged, null);
        }

        if (error.IsFatal || error.Code == ErrorCode.Local_Fatal)
        {
            Discard(producer, error);
        }

        return new DeliveryReport(IsRefusal(error.Code) ? Delivery.Refused : Delivery.Unavailable, error.Reason) { IsUnwritten = isUnwritten };
    }

    private void OnError(IProducer<byte[], byte[]> producer, Error error)
    {
        health.Note(error);
        if (error.IsFatal)
        {
            Discard(producer, error);
        }
    }

    private void Discard(IProducer<byte[], byte[]> broken, Error error)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_producer, broken))
            {
                return;
            }

            _producer = null;
        }

        logger.LogWarning("The Kafka producer broke and is made again: {Reason}", error.Reason);

        // Not here: this may be the producer's own thread, which it waits for.
        _ = Task.Run(broken.Dispose);
    }

    private static bool IsRefusal(ErrorCode code) => code
        is ErrorCode.MsgSizeTooLarge or ErrorCode.RecordListTooLarge or ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic
        or ErrorCode.Local_UnknownPartition or ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed
        or ErrorCode.TopicException or ErrorCode.PolicyViolation or ErrorCode.InvalidRecord or ErrorCode.Local_InvalidArg;

    private static byte[] Bytes(ReadOnlyMemory<byte> value) =>
        MemoryMarshal.TryGetArray(value, out var segment) && segment.Array is { } array && segment.Offset == 0 && segment.Count == array.Length
            ? array
            : value.ToArray();

    private static Headers Headers(IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        var text = new Headers();
        foreach (var (name, value) in headers)
        {
            text.Add(name, Encoding.UTF8.GetBytes(value));
        }

        return text;
    }
}
