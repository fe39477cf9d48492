using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Catalogue;

namespace Onex.Effects.Kafka;

/// <summary>What is to be written.</summary>
internal sealed record ProduceArguments
{
    [Argument("The topic, in full; none of the runtime's own.", Filling = ArgumentFilling.Constant)]
    public required string Topic { get; init; }

    [Argument("The record's key; without it, the correlation id.")]
    public string? Key { get; init; }

    [Argument("The record's value: text as it stands, anything else as JSON.")]
    public required JsonElement Value { get; init; }

    [Argument("Further headers; those that Onex writes itself win.")]
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
}

/// <summary>What was written.</summary>
internal sealed record ProduceResult
{
    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>The record's key.</summary>
    public required string Key { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ProduceArguments))]
[JsonSerializable(typeof(ProduceResult))]
internal sealed partial class ProduceJson : JsonSerializerContext;
