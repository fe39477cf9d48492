using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>
/// The process's idempotent producer, and a second one with single-record batches for records whose batch was too large. Both are recreated
/// after a fatal error of the library.
/// </summary>
internal sealed class RecordProducer : IRecordProducer, IThreadPoolWorkItem, IDisposable
{
    private readonly TopicAdmin _topics;
    private readonly LingerQueue<PendingRecord> _queue;
    private readonly ProducerClient _batched;
    private readonly ProducerClient _unbatched;
    private readonly Dictionary<string, BatchPartitioner> _partitioners;
    private readonly ConcurrentQueue<(PendingRecord Pending, DeliveryReport Report)> _reported = new();
    private readonly ProducerMetrics? _metrics;
    private readonly bool _isSpreading;
    private int _isCompleting;

    public RecordProducer(
        KafkaSettings settings,
        TopicAdmin topics,
        BrokerHealth health,
        TimeProvider time,
        ILogger<RecordProducer> logger,
        ProducerMetrics? metrics = null)
    {
        _metrics = metrics;
        _topics = topics;
        _partitioners = settings.UnorderedTopics.ToDictionary(topic => topic, topic => new BatchPartitioner(
            settings.SpreadTopics.Contains(topic, StringComparer.Ordinal)), StringComparer.Ordinal);
        _isSpreading = settings.SpreadTopics.Count > 0;
        _batched = new ProducerClient(settings, recordsPerBatch: null, _partitioners, OnReport, health, time, logger);
        _unbatched = new ProducerClient(settings, recordsPerBatch: 1, _partitioners, OnReport, health, time, logger);
        _queue = new LingerQueue<PendingRecord>(HandOver, time);
    }

    /// <summary>Whether the library's producer exists.</summary>
    public bool IsOpen => _batched.IsOpen;

    /// <summary>Creates the library's producer, which the first record does otherwise.</summary>
    public void Open() => _batched.Open();

    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        var span = SendSpans.Start(ref record);
        var pending = new PendingRecord(record, _metrics?.Now ?? 0);
        _queue.Add(pending);
        var sending = pending.Task.WaitAsync(cancellation);
        return span is null ? sending : SendSpans.EndAsync(span, sending);
    }

    public async Task<int> PartitionsAsync(string topic, CancellationToken cancellation) =>
        (await _topics.PartitionCountsAsync([topic], cancellation)).TryGetValue(topic, out var count)
            ? count
            : throw new InvalidOperationException($"Topic '{topic}' does not exist.");

    public void Dispose()
    {
        _queue.Dispose();
        _batched.Dispose();
        _unbatched.Dispose();
    }

    /// <summary>Completes the tasks of the callers whose records were reported, with one work item for all of them.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            while (_reported.TryDequeue(out var reported))
            {
                reported.Pending.TrySetResult(reported.Report);
            }

            Volatile.Write(ref _isCompleting, 0);
        }
        while (!_reported.IsEmpty && Interlocked.Exchange(ref _isCompleting, 1) == 0);
    }

    private void HandOver(IReadOnlyList<PendingRecord> batch)
    {
        if (_isSpreading)
        {
            foreach (var pending in batch)
            {
                if (_partitioners.TryGetValue(pending.Record.Topic, out var partitioner) && partitioner.IsSpread)
                {
                    partitioner.Expect();
                }
            }
        }

        foreach (var pending in batch)
        {
            _batched.Produce(pending);
        }

        foreach (var partitioner in _partitioners.Values)
        {
            partitioner.EndBatch();
        }
    }

    private void OnReport(PendingRecord pending, DeliveryReport report, bool isTooLargeTogether)
    {
        if (isTooLargeTogether)
        {
            // The broker takes or rejects a batch as a whole, by the topic's max.message.bytes, which is not known here. A record that is
            // not too large by itself succeeds in a batch of its own. Records of one batch are reported one after the other, so they keep
            // their order.
            _unbatched.Produce(pending);
            return;
        }

        _metrics?.Reported(pending.Record.Topic, report.Delivery, pending.Began);
        _reported.Enqueue((pending, report));
        if (Interlocked.Exchange(ref _isCompleting, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }
}

/// <summary>A record that has no report yet, and the task of its caller. The continuations of such tasks run one after the other.</summary>
/// <param name="record">The record.</param>
/// <param name="began">When it was handed over; 0 if nobody measures it.</param>
internal sealed class PendingRecord(ProducedRecord record, long began = 0) : TaskCompletionSource<DeliveryReport>
{
    public long Began { get; } = began;

    public ProducedRecord Record { get; } = record;
}
