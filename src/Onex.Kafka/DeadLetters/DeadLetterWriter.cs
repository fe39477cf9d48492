using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;

namespace Onex.Kafka.DeadLetters;

/// <summary>Writes and closes dead letters, and retries until that is durable.</summary>
internal sealed class DeadLetterWriter(
    KafkaSettings settings, IRecordProducer producer, IDeadLetterSink? sink, TimeProvider time, ILogger<DeadLetterWriter> logger,
    DeadLetterMetrics? metrics = null)
{
    /// <summary>Writes a dead letter. Returns when it is acknowledged and indexed, however long that takes.</summary>
    public async Task WriteAsync(ConsumedRecord record, RecordOutcome.Dead dead, CancellationToken cancellation)
    {
        var deadLetter = Create(record, dead);
        var backoff = Backoff.ForSharedFailure(time);
        var logged = false;
        while (true)
        {
            try
            {
                if (await TryWriteAsync(record, deadLetter, cancellation) is not { } problem)
                {
                    metrics?.Count(record.Topic);
                    Log.DeadLetterWritten(logger, record.Topic, record.Partition, record.Offset, dead.Code, dead.Reason);
                    return;
                }

                if (!logged)
                {
                    logged = true;
                    Log.DeadLetterRejected(logger, Topics.DeadLetterTopicOf(record.Topic), problem);
                }
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                if (!logged)
                {
                    logged = true;
                    Log.DeadLetterFailed(logger, Topics.DeadLetterTopicOf(record.Topic), e);
                }
            }

            await backoff.WaitAsync(cancellation);
        }
    }

    /// <summary>Finds the ids of open dead letters of these partitions, whose records may be read again; none without a sink.</summary>
    public async Task<IReadOnlySet<Guid>> FindOpenAsync(IEnumerable<TopicPartition> partitions, CancellationToken cancellation)
    {
        var open = new HashSet<Guid>();
        if (sink is null)
        {
            return open;
        }

        foreach (var topic in partitions.GroupBy(partition => partition.Topic, partition => partition.Partition.Value))
        {
            open.UnionWith(await sink.FindOpenAsync(topic.Key, [.. topic], cancellation));
        }

        return open;
    }

    /// <summary>Whether one of these ids is that of the record's dead letter.</summary>
    public bool Has(ConsumedRecord record, IReadOnlySet<Guid> open) => open.Count > 0 && sink is not null && open.Contains(sink.Id(record));

    /// <summary>Closes the dead letter of a record that was handled after all. Retries until that succeeds.</summary>
    public async Task CloseAsync(ConsumedRecord record, CancellationToken cancellation)
    {
        var backoff = Backoff.ForSharedFailure(time);
        while (true)
        {
            try
            {
                if (await sink!.CloseAsync(record, cancellation))
                {
                    Log.DeadLetterClosed(logger, record.Topic, record.Partition, record.Offset);
                }

                return;
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                Log.DeadLetterNotClosed(logger, record.Topic, e);
            }

            await backoff.WaitAsync(cancellation);
        }
    }

    internal DeadLetter Create(ConsumedRecord record, RecordOutcome.Dead dead) => new()
    {
        OriginalTopic = record.Topic,
        OriginalMessage = new DeadLetterMessage
        {
            Key = RecordText.From(record.Key),
            Value = RecordText.From(record.Value) is { } value ? SecretMask.Apply(value) : null,
            Headers = Headers(record),
            Partition = record.Partition,
            Offset = record.Offset,
        },
        FailureReason = dead.Reason,
        FailureCode = dead.Code,
        FailureTimestamp = time.GetUtcNow(),
        CorrelationId = dead.CorrelationId ?? RecordIdentity.CorrelationId(record),
        RetryCount = RetryCount(record) + dead.RetryCount,
        ErrorType = dead.ErrorType,
    };

    // Returns null, or the reason of the failure.
    private async Task<string?> TryWriteAsync(ConsumedRecord record, DeadLetter deadLetter, CancellationToken cancellation)
    {
        var report = await ProduceAsync(record, deadLetter, cancellation);
        if (report.Delivery == DeliveryStatus.Acknowledged)
        {
            if (sink is not null)
            {
                await sink.StoreAsync(record, deadLetter, cancellation);
            }

            return null;
        }

        if (report.Delivery == DeliveryStatus.Unavailable)
        {
            return report.Reason;
        }

        // Probably too large. Without its value, the dead letter still names the position of the record.
        var withoutValue = deadLetter with { OriginalMessage = deadLetter.OriginalMessage with { Value = null } };
        if (sink is not null)
        {
            var reference = await sink.StoreAsync(record, withoutValue, cancellation);
            withoutValue = withoutValue with { OriginalMessage = withoutValue.OriginalMessage with { ValueRef = reference } };
        }

        var second = await ProduceAsync(record, withoutValue, cancellation);
        return second.Delivery == DeliveryStatus.Acknowledged ? null : report.Reason;
    }

    private Task<DeliveryReport> ProduceAsync(ConsumedRecord record, DeadLetter deadLetter, CancellationToken cancellation)
    {
        var headers = MessageHeaders
            .Create(
                settings.ClientId,
                EventTypes.DeadLetter,
                new MessageId(RecordIdentity.Derive(record, "dead-letter")),
                deadLetter.CorrelationId,
                deadLetter.FailureTimestamp,
                deadLetter.RetryCount)
            .WithTrace(record.TextHeader(HeaderNames.TraceParent), record.TextHeader(HeaderNames.TraceState));
        return producer.ProduceAsync(
            new ProducedRecord(
                Topics.DeadLetterTopicOf(record.Topic),
                Partition: null,
                deadLetter.OriginalMessage.Key ?? "",
                JsonSerializer.SerializeToUtf8Bytes(deadLetter, MessageJson.Readable.DeadLetter),
                headers.Items),
            cancellation);
    }

    private static Dictionary<string, string> Headers(ConsumedRecord record)
    {
        var headers = new Dictionary<string, string>();
        foreach (var (name, value) in record.Headers)
        {
            headers[name] = SecretMask.IsSecret(name) ? SecretMask.Mask : RecordText.From(value) ?? "";
        }

        return headers;
    }

    private static int RetryCount(ConsumedRecord record) =>
        int.TryParse(
            record.TextHeader(HeaderNames.RetryCount), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count
            : 0;
}
