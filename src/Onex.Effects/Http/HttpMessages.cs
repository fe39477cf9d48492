using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Catalogue;

namespace Onex.Effects.Http;

/// <summary>What an HTTP effect is told.</summary>
internal sealed record HttpArguments
{
    [Argument("The whole address, instead of a connection's and 'path'.", Filling = ArgumentFilling.Address)]
    public string? Url { get; init; }

    [Argument("The path below the connection's address.", Filling = ArgumentFilling.PercentEncoded)]
    public string? Path { get; init; }

    [Argument("Request headers; the connection's own win.")]
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    [Argument("The query; a list repeats its key, null leaves it out.")]
    public IReadOnlyDictionary<string, JsonElement>? Query { get; init; }

    [Argument("The body: text as it stands, anything else as JSON.")]
    public JsonElement? Body { get; init; }
}

/// <summary>What the other side answered.</summary>
internal sealed record HttpResult
{
    /// <summary>The status.</summary>
    public required int StatusCode { get; init; }

    /// <summary>By lower-case name; several values are joined with a comma.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>Parsed if it says that it is JSON, else text; null if there is none.</summary>
    public required JsonElement Body { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(HttpArguments))]
[JsonSerializable(typeof(HttpResult))]
internal sealed partial class HttpJson : JsonSerializerContext;
