using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>
/// One idempotent producer for the process, and a second one that puts every record into a batch of its own, for those whose batch was too large.
/// Made again when the library calls them broken for good.
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
            // The broker takes or refuses a batch as a whole, by the topic's max.message.bytes, which nobody here knows. A record that is not too
            // large by itself was only in bad company. Those of one batch are told one after the other, and so keep their order.
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

/// <summary>A producer of the library, made on first use and again when it breaks.</summary>
/// <param name="settings">How to reach the broker.</param>
/// <param name="recordsPerBatch">How many records go together at most; null for as many as there are.</param>
/// <param name="health">Told of what the library complains of.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">For breaks.</param>
internal sealed class ProducerClient(KafkaSettings settings, int? recordsPerBatch, BrokerHealth health, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan _remakeAtMostEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _flushFor = TimeSpan.FromSeconds(5);
    private static readonly Answer _closed = new(new DeliveryReport(DeliveryStatus.Unavailable, "The producer is closed."), TooLargeTogether: false);

    private readonly Lock _lock = new();
    private Open? _open;
    private long _madeAt;
    private bool _disposed;

    public async Task<Answer> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        if (Current() is not { } open)
        {
            return new Answer(new DeliveryReport(DeliveryStatus.Unavailable, "The producer is being made again.") { IsUnwritten = true }, TooLargeTogether: false);
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
                    Judge(open, report.Error, report.Status == PersistenceStatus.NotPersisted),
                    TooLargeTogether: recordsPerBatch is null && report.Error.Code is (ErrorCode.MsgSizeTooLarge or ErrorCode.RecordListTooLarge))));
        }
        catch (KafkaException e)
        {
            open.Answer(answer, new Answer(Judge(open, e.Error, isUnwritten: true), TooLargeTogether: false));
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

            if (_madeAt != 0 && time.GetElapsedTime(_madeAt) < _remakeAtMostEvery)
            {
                return null;
            }

            _madeAt = time.GetTimestamp();
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

            // Outside the collector's memory, and without it the client would take a gigabyte. The largest message must fit.
            configuration.QueueBufferingMaxKbytes = Math.Max(2 * settings.ClientBytesMax, (10 << 20) + (1 << 20)) / 1024;

            // A topic that nobody knows is told as such, not held back for long.
            configuration.TopicMetadataPropagationMaxMs = 5000;
            return _open = new Open(new ProducerBuilder<byte[], byte[]>(configuration)
                .SetLogHandler((_, line) => Log.ClientLine(logger, line.Facility, line.Message))
                .SetErrorHandler(OnError)
                .Build());
        }
    }

    private DeliveryReport Judge(Open open, Error error, bool isUnwritten)
    {
        if (!error.IsError)
        {
            return new DeliveryReport(DeliveryStatus.Acknowledged, null);
        }

        if (error.IsFatal || error.Code == ErrorCode.Local_Fatal)
        {
            Discard(open.Producer, error);
        }

        return new DeliveryReport(IsRejection(error.Code) ? DeliveryStatus.Refused : DeliveryStatus.Unavailable, error.Reason) { IsUnwritten = isUnwritten };
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

        // Not here: this may be the producer's own thread, which it waits for.
        _ = Task.Run(open.Close);
    }

    private static bool IsRejection(ErrorCode code) => code
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

    /// <summary>What the broker said.</summary>
    /// <param name="Report">Of the record.</param>
    /// <param name="TooLargeTogether">Whether it was refused with the batch in which it was, so that it may be taken alone.</param>
    internal readonly record struct Answer(DeliveryReport Report, bool TooLargeTogether);

    /// <summary>A producer while it lives, and who waits for it.</summary>
    private sealed class Open(IProducer<byte[], byte[]> producer)
    {
        public IProducer<byte[], byte[]> Producer { get; } = producer;

        public ConcurrentDictionary<TaskCompletionSource<Answer>, byte> Waiting { get; } = new();

        public void Answer(TaskCompletionSource<Answer> waiting, Answer answer)
        {
            Waiting.TryRemove(waiting, out _);
            waiting.TrySetResult(answer);
        }

        /// <summary>Closes it. What it has not told of by then it never tells, so that who waits for that must hear it from here.</summary>
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
