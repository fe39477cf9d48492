using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Effects.Connections;
using Onex.Operations;

namespace Onex.Effects.Http;

/// <summary>The arguments of an HTTP effect.</summary>
internal sealed record HttpArguments
{
    [Argument("The whole address.", Filling = ArgumentFilling.Address, Default = "the connection's address and 'path'")]
    public string? Url { get; init; }

    [Argument("The path below the connection's address.", Filling = ArgumentFilling.PercentEncoded, Default = "the address itself")]
    public string? Path { get; init; }

    [Argument(
        "Headers of the request. Where the connection's headers are sent too, they replace those of the same name.", Default = "none",
        ReservedKeys = HttpHeaderRules.Reserved)]
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    [Argument("The query of the address. A list repeats its key, null leaves the key out.", Default = "none")]
    public IReadOnlyDictionary<string, JsonElement>? Query { get; init; }

    [Argument("How many redirects are followed, at most 10.", Default = "the connection's `redirects`, else none")]
    public int? Redirects { get; init; }

    [Argument("The body: text as it is, anything else as JSON; at most 10 MiB.", Default = "none")]
    public JsonElement? Body { get; init; }
}

internal sealed record HttpResult
{
    [Result("The HTTP status.")]
    public required int StatusCode { get; init; }

    [Result("The headers of the response by lower-case name. Several values are joined with a comma.")]
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    [Result("The body: parsed if its content type is JSON, else text; null without one. At most 50 MiB.")]
    public required JsonElement Body { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(HttpArguments))]
[JsonSerializable(typeof(HttpResult))]
internal sealed partial class HttpJson : JsonSerializerContext;
