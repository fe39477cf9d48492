using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Outbox;

/// <summary>A dead letter's record once more.</summary>
internal static class Redrive
{
    /// <summary>
    /// The record as it was read, to the partition that it was read from, so that a result finds its home and keyed records stay in one place.
    /// Headers tell that it is sent again, since when, and who it was when it was read first.
    /// </summary>
    /// <param name="letter">The letter, with its value.</param>
    /// <param name="decisionId">The operator's decision.</param>
    /// <param name="at">When it was made.</param>
    public static OutgoingMessage Of(DeadLetterRow letter, Guid decisionId, DateTimeOffset at) => new()
    {
        MessageId = new(decisionId),
        Topic = letter.Topic,
        Partition = letter.Partition >= 0 ? letter.Partition : null,
        Key = letter.Key ?? "",
        Value = letter.Value ?? throw new ArgumentException("The record's value is not kept.", nameof(letter)),
        Headers = (letter.Headers ?? MessageHeaders.Empty)
            .WithTimestamp(at)
            .With(HeaderNames.Redrive, letter.Id.ToString())
            .With(HeaderNames.Origin, Origin(letter).ToString()),
    };

    /// <summary>
    /// Who the letter's record is. DeadLetters of before this was kept tell no topic's id: their records are known by the letter from then on, so that
    /// at least no redrive counts twice.
    /// </summary>
    public static RecordOrigin Origin(DeadLetterRow letter) =>
        letter.Headers?[HeaderNames.Origin] is { } text && RecordOrigin.Parse(text) is { } origin ? origin : RecordOrigin.FromIdentity(letter.Id);
}
