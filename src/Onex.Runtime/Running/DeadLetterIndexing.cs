using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Persistence.DeadLetters;

namespace Onex.Runtime.Running;

/// <summary>
/// Tells the store's index of what went to a dead-letter topic, with the record as it was read: the topic's letter has secrets masked, and what
/// is sent again must be what came.
/// </summary>
internal sealed class DeadLetterIndexing(IDeadLetterIndex index) : IDeadLetterSink
{
    public async Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter letter, CancellationToken cancellation)
    {
        var tooLarge = letter.OriginalMessage.Value is null && record.Value is not null;
        var id = DeadLetterId(record);
        await index.AddAsync(
            new DeadLetterRow(
                id, record.Topic, record.Partition, record.Offset, letter.FailureCode, letter.FailureReason, letter.CorrelationId,
                record.Value, letter.FailureTimestamp)
            {
                Key = letter.OriginalMessage.Key,
                Headers = Headers(record),
                ErrorType = letter.ErrorType,
                RetryCount = letter.RetryCount,
                Reopens = RedrivenFrom(record) is not null,
            },
            cancellation);
        return tooLarge ? id : null;
    }

    public Task<IReadOnlySet<Guid>> OpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        index.OpenAsync(topic, partitions, cancellation);

    public Task CloseAsync(ConsumedRecord record, CancellationToken cancellation) =>
        index.CloseAsync(DeadLetterId(record), "Its record was read again, and handled.", cancellation);

    public Guid Id(ConsumedRecord record) => DeadLetterId(record);

    private static MessageHeaders Headers(ConsumedRecord record)
    {
        // The last one of a name counts, as it does for whoever reads the record.
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in record.Headers)
        {
            // No JSON in the database holds the character 0.
            headers[name.Replace('\0', '\uFFFD')] = RecordText.Of(value)?.Replace('\0', '\uFFFD') ?? "";
        }

        // Sent again it stands elsewhere. Who it is must not depend on that, or what was handled after all is handled twice.
        headers[HeaderNames.Origin] = RecordOrigin.For(record).ToString();
        return MessageHeaders.Empty.With(headers);
    }

    private static Guid? RedrivenFrom(ConsumedRecord record) => Guid.TryParseExact(record.TextHeader(HeaderNames.Redrive), "D", out var letter) ? letter : null;

    // The same whenever this record is given up; the topic's id tells a topic that was made anew. A record that was sent again has the letter that it
    // was sent from, or each redrive would leave one more.
    private static Guid DeadLetterId(ConsumedRecord record)
    {
        if (RedrivenFrom(record) is { } letter)
        {
            return letter;
        }

        var position = $"{record.Topic}\n{record.TopicId}\n{record.Partition}\n{record.Offset}";
        return new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(position)).AsSpan(0, 16), bigEndian: true);
    }
}
