using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Kafka.Records;

namespace Onex.Orchestrator.Intake;

/// <summary>A request whose fields are valid; whether it is allowed is not checked yet.</summary>
/// <param name="Requester">The data that the answer needs, from the request and its record.</param>
/// <param name="Payload">The request's payload, as it was sent; an empty map if there is none.</param>
internal sealed record ParsedRequest(Requester Requester, CelValue Payload)
{
    /// <summary>The prefix that replaces the operation's own, or null.</summary>
    public string? HandlerType { get; init; }
}

/// <summary>The rejection of a request: the error, and who is answered.</summary>
/// <param name="Code">See <see cref="ErrorCodes"/>.</param>
/// <param name="Error">The problem, its position and the remedy, for people.</param>
/// <param name="Requester">Who is answered; null if the request cannot be read, not even its correlation id.</param>
/// <param name="Details">Structured facts, or null.</param>
internal sealed record Rejection(string Code, string Error, Requester? Requester, RawJson? Details = null)
{
    /// <summary>The error type of the dead letter.</summary>
    public string ErrorType { get => field ?? ErrorTypes.For(Code); init; }

    /// <summary>The saga that rejects the request, or that has its identity or business key already; or null.</summary>
    public SagaId? SagaId { get; init; }
}

/// <summary>Where a request comes from.</summary>
/// <param name="RequestId">The request's identity, unless it has an <c>envelope_id</c>.</param>
/// <param name="Source">The request's <see cref="RecordPosition"/>, or another text that no other request has.</param>
/// <param name="Headers">The headers that are passed on.</param>
internal sealed record RequestOrigin(MessageId RequestId, string Source, ImmutableSortedDictionary<string, string> Headers);

/// <summary>
/// Reads records of <c>requests</c>, and requests over HTTP in the same form. Bad input gets a rejection, never an exception.
/// </summary>
internal sealed class RequestReader(int maxRequestBytes)
{
    public (ParsedRequest? Request, Rejection? Rejection) Read(ConsumedRecord record, Guid? redrivenFrom = null)
    {
        var value = record.Value ?? [];
        return Read(value, new RequestOrigin(
            RequestId(record.Topic, RecordOrigin.For(record), value),
            RecordPosition.From(record, redrivenFrom).ToString(),
            HeadersToPassOn(record.Headers)));
    }

    /// <summary>The identity of a record's request, unless it has an <c>envelope_id</c>.</summary>
    public static MessageId RequestId(string topic, RecordOrigin origin, ReadOnlySpan<byte> value) =>
        origin.Identity is { } id
            ? new MessageId(id)
            : Identity.Request(topic, origin.TopicId, origin.Partition, origin.Offset, value);

