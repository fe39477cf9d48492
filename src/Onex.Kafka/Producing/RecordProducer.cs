using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>
/// The process's idempotent producer, and a second one with single-record batches for records whose batch was too large. Both are recreated
/// after a fatal error of the library.
/// </summary>
internal sealed class RecordProducer : IRecordProducer, IDisposable
{
    private readonly TopicAdmin _topics;
    private readonly ProducerClient _batched;
    private readonly ProducerClient _alone;

    public RecordProducer(KafkaSettings settings, TopicAdmin topics, BrokerHealth health, TimeProvider time, ILogger<RecordProducer> logger)
    {
        _topics = topics;
        _batched = new ProducerClient(settings, recordsPerBatch: null, health, time, logger);
        _alone = new ProducerClient(settings, recordsPerBatch: 1, health, time, logger);
    }

    public async Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        var answer = await _batched.ProduceAsync(record, cancellation);
        if (answer.TooLargeTogether)
        {
            // The broker takes or rejects a batch as a whole, by the topic's max.message.bytes, which is not known here. A record that is
            // not too large by itself succeeds in a batch of its own. Records of one batch are reported one after the other, so they keep
            // their order.
            answer = await _alone.ProduceAsync(record, cancellation);
        }

        return answer.Report;
    }

    public async Task<int> PartitionsAsync(string topic, CancellationToken cancellation) =>
        (await _topics.PartitionCountsAsync([topic], cancellation)).TryGetValue(topic, out var count)
            ? count
            : throw new InvalidOperationException($"Topic '{topic}' does not exist.");

    public void Dispose()
    {
        _batched.Dispose();
        _alone.Dispose();
    }
}

