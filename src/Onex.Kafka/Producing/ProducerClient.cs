using System.Collections.Frozen;
using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>Receives a record with its report. Must neither throw nor block.</summary>
/// <param name="record">The record.</param>
/// <param name="report">Its report.</param>
/// <param name="isTooLargeTogether">Whether it or its batch was too large, so that it may succeed in a batch of its own.</param>
internal delegate void RecordReporter(PendingRecord record, DeliveryReport report, bool isTooLargeTogether);

/// <summary>A producer of the library, created on first use and again after a fatal error.</summary>
/// <param name="settings">How to reach the broker.</param>
/// <param name="recordsPerBatch">The most records per batch; null for no limit.</param>
/// <param name="partitioners">The partitioners by topic. Other topics use that of the library.</param>
/// <param name="onReport">Receives each record with its report.</param>
/// <param name="health">Receives the errors of the library.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">For fatal errors.</param>
internal sealed class ProducerClient(
    KafkaSettings settings,
    int? recordsPerBatch,
    IReadOnlyDictionary<string, BatchPartitioner> partitioners,
    RecordReporter onReport,
    BrokerHealth health,
    TimeProvider time,
    ILogger logger) : IDisposable
{
    // The largest record that the client accepts. The broker decides what is too large, topic by topic.
    private const int RecordBytesMax = 10 << 20;

    private static readonly TimeSpan _recreateAtMostEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _flushFor = TimeSpan.FromSeconds(5);
    private static readonly DeliveryReport _acknowledged = new(DeliveryStatus.Acknowledged, null);
    private static readonly DeliveryReport _closed = new(DeliveryStatus.Unavailable, "The producer is closed.");

    // Headers that almost every message has, encoded once.
    private static readonly FrozenDictionary<(string Name, string Value), Header> _commonHeaders =
        new (string Name, string[] Values)[]
        {
            (HeaderNames.ContentType, ["application/json"]),
            (HeaderNames.Source, ["onex-main", "onex-effects", "onex-workers"]),
            (HeaderNames.EventType, [EventTypes.Command, EventTypes.Result, EventTypes.Response]),
            (HeaderNames.SchemaVersion, [MessageHeaders.SchemaVersion]),
            (HeaderNames.RetryCount, ["0"]),
        }
        .SelectMany(header => header.Values.Select(value => (header.Name, value)))
        .ToFrozenDictionary(header => header, header => new Header(header.Name, Encoding.UTF8.GetBytes(header.value)));

    private readonly Lock _lock = new();
    private OpenProducer? _open;
    private long _createdAt;
    private bool _disposed;

    /// <summary>Whether the library's producer exists.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_lock)
            {
                return _open is not null;
            }
        }
    }

    /// <summary>Creates the library's producer unless it exists.</summary>
    public void Open() => GetOrCreate();

    /// <summary>Hands a record to the library, which reports it later. Reports it at once if there is no producer at the moment.</summary>
    public void Produce(PendingRecord pending)
    {
        OpenProducer? open = null;
        var problem = "There is no producer at the moment.";
        try
        {
            open = GetOrCreate();
        }
        catch (InvalidOperationException failure)
        {
            // The library rejects its configuration: a certificate was removed or replaced by one that it cannot use.
            problem = failure.Message;
        }

        if (open is null)
        {
            var report = new DeliveryReport(DeliveryStatus.Unavailable, problem) { IsUnwritten = true };
            onReport(pending, report, isTooLargeTogether: false);
            return;
        }

        if (!open.Add(pending))
        {
            onReport(pending, _closed, isTooLargeTogether: false);
            return;
        }

        var record = pending.Record;
        try
        {
            open.Producer.Produce(
                new TopicPartition(record.Topic, record.Partition ?? Partition.Any),
                new Message<byte[], PendingRecord>
                {
                    Key = Encoding.UTF8.GetBytes(record.Key),
                    Value = pending,
                    Headers = HeadersOf(record),
                },
                open.OnDelivery);
        }
        catch (KafkaException e)
        {
            Report(open, pending, e.Error, isUnwritten: true);
        }
        catch (ObjectDisposedException)
        {
            if (open.Remove(pending))
            {
                onReport(pending, _closed, isTooLargeTogether: false);
            }
        }
    }

    public void Dispose()
    {
        OpenProducer? open;
        lock (_lock)
        {
            _disposed = true;
            open = _open;
            _open = null;
        }

        open?.Producer.Flush(_flushFor);
        Close(open);
    }

    private OpenProducer? GetOrCreate()
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

            // LingerQueue forms the batches.
            configuration.LingerMs = 0;
            configuration.BatchNumMessages = recordsPerBatch;
            configuration.Partitioner = Confluent.Kafka.Partitioner.Murmur2Random;
            configuration.EnableDeliveryReports = true;

            // The value is the pending record itself, so all records share one handler.
            configuration.DeliveryReportFields = "status,value";
            configuration.MessageMaxBytes = RecordBytesMax;
            configuration.MessageTimeoutMs = 30_000;

            // Outside the managed heap, where the client would use up to a gigabyte by default. The largest record must fit.
            configuration.QueueBufferingMaxKbytes = Math.Max(2 * settings.ClientBytesMax, RecordBytesMax + (1 << 20)) / 1024;

            // Reports an unknown topic soon instead of holding its records back.
            configuration.TopicMetadataPropagationMaxMs = 5000;
            var builder = new ProducerBuilder<byte[], PendingRecord>(configuration)
                .SetValueSerializer(ValueSerializer.Instance)
                .SetLogHandler((_, line) => Log.ClientLine(logger, line.Facility, line.Message))
                .SetErrorHandler(OnError);
            foreach (var (topic, partitioner) in partitioners)
            {
                builder.SetPartitioner(topic, (_, partitions, _, _) => partitioner.Choose(partitions));
            }

            return _open = new OpenProducer(builder.Build(), (open, delivered) => Report(
                open, delivered.Message.Value, delivered.Error, delivered.Status == PersistenceStatus.NotPersisted));
        }
    }

    private void Report(OpenProducer open, PendingRecord pending, Error error, bool isUnwritten)
    {
        if (!open.Remove(pending))
        {
            return;
        }

        if (!error.IsError)
        {
            onReport(pending, _acknowledged, isTooLargeTogether: false);
            return;
        }

        if (error.IsFatal || error.Code == ErrorCode.Local_Fatal)
        {
            Discard(open.Producer, error);
        }

        var isPermanent = IsPermanent(error.Code)
            || (IsMissing(error.Code) && !settings.OwnTopics.Contains(pending.Record.Topic, StringComparer.Ordinal));
        var report = new DeliveryReport(isPermanent ? DeliveryStatus.Undeliverable : DeliveryStatus.Unavailable, error.Reason)
        {
            IsUnwritten = isUnwritten,
        };
        onReport(pending, report, isTooLargeTogether: recordsPerBatch is null && IsTooLarge(error.Code));
    }

    private void OnError(IProducer<byte[], PendingRecord> producer, Error error)
    {
        health.Note(error);
        if (error.IsFatal)
        {
            Discard(producer, error);
        }
    }

    private void Discard(IProducer<byte[], PendingRecord> broken, Error error)
    {
        OpenProducer open;
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

        // Not on this thread: it may be the thread of the producer, whose end Close waits for.
        _ = Task.Run(() => Close(open));
    }

    // Also reports the records that the library has not reported, because after this it never will.
    private void Close(OpenProducer? open)
    {
        open?.Producer.Dispose();
        foreach (var pending in open?.RemoveAll() ?? [])
        {
            onReport(pending, _closed, isTooLargeTogether: false);
        }
    }

    private static bool IsTooLarge(ErrorCode code) => code is ErrorCode.MsgSizeTooLarge or ErrorCode.RecordListTooLarge;

    private static bool IsMissing(ErrorCode code) =>
        code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition;

    private static bool IsPermanent(ErrorCode code) => IsTooLarge(code) || code
        is ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed
        or ErrorCode.TopicException or ErrorCode.PolicyViolation or ErrorCode.InvalidRecord or ErrorCode.Local_InvalidArg;

    private static Headers HeadersOf(ProducedRecord record)
    {
        var headers = new Headers();
        for (var i = 0; i < record.Headers.Count; i++)
        {
            var (name, value) = record.Headers[i];
            headers.Add(
                _commonHeaders.TryGetValue((name, value), out var common) ? common : new Header(name, Encoding.UTF8.GetBytes(value)));
        }

        return headers;
    }

    private sealed class ValueSerializer : ISerializer<PendingRecord>
    {
        public static ValueSerializer Instance { get; } = new();

        public byte[] Serialize(PendingRecord data, SerializationContext context) =>
            MemoryMarshal.TryGetArray(data.Record.Value, out var segment)
            && segment is { Offset: 0, Array: { } array }
            && segment.Count == array.Length
                ? array
                : data.Record.Value.ToArray();
    }

    /// <summary>An open producer and the records that it has not reported.</summary>
    private sealed class OpenProducer
    {
        private readonly Lock _lock = new();
        private readonly HashSet<PendingRecord> _pending = [];
        private bool _isClosed;

        public OpenProducer(
            IProducer<byte[], PendingRecord> producer, Action<OpenProducer, DeliveryReport<byte[], PendingRecord>> onDelivery)
        {
            Producer = producer;
            OnDelivery = delivered => onDelivery(this, delivered);
        }

        public IProducer<byte[], PendingRecord> Producer { get; }

        public Action<DeliveryReport<byte[], PendingRecord>> OnDelivery { get; }

        /// <summary>False if it is closed.</summary>
        public bool Add(PendingRecord pending)
        {
            lock (_lock)
            {
                return !_isClosed && _pending.Add(pending);
            }
        }

        /// <summary>False if it was removed already.</summary>
        public bool Remove(PendingRecord pending)
        {
            lock (_lock)
            {
                return _pending.Remove(pending);
            }
        }

        public PendingRecord[] RemoveAll()
        {
            lock (_lock)
            {
                _isClosed = true;
                PendingRecord[] unreported = [.. _pending];
                _pending.Clear();
                return unreported;
            }
        }
    }
}
