using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Engine;
using Onex.Orchestrator.Responses;

namespace Onex.Orchestrator.Requests;

/// <summary>A request that could be read, with what its record adds.</summary>
/// <param name="Request">The request.</param>
/// <param name="Asker">What its answer needs.</param>
internal sealed record ReadRequest(Request Request, Asker Asker);

/// <summary>A request that is refused: what its error says, and to whom.</summary>
/// <param name="Code">See <see cref="ErrorCodes"/>.</param>
/// <param name="Error">For people: what, where, what to do.</param>
/// <param name="ErrorType">The kind, for the dead letter.</param>
/// <param name="Asker">Whom to answer; null if no correlation id can be read.</param>
/// <param name="Details">Structured facts, or null.</param>
internal sealed record Refusal(string Code, string Error, string ErrorType, Asker? Asker, RawJson? Details = null);

/// <summary>Reads records of <c>requests</c>. Bad input is input: it gets a refusal, never an exception.</summary>
internal sealed class RequestReader(int maxRequestBytes)
{
    /// <summary>JSON may be nested this deep. Deeper input is refused, not followed.</summary>
    public const int DepthMax = 64;

    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The request, or why it is refused.</summary>
    public (ReadRequest? Request, Refusal? Refusal) Read(ConsumedRecord record)
    {
        var bytes = record.Value ?? [];
        var source = $"{record.Topic}/{record.Partition}/{record.Offset}";
        var requestId = Identity.Request(record.Topic, record.TopicId, record.Partition, record.Offset, bytes);

        // Some tools put a byte order mark before UTF-8. It says nothing, so it costs nothing.
        var value = bytes.AsMemory(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0);
        var glimpse = Glimpse.Of(value.Span);
        Asker? known = glimpse.CorrelationId is { } correlationId
            ? new Asker
            {
                RequestId = requestId,
                CorrelationId = correlationId,
                Operation = glimpse.Operation ?? "",
                Source = source,
                EnvelopeId = glimpse.EnvelopeId,
                Headers = CarriedHeaders(record),
            }
            : null;

        (ReadRequest?, Refusal?) Refuse(string code, string type, string error, Asker? asker = null) =>
            (null, new Refusal(code, error, type, asker ?? known));

        if (value.Length == 0)
        {
            return Refuse(ErrorCodes.MalformedMessage, "MalformedMessage", "The value is empty. Send a JSON object with 'operation' and 'payload'.");
        }

        if (value.Length > maxRequestBytes)
        {
            return Refuse(
                ErrorCodes.RequestTooLarge, "RequestTooLarge",
                $"The request has {value.Length} bytes; {maxRequestBytes} are allowed (ONEX_MAX_REQUEST_BYTES). Send a reference instead of the data.");
        }

        if (!IsUtf8(value.Span))
        {
            return Refuse(ErrorCodes.MalformedMessage, "MalformedMessage", "The value is not UTF-8. Send JSON encoded as UTF-8.");
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(value, new JsonDocumentOptions { MaxDepth = DepthMax });
        }
        catch (JsonException bad)
        {
            return Refuse(
                ErrorCodes.MalformedMessage, "MalformedMessage",
                $"The value is not JSON that can be read (line {bad.LineNumber + 1}, byte {bad.BytePositionInLine + 1}; "
                + $"at most {DepthMax} levels deep): {FirstSentence(bad.Message)}");
        }

        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(document.RootElement, value.Span, record, requestId, source, known)
                : Refuse(
                    ErrorCodes.NotAnObject, "NotAnObject",
                    $"The value is a JSON {document.RootElement.ValueKind.ToString().ToLowerInvariant()}; an object with 'operation' and 'payload' is wanted.");
        }
    }

    private static (ReadRequest?, Refusal?) Read(
        JsonElement root, ReadOnlySpan<byte> json, ConsumedRecord record, Guid requestId, string source, Asker? known)
    {
        (ReadRequest?, Refusal?) Refuse(string code, string type, string error) => (null, new Refusal(code, error, type, known));

        // An object may be answered although its correlation id cannot be read: under one that is made up, and the error says so.
        known ??= new Asker
        {
            RequestId = requestId,
            CorrelationId = Identity.OfRequest(requestId, "correlation"),
            Operation = "",
            Source = source,
            Headers = CarriedHeaders(record),
        };
        if (TextCheck.Problem(json) is { } badText)
        {
            return Refuse(ErrorCodes.TextInvalid, "TextInvalid", badText);
        }

        var ids = new Dictionary<string, Guid>(StringComparer.Ordinal);
        foreach (var name in (ReadOnlySpan<string>)["correlation_id", "envelope_id"])
        {
            if (!root.TryGetProperty(name, out var field) || field.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (field.ValueKind != JsonValueKind.String || !Guid.TryParseExact(field.GetString(), "D", out var id))
            {
                return Refuse(
                    ErrorCodes.FieldInvalid, "FieldInvalid",
                    $"'{name}' must be a UUID like 123e4567-e89b-12d3-a456-426614174000, not {Shown(field)}.");
            }

            ids[name] = id;
        }

        foreach (var name in (ReadOnlySpan<string>)["handler_type", "reply_to"])
        {
            if (root.TryGetProperty(name, out var field) && field.ValueKind is not (JsonValueKind.Null or JsonValueKind.String))
            {
                return Refuse(ErrorCodes.FieldInvalid, "FieldInvalid", $"'{name}' must be a string.");
            }
        }

        Guid? envelopeId = ids.TryGetValue("envelope_id", out var envelope) ? envelope : null;
        var identity = envelopeId ?? requestId;
        var asker = new Asker
        {
            RequestId = identity,
            CorrelationId = ids.TryGetValue("correlation_id", out var given) ? given : Identity.OfRequest(requestId, "correlation"),
            Operation = Text(root, "operation") ?? "",
            Source = source,
            EnvelopeId = envelopeId,
            ReplyTo = Text(root, "reply_to"),
            Headers = CarriedHeaders(record),
            Extra = Extra(root),
        };
        (ReadRequest?, Refusal?) Answer(string code, string type, string error) => (null, new Refusal(code, error, type, asker));

        if (asker.Operation.Length == 0)
        {
            return Answer(
                ErrorCodes.OperationMissing, "OperationMissing",
                "'operation' is missing. Name a contract (order-fulfilment) or one of its events (order-fulfilment.cancel).");
        }

        if (root.TryGetProperty("payload", out var payload) && payload.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
        {
            return Answer(ErrorCodes.PayloadInvalid, "SchemaMismatch", "'payload' must be a JSON object.");
        }

        return (new ReadRequest(
            new Request
            {
                Operation = asker.Operation,
                Payload = payload.ValueKind == JsonValueKind.Object ? RawJson.FromText(payload.GetRawText()) : RawJson.EmptyObject,
                CorrelationId = asker.CorrelationId,
                EnvelopeId = envelopeId,
                HandlerType = Text(root, "handler_type"),
                ReplyTo = asker.ReplyTo,
            },
            asker), null);
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var field) && field.ValueKind == JsonValueKind.String ? field.GetString() : null;

    // What we don't know is carried through below `extra`, so that it replaces nothing.
    private static RawJson? Extra(JsonElement root)
    {
        var unknown = root.EnumerateObject().Where(field => !Glimpse.Fields.Contains(field.Name)).ToList();
        return unknown.Count == 0
            ? null
            : RawJson.FromText("{" + string.Join(",", unknown.Select(field => $"\"{JsonEncodedText.Encode(field.Name)}\":{field.Value.GetRawText()}")) + "}");
    }

    private static ImmutableSortedDictionary<string, string> CarriedHeaders(ConsumedRecord record)
    {
        var carried = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in record.Headers)
        {
            if (value is not null
                && !name.StartsWith(HeaderNames.OwnPrefix, StringComparison.OrdinalIgnoreCase)
                && !MessageHeaders.Own.Contains(name)
                && IsStorable(name) && IsUtf8(value) && IsStorable(Encoding.UTF8.GetString(value)))
            {
                carried[name] = Encoding.UTF8.GetString(value);
            }
        }

        return carried.ToImmutable();
    }

    private static string Shown(JsonElement field)
    {
        const int CharsMax = 80;
        var text = field.GetRawText();
        return text.Length <= CharsMax ? text : string.Concat(text.AsSpan(0, CharsMax), "...");
    }

    private static bool IsStorable(string text) => !text.Contains('\0', StringComparison.Ordinal);

    private static bool IsUtf8(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _ = _strict.GetCharCount(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static string FirstSentence(string message) => message.Split(". ", 2)[0].TrimEnd('.') + ".";
}