/// <summary>A producer of the library, created on first use and again after a fatal error.</summary>
/// <param name="settings">How to reach the broker.</param>
/// <param name="recordsPerBatch">The most records per batch; null for no limit.</param>
/// <param name="health">Receives the errors of the library.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">For fatal errors.</param>
internal sealed class ProducerClient(
    KafkaSettings settings, int? recordsPerBatch, BrokerHealth health, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan _recreateAtMostEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _flushFor = TimeSpan.FromSeconds(5);
    private static readonly Answer _closed = new(
        new DeliveryReport(DeliveryStatus.Unavailable, "The producer is closed."), TooLargeTogether: false);

    private readonly Lock _lock = new();
    private Open? _open;
    private long _createdAt;
    private bool _disposed;

    public async Task<Answer> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        if (Current() is not { } open)
        {
            return new Answer(
                new DeliveryReport(DeliveryStatus.Unavailable, "The producer is being recreated.") { IsUnwritten = true },
                TooLargeTogether: false);
        }

        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(record.Key),
            Value = Bytes(record.Value),
            Headers = Headers(record.Headers),
        };
        open.Waiting.TryAdd(answer, 0);
        try
        {
            open.Producer.Produce(
                new TopicPartition(record.Topic, record.Partition ?? Partition.Any),
                message,
                report => open.Answer(answer, new Answer(
                    ToReport(open, report.Error, report.Status == PersistenceStatus.NotPersisted),
                    TooLargeTogether: recordsPerBatch is null && IsTooLarge(report.Error.Code))));
        }
        catch (KafkaException e)
        {
            open.Answer(answer, new Answer(ToReport(open, e.Error, isUnwritten: true), TooLargeTogether: false));
        }
        catch (ObjectDisposedException)
        {
            open.Answer(answer, _closed);
        }

        return await answer.Task.WaitAsync(cancellation);
    }

    public void Dispose()
    {
        Open? open;
        lock (_lock)
        {
            _disposed = true;
            open = _open;
            _open = null;
        }

        open?.Producer.Flush(_flushFor);
        open?.Close();
    }

    private Open? Current()
    {
        lock (_lock)
        {
            if (_open is not null || _disposed)
            {
                return _open;
            }

            if (_createdAt != 0 && time.GetElapsedTime(_createdAt) < _recreateAtMostEvery)
            {
                return null;
            }

            _createdAt = time.GetTimestamp();
            var configuration = ClientSettings.For<ProducerConfig>(settings);
            configuration.EnableIdempotence = true;
            configuration.Acks = Acks.All;
            configuration.LingerMs = 0;
            configuration.BatchNumMessages = recordsPerBatch;
            configuration.Partitioner = Confluent.Kafka.Partitioner.Murmur2Random;
            configuration.EnableDeliveryReports = true;
            configuration.DeliveryReportFields = "status";

            // The broker decides what is too large, topic by topic.
            configuration.MessageMaxBytes = 10 << 20;
            configuration.MessageTimeoutMs = 30_000;

            // Outside the managed heap, where the client would use up to a gigabyte by default. The largest message must fit.
            configuration.QueueBufferingMaxKbytes = Math.Max(2 * settings.ClientBytesMax, (10 << 20) + (1 << 20)) / 1024;

            // Reports an unknown topic soon instead of holding its records back.
            configuration.TopicMetadataPropagationMaxMs = 5000;
            return _open = new Open(new ProducerBuilder<byte[], byte[]>(configuration)
                .SetLogHandler((_, line) => Log.ClientLine(logger, line.Facility, line.Message))
                .SetErrorHandler(OnError)
                .Build());
        }
    }

    private DeliveryReport ToReport(Open open, Error error, bool isUnwritten)
    {
        if (!error.IsError)
        {
            return new DeliveryReport(DeliveryStatus.Acknowledged, null);
        }

        if (error.IsFatal || error.Code == ErrorCode.Local_Fatal)
        {
            Discard(open.Producer, error);
        }

        return new DeliveryReport(IsPermanent(error.Code) ? DeliveryStatus.Undeliverable : DeliveryStatus.Unavailable, error.Reason)
        {
            IsUnwritten = isUnwritten,
        };
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
        Open open;
        lock (_lock)
        {
            if (_open is null || !ReferenceEquals(_open.Producer, broken))
            {
                return;
            }

            open = _open;
            _open = null;
        }

        Log.ProducerBroke(logger, error.Reason);

        // Not on this thread: it may be the producer's own, which closing waits for.
        _ = Task.Run(open.Close);
    }

    private static bool IsTooLarge(ErrorCode code) => code is ErrorCode.MsgSizeTooLarge or ErrorCode.RecordListTooLarge;

    private static bool IsPermanent(ErrorCode code) => IsTooLarge(code) || code
        is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic
        or ErrorCode.Local_UnknownPartition or ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed
        or ErrorCode.TopicException or ErrorCode.PolicyViolation or ErrorCode.InvalidRecord or ErrorCode.Local_InvalidArg;

    private static byte[] Bytes(ReadOnlyMemory<byte> value) =>
        MemoryMarshal.TryGetArray(value, out var segment)
        && segment is { Offset: 0, Array: { } array }
        && segment.Count == array.Length
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

    /// <summary>The outcome of a record in one producer.</summary>
    /// <param name="Report">The outcome.</param>
    /// <param name="TooLargeTogether">Whether its batch was too large, so that it may succeed alone.</param>
    internal readonly record struct Answer(DeliveryReport Report, bool TooLargeTogether);

    /// <summary>An open producer and the callers that wait for its reports.</summary>
    private sealed class Open(IProducer<byte[], byte[]> producer)
    {
        public IProducer<byte[], byte[]> Producer { get; } = producer;

        public ConcurrentDictionary<TaskCompletionSource<Answer>, byte> Waiting { get; } = new();

        public void Answer(TaskCompletionSource<Answer> waiting, Answer answer)
        {
            Waiting.TryRemove(waiting, out _);
            waiting.TrySetResult(answer);
        }

        /// <summary>Closes it and completes the callers that it has not answered, because it never will.</summary>
        public void Close()
        {
            Producer.Dispose();
            foreach (var waiting in Waiting.Keys)
            {
                Answer(waiting, _closed);
            }
        }
    }
}
