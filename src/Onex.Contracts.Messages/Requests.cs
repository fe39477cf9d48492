using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>What a client publishes to <c>requests</c>, with any record key, to any partition.</summary>
public sealed record Request
{
    /// <summary>
    /// A contract (<c>order-fulfilment</c>), which starts a saga, or an event of one (<c>order-fulfilment.cancel</c>), or an effect
    /// operation (<c>http.get</c>) that <c>handlers.direct</c> lists; other operations are rejected (ONEX3011).
    /// </summary>
    public required string Operation { get; init; }

    /// <summary>A JSON object that matches the <c>input</c> of the contract or the <c>data</c> of the event. Default: <c>{}</c>.</summary>
    public RawJson Payload { get; init; } = RawJson.EmptyObject;

    /// <summary>Ties the response to the request. Onex generates one if it is missing, and the response names it.</summary>
    public Guid? CorrelationId { get; init; }

    /// <summary>
    /// The identity of the request, by which a duplicate is recognised. Default: derived from the record's position and bytes.
    /// </summary>
    public Guid? EnvelopeId { get; init; }

    /// <summary>Which saga an event is for. Default: the one that a request with the same correlation id started.</summary>
    public RequestTarget? Target { get; init; }

    /// <summary>
    /// Replaces the prefix of <see cref="Operation"/>, which then names an effect operation: with <c>http</c>, both <c>get</c> and
    /// <c>fetch.get</c> mean <c>http.get</c>.
    /// </summary>
    public string? HandlerType { get; init; }

    /// <summary>The topic for the response. It must be listed in <c>handlers.reply_to</c>. Default: <c>responses</c>.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>Copied to the response, below <c>extra</c>.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Extra { get; init; }
}

/// <summary>Which saga an event is for.</summary>
public sealed record RequestTarget
{
    /// <summary>The business key of the saga, 1 to 512 characters.</summary>
    public string? Key { get; init; }

    /// <summary>The id of the saga.</summary>
    public SagaId? SagaId { get; init; }
}

/// <summary>The answer to a request, on <c>responses</c> or <c>reply_to</c>, keyed by the correlation id.</summary>
public sealed record Response
{
    /// <summary><c>false</c> with an error, absent otherwise.</summary>
    public bool? Success { get; init; }

    /// <summary><c>success</c>, <c>error</c> or <c>duplicate</c>.</summary>
    public required string Status { get; init; }

    /// <summary>With <c>duplicate</c>: the status of the first response.</summary>
    public string? OriginalStatus { get; init; }

    /// <summary>Without an error: the output of the saga's end, or the payload of its <c>respond</c> step.</summary>
    public RawJson? Payload { get; init; }

    /// <summary>With an error: what is wrong and what to do, for people.</summary>
    public string? Error { get; init; }

    /// <summary>With an error: an <c>ONEX3xxx</c> code, or the fault's own.</summary>
    public string? Code { get; init; }

    /// <summary>The correlation id of the request, or the one that Onex generated for it.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The operation of the request.</summary>
    public string? Operation { get; init; }

    /// <summary>The envelope id of the request, if it has one.</summary>
    public Guid? EnvelopeId { get; init; }

    /// <summary>The saga that answers; absent if no saga handled the request.</summary>
    public SagaId? SagaId { get; init; }

    /// <summary>With an error: facts about it, or the output of the failed end.</summary>
    public RawJson? Details { get; init; }

    /// <summary>The fields of the request that Onex does not know.</summary>
    public RawJson? Extra { get; init; }
}

/// <summary>Values of <see cref="Response.Status"/>.</summary>
public static class ResponseStatus
{
    /// <summary>The saga reached an end with <c>end: completed</c>, or a <c>respond</c> step.</summary>
    public const string Success = "success";

    /// <summary>The request was rejected, or the saga failed.</summary>
    public const string Error = "error";

    /// <summary>The request is a duplicate; the rest is the first response.</summary>
    public const string Duplicate = "duplicate";
}
