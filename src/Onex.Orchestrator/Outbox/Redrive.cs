using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Kafka.Records;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

internal static class Redrive
{
    /// <summary>
    /// The record as it was read. It goes to the partition that it came from, if any: so a result reaches the saga's home partition, and
    /// records with the same key stay in one partition. Headers say that it was redriven, when, and with which identity.
    /// </summary>
    /// <param name="deadLetter">The dead letter, with its value.</param>
    /// <param name="decisionId">The operator's decision.</param>
    /// <param name="at">When the decision was made.</param>
    public static OutgoingMessage Create(DeadLetterRow deadLetter, Guid decisionId, DateTimeOffset at) => new()
    {
        MessageId = new(decisionId),
        Topic = deadLetter.Topic,
        Partition = deadLetter.Partition >= 0 ? deadLetter.Partition : null,
        Key = deadLetter.Key ?? "",
        Value = deadLetter.Value ?? throw new ArgumentException("The record's value is not kept.", nameof(deadLetter)),
        Headers = (deadLetter.Headers ?? MessageHeaders.Empty)
            .WithTimestamp(at)
            .With(HeaderNames.Redrive, deadLetter.Id.ToString())
            .With(HeaderNames.Origin, Origin(deadLetter).ToString()),
    };

    /// <summary>The saga that a redriven message belongs to; null if the message does not say so.</summary>
    public static SagaId? FindSaga(OutgoingMessage message)
    {
        if (Guid.TryParse(message.Headers[HeaderNames.SagaId], out var sender))
        {
            return new SagaId(sender);
        }

        try
        {
            var value = JsonSerializer.Deserialize(message.Value.Span, MessageJson.Default.JsonElement);
            return Find(value, "saga_id") ?? Find(value, "call", "parent_id") ?? Find(value, "result", "saga_id");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a text with half a surrogate pair, which cannot be read as an id or a name.
            return null;
        }

        static SagaId? Find(JsonElement json, params ReadOnlySpan<string> path)
        {
            foreach (var name in path)
            {
                if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(name, out var member))
                {
                    return null;
                }

                json = member;
            }

            return json.ValueKind == JsonValueKind.String && json.TryGetGuid(out var id) ? new SagaId(id) : null;
        }
    }

    /// <summary>
    /// The identity of a dead letter's record. Rows of older versions do not have it. There the dead letter's id is the identity, so that
    /// at least a second redrive is a duplicate of the first.
    /// </summary>
    public static RecordOrigin Origin(DeadLetterRow deadLetter) =>
        deadLetter.Headers?[HeaderNames.Origin] is { } text && RecordOrigin.Parse(text) is { } origin
            ? origin
            : RecordOrigin.FromIdentity(deadLetter.Id);
}