    public (ParsedRequest? Request, Rejection? Rejection) Read(ReadOnlyMemory<byte> request, RequestOrigin origin)
    {
        // Some tools write a byte order mark before UTF-8. It is ignored.
        var json = request.Span.StartsWith(Encoding.UTF8.Preamble) ? request[Encoding.UTF8.Preamble.Length..] : request;
        var value = json.Span;

        (ParsedRequest?, Rejection?) Reject(string code, string error) =>
            (null, new Rejection(code, error, RequesterOf(json.Span, origin)));

        if (value.Length == 0)
        {
            return Reject(
                ErrorCodes.MalformedMessage, "The value is empty. Send a JSON object with 'operation' and 'payload'.");
        }

        if (value.Length > maxRequestBytes)
        {
            return Reject(
                ErrorCodes.RequestTooLarge,
                $"The request has {Plural.Format(value.Length, "byte")}; {maxRequestBytes} are allowed (ONEX_MAX_REQUEST_BYTES). "
                + "Send a reference instead of the data.");
        }

        if (!Utf8.IsValid(value))
        {
            return Reject(ErrorCodes.MalformedMessage, "The value is not UTF-8. Send JSON encoded as UTF-8.");
        }

        JsonDocument document;
        RequestJson.Problem? problem;
        try
        {
            (document, problem) = RequestJson.Parse(json);
        }
        catch (JsonException bad)
        {
            return Reject(ErrorCodes.MalformedMessage, RequestJson.Describe("The value", bad));
        }

        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(document.RootElement, problem, json, origin)
                : Reject(
                    ErrorCodes.NotAnObject,
                    $"The value is a JSON {document.RootElement.ValueKind.ToString().ToLowerInvariant()}. "
                    + "Send an object with 'operation' and 'payload'.");
        }
    }

    /// <summary>The headers that are passed on: all but standard ones, Onex's own, and those that a database cannot store.</summary>
    public static ImmutableSortedDictionary<string, string> HeadersToPassOn(IEnumerable<KeyValuePair<string, byte[]?>> headers)
    {
        var passedOn = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in headers)
        {
            if (value is not null
                && !name.StartsWith(HeaderNames.OwnPrefix, StringComparison.OrdinalIgnoreCase)
                && !MessageHeaders.Standard.Contains(name)
                && IsStorable(name) && Utf8.IsValid(value) && IsStorable(Encoding.UTF8.GetString(value)))
            {
                passedOn[name] = Encoding.UTF8.GetString(value);
            }
        }

        return passedOn.ToImmutable();
    }

    // The requester of a malformed request; null without a correlation id, because nobody can be answered.
    private static Requester? RequesterOf(ReadOnlySpan<byte> json, RequestOrigin origin)
    {
        var envelope = RequestEnvelope.Parse(json);
        return envelope.CorrelationId is { } correlationId
            ? new Requester
            {
                RequestId = origin.RequestId,
                CorrelationId = correlationId,
                Operation = envelope.Operation ?? "",
                Source = origin.Source,
                EnvelopeId = envelope.EnvelopeId,
                Headers = origin.Headers,
            }
            : null;
    }

    private static (ParsedRequest?, Rejection?) Read(
        JsonElement root, RequestJson.Problem? problem, ReadOnlyMemory<byte> json, RequestOrigin origin)
    {
        // If the correlation id cannot be read, the answer has a derived one.
        (ParsedRequest?, Rejection?) Reject(string code, string error) => (null, new Rejection(
            code, error, RequesterOf(json.Span, origin) ?? new Requester
            {
                RequestId = origin.RequestId,
                CorrelationId = Identity.OfRequest(origin.RequestId, "correlation"),
                Operation = "",
                Source = origin.Source,
                Headers = origin.Headers,
            }));

        if (problem is not null)
        {
            return Reject(problem.Code, problem.Error);
        }

        // Otherwise a client that has seen a handle in a saga's data could send it, and the saga's effects would insert the secret.
        if (SecretHandles.AreIn(json.Span))
        {
            return Reject(
                ErrorCodes.FieldInvalid,
                $"The request contains a handle of a secret ({SecretHandles.Prefix}...). Handles come from vault.read_secret and "
                + "vault.write_secret of the saga alone: leave it out.");
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
                return Reject(
                    ErrorCodes.FieldInvalid,
                    $"'{name}' must be a UUID like 123e4567-e89b-12d3-a456-426614174000, not {Show(field)}.");
            }

            ids[name] = id;
        }

        foreach (var name in (ReadOnlySpan<string>)["handler_type", "reply_to"])
        {
            if (root.TryGetProperty(name, out var field) && field.ValueKind is not (JsonValueKind.Null or JsonValueKind.String))
            {
                return Reject(ErrorCodes.FieldInvalid, $"'{name}' must be a string.");
            }
        }

        Guid? envelopeId = ids.TryGetValue("envelope_id", out var envelope) ? envelope : null;
        var requester = new Requester
        {
            RequestId = envelopeId is null ? origin.RequestId : new MessageId(envelope),
            CorrelationId = ids.TryGetValue("correlation_id", out var correlation)
                ? correlation
                : Identity.OfRequest(origin.RequestId, "correlation"),
            Operation = Text(root, "operation") ?? "",
            Source = origin.Source,
            EnvelopeId = envelopeId,
            ReplyTo = Text(root, "reply_to"),
            Headers = origin.Headers,
            Extra = Extra(root),
        };

        // Answers on the default topic: whether 'reply_to' is allowed has not been checked yet.
        (ParsedRequest?, Rejection?) RejectWithoutReplyTo(string code, string error) =>
            (null, new Rejection(code, error, requester with { ReplyTo = null }));

        if (requester.Operation.Length == 0)
        {
            return RejectWithoutReplyTo(
                ErrorCodes.OperationMissing,
                "'operation' is missing. Name a contract (order-fulfilment) or one of its events (order-fulfilment.cancel).");
        }

        if (root.TryGetProperty("payload", out var payload) && payload.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
        {
            return RejectWithoutReplyTo(ErrorCodes.PayloadInvalid, "'payload' must be a JSON object.");
        }

        if (!TryReadTarget(root, out var target, out var targetProblem))
        {
            return RejectWithoutReplyTo(ErrorCodes.FieldInvalid, targetProblem);
        }

        return (new ParsedRequest(
            requester with { Target = target },
            payload.ValueKind == JsonValueKind.Object ? CelValue.FromJson(payload) : CelValue.Map([]))
        {
            HandlerType = Text(root, "handler_type"),
        }, null);
    }

    // Accepts either a key or a saga id, because a request with both would be ambiguous.
    private static bool TryReadTarget(JsonElement root, out RequestTarget? target, [NotNullWhen(false)] out string? problem)
    {
        (target, problem) = (null, null);
        if (!root.TryGetProperty("target", out var field) || field.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (field.ValueKind == JsonValueKind.Object
            && field.EnumerateObject().Where(part => part.Value.ValueKind != JsonValueKind.Null).ToList() is [var only])
        {
            target = only switch
            {
                { Name: "key", Value.ValueKind: JsonValueKind.String }
                    when only.Value.GetString() is { Length: > 0 and <= RequestRules.KeyCharsMax } key =>
                    new RequestTarget { Key = key },
                { Name: "saga_id", Value.ValueKind: JsonValueKind.String } when Guid.TryParseExact(
                    only.Value.GetString(), "D", out var id) =>
                    new RequestTarget { SagaId = new(id) },
                _ => null,
            };
        }

        problem = target is null
            ? $"'target' must be {{\"key\": text of 1 to {RequestRules.KeyCharsMax} characters}} or {{\"saga_id\": a UUID}}, "
                + $"exactly one of them, not {Show(field)}."
            : null;
        return problem is null;
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var field) && field.ValueKind == JsonValueKind.String ? field.GetString() : null;

    // The unknown fields. The response repeats them in the field `extra`, so that they do not replace its own fields.
    private static RawJson? Extra(JsonElement root)
    {
        var unknown = root.EnumerateObject().Where(field => !RequestEnvelope.KnownFields.Contains(field.Name)).ToList();
        return unknown.Count == 0
            ? null
            : RawJson.FromText(
                "{" + string.Join(",", unknown.Select(field => $"\"{JsonEncodedText.Encode(field.Name)}\":{field.Value.GetRawText()}"))
                    + "}");
    }

    private static string Show(JsonElement field)
    {
        const int CharsMax = 80;
        var text = field.GetRawText();
        return text.Length <= CharsMax ? text : string.Concat(text.AsSpan(0, CharsMax), "...");
    }

    private static bool IsStorable(string text) => !text.Contains('\0', StringComparison.Ordinal);
}
