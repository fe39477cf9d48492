using Onex.Contracts.Messages;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Records;
using Onex.Persistence.DeadLetters;

namespace Onex.Runtime.Running;

/// <summary>
/// Adds dead letters to the store's index, with the record as it was read, because a redrive must send the original. In the dead-letter
/// topic secrets are masked.
/// </summary>
internal sealed class DeadLetterIndexing(IDeadLetterIndex index) : IDeadLetterSink
{
    public async Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter deadLetter, CancellationToken cancellation)
    {
        var tooLarge = deadLetter.OriginalMessage.Value is null && record.Value is not null;
        var redriven = await FindRedrivenAsync(record, cancellation);
        var id = redriven ?? OwnId(record);
        await index.AddAsync(
            new DeadLetterRow(
                id, record.Topic, record.Partition, record.Offset, deadLetter.FailureCode, deadLetter.FailureReason,
                deadLetter.CorrelationId,
                record.Value, deadLetter.FailureTimestamp)
            {
                Key = deadLetter.OriginalMessage.Key,
                Headers = Headers(record),
                ErrorType = deadLetter.ErrorType,
                RetryCount = deadLetter.RetryCount,
                Reopens = redriven is not null,
            },
            cancellation);
        return tooLarge ? id : null;
    }

    public Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        index.FindOpenAsync(topic, partitions, cancellation);

    public async Task<bool> CloseAsync(ConsumedRecord record, CancellationToken cancellation) => await index.CloseAsync(
        await FindRedrivenAsync(record, cancellation) ?? OwnId(record),
        RecordOrigin.For(record).ToString(),
        "Its record was read again, and handled.",
        cancellation);

    // A redriven record keeps the id of its dead letter, or each redrive would add another one.
    public Guid Id(ConsumedRecord record) => NamedId(record) ?? OwnId(record);

    public async ValueTask<Guid?> FindRedrivenAsync(ConsumedRecord record, CancellationToken cancellation) =>
        NamedId(record) is { } id
            && await index.FindAsync(id, cancellation) is { } named
            && named.Topic == record.Topic
            && named.Value.AsSpan().SequenceEqual(record.Value)
            && (named.Headers?[HeaderNames.Origin] ?? named.Id.ToString()) == RecordOrigin.For(record).ToString()
                ? id
                : null;

    private static MessageHeaders Headers(ConsumedRecord record)
    {
        // The last header of a name counts, as for readers of the record.
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in record.Headers)
        {
            // jsonb does not accept U+0000.
            headers[name.Replace('\0', '\uFFFD')] = RecordText.From(value)?.Replace('\0', '\uFFFD') ?? "";
        }

        // A redriven record has another position. Its identity must not depend on that, or it could be handled twice.
        headers[HeaderNames.Origin] = RecordOrigin.For(record).ToString();
        return MessageHeaders.Empty.With(headers);
    }

    private static Guid? NamedId(ConsumedRecord record) =>
        Guid.TryParseExact(record.TextHeader(HeaderNames.Redrive), "D", out var deadLetter) ? deadLetter : null;

    // The id is the same whenever this record becomes a dead letter; the topic's id distinguishes a recreated topic.
    private static Guid OwnId(ConsumedRecord record) =>
        Identity.DeadLetter(record.Topic, record.TopicId, record.Partition, record.Offset);
}
