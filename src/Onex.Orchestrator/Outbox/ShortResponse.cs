using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// Replaces a response that the broker rejects, because the requester waits for an answer. The short one is an error with the original
/// status and the way to the full response. Everything that can be large is left out, including the headers that are passed on.
/// </summary>
internal static class ShortResponse
{
    private const int TextCharsMax = 256;

    /// <summary>The same message with a short response; null if it is no response, or is short already.</summary>
    public static OutgoingMessage? For(OutgoingMessage message, string reason)
    {
        if (message.Headers[HeaderNames.EventType] != EventTypes.Response
            || JsonSerializer.Deserialize(message.Value.Span, MessageJson.Readable.Response) is not { } response
            || response.Code == ErrorCodes.ResponseUndeliverable)
        {
            return null;
        }

        var shortened = new Response
        {
            Success = false,
            Status = ResponseStatus.Error,
            OriginalStatus = response.OriginalStatus ?? response.Status,
            Error = $"The response has {Plural.Format(message.Value.Length, "byte")}, and the broker rejects it on '{message.Topic}': "
                + $"{Clip(reason)} "
                + (response.SagaId is { } saga
                    ? $"The saga itself is not affected. Fetch the response: GET /api/v1/sagas/{saga}/response."
                    : "The request was rejected. Send a smaller one to get the reason."),
            Code = ErrorCodes.ResponseUndeliverable,
            CorrelationId = response.CorrelationId,
            Operation = response.Operation is { } operation ? Clip(operation) : null,
            EnvelopeId = response.EnvelopeId,
            SagaId = response.SagaId,
        };
        return message with
        {
            Value = JsonSerializer.SerializeToUtf8Bytes(shortened, MessageJson.Readable.Response),
            Headers = MessageWriter.Headers(
                EventTypes.Response, message.MessageId, response.CorrelationId, DateTimeOffset.Parse(
                    message.Headers[HeaderNames.Timestamp]!)),
        };
    }

    private static string Clip(string text) =>
        text.Length <= TextCharsMax ? text : string.Concat(text.AsSpan(0, TextCharsMax), "...");
}
