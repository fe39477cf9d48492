using System.Text;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.DeadLetters;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Persistence.DeadLetters;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// The dead letter of a buffered or early event that was declined or has expired. The event's record may be deleted by then, so the request
/// is rebuilt from the event, with everything that a redrive needs.
/// </summary>
internal static class EventDeadLetter
{
    public static RawJson Request(Requester requester, CelValue payload) => RowJson.Json(writer =>
    {
        writer.WriteString("operation", requester.Operation);
        writer.WritePropertyName("payload");
        RowJson.Write(writer, payload);
        writer.WriteString("correlation_id", requester.CorrelationId);
        if (requester.EnvelopeId is { } envelope)
        {
            writer.WriteString("envelope_id", envelope);
        }

        RequesterJson.WriteTarget(writer, requester.Target);
        if (requester.ReplyTo is { } reply)
        {
            writer.WriteString("reply_to", reply);
        }

        if (requester.Extra is { } extra)
        {
            using var unknown = JsonDocument.Parse(extra.Utf8, ValueJson.ReaderOptions);
            foreach (var field in unknown.RootElement.EnumerateObject())
            {
                field.WriteTo(writer);
            }
        }
    });

    /// <summary>The dead letter's value.</summary>
    /// <param name="topic">The topic of requests.</param>
    /// <param name="rejection">Why the event was declined, and who sent it.</param>
    /// <param name="request">The request; see <see cref="Request"/>.</param>
    /// <param name="requestRef">The id of the dead letter's row, which stores the request, if it is too large here; else null.</param>
    /// <param name="at">A time that is the same for every copy of the dead letter, so that all have the same bytes.</param>
    public static byte[] Write(string topic, Rejection rejection, RawJson request, Guid? requestRef, DateTimeOffset at)
    {
        var requester = rejection.Requester!;
        var (partition, offset) = Position(topic, requester.Source);
        var deadLetter = new DeadLetter
        {
            OriginalTopic = topic,
            OriginalMessage = new DeadLetterMessage
            {
                Key = requester.CorrelationId.ToString(),
                Value = requestRef is null ? SecretMask.Apply(Encoding.UTF8.GetString(request.Utf8.Span)) : null,
                ValueRef = requestRef,
                Headers = requester.Headers.ToDictionary(
                    header => header.Key, header => SecretMask.IsSecret(header.Key) ? SecretMask.Mask : header.Value),
                Partition = partition,
                Offset = offset,
            },
            FailureReason = rejection.Error,
            FailureCode = rejection.Code,
            FailureTimestamp = at,
            CorrelationId = requester.CorrelationId,
            RetryCount = 0,
            ErrorType = rejection.ErrorType,
        };
        return JsonSerializer.SerializeToUtf8Bytes(deadLetter, MessageJson.Readable.DeadLetter);
    }

    /// <summary>The dead letter's row in the index, with the request unmasked: a redrive must send what was received.</summary>
    /// <param name="id">The dead letter's identity, unless the event was redriven from another.</param>
    /// <param name="topic">The topic of requests.</param>
    /// <param name="rejection">Why the event was declined, and who sent it.</param>
    /// <param name="request">The request as a redrive sends it; see <see cref="Request"/>.</param>
    /// <param name="at">As for <see cref="Write"/>.</param>
    /// <param name="identity">The identity of the event when it is redriven, unless the request has an envelope id.</param>
    public static DeadLetterRow Row(Guid id, string topic, Rejection rejection, RawJson request, DateTimeOffset at, Guid identity)
    {
        var requester = rejection.Requester!;
        var (partition, offset) = Position(topic, requester.Source);
        var redrivenFrom = RedrivenFrom(requester);
        return new DeadLetterRow(
            redrivenFrom ?? id,
            topic, partition, offset, rejection.Code, rejection.Error, requester.CorrelationId, request.Utf8.ToArray(), at)
        {
            Key = requester.CorrelationId.ToString(),
            Headers = MessageHeaders.Empty.With(requester.Headers).With(HeaderNames.Origin, identity.ToString()),
            ErrorType = rejection.ErrorType,
            Reopens = redrivenFrom is not null,
        };
    }

    /// <summary>The dead letter that the event was redriven from, or null.</summary>
    public static Guid? RedrivenFrom(Requester requester) =>
        RecordPosition.Parse(requester.Source)?.RedrivenFrom;

    // Both are -1 if the event did not come from a record of the topic.
    private static (int Partition, long Offset) Position(string topic, string source) =>
        RecordPosition.Parse(source) is { } position && position.Topic == topic ? (position.Partition, position.Offset) : (-1, -1);
}
