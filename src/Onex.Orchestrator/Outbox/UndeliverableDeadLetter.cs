using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Kafka.DeadLetters;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// The dead letter of a message that the broker rejects for good: for example, it is too large, or its topic is unknown or forbidden.
/// </summary>
internal static class UndeliverableDeadLetter
{
    /// <summary>The dead letter as a message. A value that does not fit is left out: the message names the row that stores it.</summary>
    public static OutgoingMessage Write(OutgoingMessage message, string reason)
    {
        var fits = message.Value.Length <= MessageSizes.DeadLetterValueMax;
        var deadLetter = new DeadLetter
        {
            OriginalTopic = message.Topic,
            OriginalMessage = new DeadLetterMessage
            {
                Key = message.Key,
                Value = fits ? SecretMask.Apply(RecordText.From(message.Value.ToArray())) : null,
                ValueRef = fits ? null : Id(message),
                Headers = message.Headers.Items.ToDictionary(
                    header => header.Key, header => SecretMask.IsSecret(header.Key) ? SecretMask.Mask : header.Value),
                Partition = message.Partition ?? -1,
                Offset = -1,
            },
            FailureReason = reason,
            FailureCode = ErrorCodes.DeliveryRefused,
            FailureTimestamp = DateTimeOffset.Parse(Timestamp(message)),
            CorrelationId = CorrelationId(message),
            RetryCount = 0,
            ErrorType = ErrorTypes.For(ErrorCodes.DeliveryRefused),
        };
        return message with
        {
            Topic = Topics.DeadLetterTopicOf(message.Topic),
            Partition = null,
            Value = JsonSerializer.SerializeToUtf8Bytes(deadLetter, MessageJson.Readable.DeadLetter),
            Headers = MessageHeaders
                .Create("onex-main", EventTypes.DeadLetter, message.MessageId, deadLetter.CorrelationId, deadLetter.FailureTimestamp)
                .WithTrace(message.Headers[HeaderNames.TraceParent], message.Headers[HeaderNames.TraceState]),
        };
    }

    /// <summary>A dead letter that the broker rejects, without its value: it names the row that stores it.</summary>
    public static OutgoingMessage WithoutValue(OutgoingMessage message)
    {
        var deadLetter = JsonSerializer.Deserialize(message.Value.Span, MessageJson.Readable.DeadLetter)!;
        var original = deadLetter.OriginalMessage with { Value = null, ValueRef = Id(message) };
        return message with
        {
            Value = JsonSerializer.SerializeToUtf8Bytes(deadLetter with { OriginalMessage = original }, MessageJson.Readable.DeadLetter),
        };
    }

    /// <summary>The dead letter's row in the index, with the whole message: it can be redriven once the topic accepts it.</summary>
    public static DeadLetterRow Row(OutgoingMessage message, string reason) =>
        new(
            Id(message),
            message.Topic,
            message.Partition ?? -1,
            -1,
            ErrorCodes.DeliveryRefused,
            reason,
            CorrelationId(message),
            message.Value.ToArray(),
            DateTimeOffset.Parse(Timestamp(message)))
        {
            Key = message.Key,
            Headers = message.Headers,
            ErrorType = ErrorTypes.For(ErrorCodes.DeliveryRefused),
            Reopens = Id(message) != message.MessageId.Value,
        };

    /// <summary>The dead letter's id. A redriven message has the id of its first dead letter, so that no second one is added.</summary>
    public static Guid Id(OutgoingMessage message) =>
        Guid.TryParseExact(message.Headers[HeaderNames.Redrive], "D", out var id) ? id : message.MessageId.Value;

    private static Guid? CorrelationId(OutgoingMessage message) =>
        Guid.TryParse(message.Headers[HeaderNames.CorrelationId], out var correlation) ? correlation : null;

    // The time of the decision that sends the message, so that every copy of the dead letter has the same bytes.
    private static string Timestamp(OutgoingMessage message) => message.Headers[HeaderNames.Timestamp]!;
}
