using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Outbox;

/// <summary>Redrives the records of dead letters.</summary>
internal static class Redrive
{
    /// <summary>
    /// The record as it was read, for the partition that it was read from, so that a result reaches its home partition and keyed records
    /// stay together. Headers mark it as redriven, since when, and with which identity.
    /// </summary>
    /// <param name="letter">The dead letter, with its value.</param>
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
    /// The identity of a dead letter's record. Rows of older versions do not have the topic's id: their records are identified by the dead
    /// letter, so that at least no redrive counts twice.
    /// </summary>
    public static RecordOrigin Origin(DeadLetterRow letter) =>
        letter.Headers?[HeaderNames.Origin] is { } text && RecordOrigin.Parse(text) is { } origin
            ? origin
            : RecordOrigin.FromIdentity(letter.Id);
}
