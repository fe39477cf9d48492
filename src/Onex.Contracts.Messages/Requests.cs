using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>What a client publishes to <c>requests</c>. Any record key and any partition will do.</summary>
public sealed record Request
{
    /// <summary>A contract (<c>order-fulfilment</c>), a contract's event (<c>order-fulfilment.cancel</c>), or a permitted effect operation.</summary>
    public required string Operation { get; init; }

    /// <summary>A JSON object, checked against the contract's, event's or operation's schema.</summary>
    public RawJson Payload { get; init; } = RawJson.EmptyObject;

    /// <summary>Ties request and response; made up and reported if missing.</summary>
    public Guid? CorrelationId { get; init; }

    /// <summary>The message's identity for de-duplication; without it the record's position serves.</summary>
    public Guid? EnvelopeId { get; init; }

    /// <summary>For events: which saga, instead of by the correlation id.</summary>
    public RequestTarget? Target { get; init; }

    /// <summary>Overrides the operation's prefix.</summary>
    public string? HandlerType { get; init; }

    /// <summary>Topic for the response; must be on the allow-list.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>Fields that Onex does not know; carried through to the response below <c>extra</c>.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Extra { get; init; }
}

/// <summary>Which saga an event is for: by its business key, or by its id.</summary>
public sealed record RequestTarget
{
    /// <summary>The saga's business key.</summary>
    public string? Key { get; init; }

    /// <summary>The saga's id.</summary>
    public Guid? SagaId { get; init; }
}

/// <summary>What leaves on <c>responses</c> (or <c>reply_to</c>), keyed by the correlation id.</summary>
public sealed record Response
{
    /// <summary><c>false</c> on an error, absent otherwise.</summary>
    public bool? Success { get; init; }

    /// <summary><c>success</c>, <c>error</c> or <c>duplicate</c>: see <see cref="ResponseStatus"/>.</summary>
    public required string Status { get; init; }

    /// <summary>With <c>duplicate</c>: the status of the first answer.</summary>
    public string? OriginalStatus { get; init; }

    /// <summary>The output, on success.</summary>
    public RawJson? Payload { get; init; }

    /// <summary>Text for people, on an error.</summary>
    public string? Error { get; init; }

    /// <summary><c>ONEX3xxx</c> or the contract's own code, on an error.</summary>
    public string? Code { get; init; }

    /// <summary>The request's correlation id, or the one made up for it.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The operation that this answers.</summary>
    public string? Operation { get; init; }

    /// <summary>The request's envelope id, if it had one.</summary>
    public Guid? EnvelopeId { get; init; }

    /// <summary>The saga that answers, if there is one.</summary>
    public Guid? SagaId { get; init; }

    /// <summary>Structured facts about an error; the output of a failed end.</summary>
    public RawJson? Details { get; init; }

    /// <summary>The request's unknown fields.</summary>
    public RawJson? Extra { get; init; }
}

/// <summary>Values of <see cref="Response.Status"/>.</summary>
public static class ResponseStatus
{
    /// <summary>The process completed.</summary>
    public const string Success = "success";

    /// <summary>The request was refused, or the process failed.</summary>
    public const string Error = "error";

    /// <summary>A known request asked again.</summary>
    public const string Duplicate = "duplicate";
}
