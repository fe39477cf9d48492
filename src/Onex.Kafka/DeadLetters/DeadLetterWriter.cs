using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;

namespace Onex.Kafka.DeadLetters;

/// <summary>Writes dead letters, and does not rest before each is durable.</summary>
internal sealed class DeadLetterWriter(
    KafkaSettings settings, IRecordProducer producer, IDeadLetterSink? sink, TimeProvider time, ILogger<DeadLetterWriter> logger)
{
    /// <summary>Ends when the letter is acknowledged and indexed, however long that takes.</summary>
    public async Task WriteAsync(ConsumedRecord record, RecordOutcome.Dead dead, CancellationToken cancellation)
    {
        var letter = Letter(record, dead);
        var backoff = Backoff.ForSharedFailure(time);
        var complained = false;
        while (true)
        {
            try
            {
                if (await TryWriteAsync(record, letter, cancellation) is not { } trouble)
                {
                    Log.DeadLetterWritten(logger, record.Topic, record.Partition, record.Offset, dead.Code, dead.Reason);
                    return;
                }

                if (!complained)
                {
                    complained = true;
                    Log.DeadLetterRejected(logger, Topics.DeadLetter(record.Topic), trouble);
                }
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                if (!complained)
                {
                    complained = true;
                    Log.DeadLetterFailed(logger, Topics.DeadLetter(record.Topic), e);
                }
            }

            await backoff.WaitAsync(cancellation);
        }
    }

    /// <summary>The letters of these partitions that nobody has decided about: their records may be read again.</summary>
    public async Task<IReadOnlySet<Guid>> OpenAsync(IEnumerable<TopicPartition> partitions, CancellationToken cancellation)
    {
        var open = new HashSet<Guid>();
        foreach (var topic in sink is null ? [] : partitions.GroupBy(partition => partition.Topic, partition => partition.Partition.Value))
        {
            open.UnionWith(await sink!.OpenAsync(topic.Key, [.. topic], cancellation));
        }

        return open;
    }

    /// <summary>Whether a record has one of these letters.</summary>
    public bool Has(ConsumedRecord record, IReadOnlySet<Guid> open) => open.Count > 0 && sink is not null && open.Contains(sink.Id(record));

    /// <summary>A record that has an open letter was handled: ends when the letter is closed.</summary>
    public async Task CloseAsync(ConsumedRecord record, CancellationToken cancellation)
    {
        var backoff = Backoff.ForSharedFailure(time);
        while (true)
        {
            try
            {
                await sink!.CloseAsync(record, cancellation);
                Log.DeadLetterClosed(logger, record.Topic, record.Partition, record.Offset);
                return;
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                Log.DeadLetterNotClosed(logger, record.Topic, e);
            }

            await backoff.WaitAsync(cancellation);
        }
    }

    internal DeadLetter Letter(ConsumedRecord record, RecordOutcome.Dead dead) => new()
    {
        OriginalTopic = record.Topic,
        OriginalMessage = new DeadLetterMessage
        {
            Key = RecordText.Of(record.Key),
            Value = RecordText.Of(record.Value) is { } value ? SecretMask.Apply(value) : null,
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

    // Null, or why not.
    private async Task<string?> TryWriteAsync(ConsumedRecord record, DeadLetter letter, CancellationToken cancellation)
    {
        var report = await ProduceAsync(record, letter, cancellation);
        if (report.Delivery == DeliveryStatus.Acknowledged)
        {
            if (sink is not null)
            {
                await sink.StoreAsync(record, letter, cancellation);
            }

            return null;
        }

        if (report.Delivery == DeliveryStatus.Unavailable)
        {
            return report.Reason;
        }

        // Too large, most likely. Without a place for the value the letter still tells where the record stands in its topic.
        var small = letter with { OriginalMessage = letter.OriginalMessage with { Value = null } };
        if (sink is not null)
        {
            var reference = await sink.StoreAsync(record, small, cancellation);
            small = small with { OriginalMessage = small.OriginalMessage with { ValueRef = reference } };
        }

        var second = await ProduceAsync(record, small, cancellation);
        return second.Delivery == DeliveryStatus.Acknowledged ? null : report.Reason;
    }

    private Task<DeliveryReport> ProduceAsync(ConsumedRecord record, DeadLetter letter, CancellationToken cancellation)
    {
        var headers = new List<KeyValuePair<string, string>>
        {
            new(HeaderNames.ContentType, "application/json"),
            new(HeaderNames.MessageId, RecordIdentity.Derive(record, "dead-letter").ToString()),
            new(HeaderNames.Timestamp, letter.FailureTimestamp.ToString("O", CultureInfo.InvariantCulture)),
            new(HeaderNames.Source, settings.ClientId),
            new(HeaderNames.EventType, EventTypes.DeadLetter),
            new(HeaderNames.SchemaVersion, EventTypes.SchemaVersion),
            new(HeaderNames.RetryCount, letter.RetryCount.ToString(CultureInfo.InvariantCulture)),
        };
        if (letter.CorrelationId is { } correlation)
        {
            headers.Add(new(HeaderNames.CorrelationId, correlation.ToString()));
        }

        foreach (var name in (ReadOnlySpan<string>)[HeaderNames.TraceParent, HeaderNames.TraceState])
        {
            if (RecordIdentity.Header(record, name) is { } trace)
            {
                headers.Add(new(name, trace));
            }
        }

        return producer.ProduceAsync(
            new ProducedRecord(
                Topics.DeadLetter(record.Topic),
                Partition: null,
                letter.OriginalMessage.Key ?? "",
                JsonSerializer.SerializeToUtf8Bytes(letter, MessageJson.Readable.DeadLetter),
                headers),
            cancellation);
    }

    private static Dictionary<string, string> Headers(ConsumedRecord record)
    {
        var headers = new Dictionary<string, string>();
        foreach (var (name, value) in record.Headers)
        {
            headers[name] = SecretMask.IsSecret(name) ? SecretMask.Mask : RecordText.Of(value) ?? "";
        }

        return headers;
    }

    private static int RetryCount(ConsumedRecord record) =>
        int.TryParse(
            RecordIdentity.Header(record, HeaderNames.RetryCount), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count
            : 0;
}
