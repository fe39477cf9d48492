using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Effects.Kafka;

/// <summary>The arguments of <c>kafka.produce</c>.</summary>
internal sealed record ProduceArguments
{
    private const string ReservedHeaders =
        MessageHeaders.IdentityNames + "," + HeaderNames.TraceParent + "," + HeaderNames.TraceState;

    [Argument("The full name of the topic. Topics of Onex are not allowed.", Filling = ArgumentFilling.Constant)]
    public required string Topic { get; init; }

    [Argument("The record's key.", Default = "the correlation id")]
    public string? Key { get; init; }

    [Argument("The record's value: text as it is, anything else as JSON.")]
    public required JsonElement Value { get; init; }

    [Argument(
        "Headers besides those that Onex writes. Onex's take precedence, except for `content_type`.", Default = "none",
        ReservedKeys = ReservedHeaders)]
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
}

/// <summary>The result of <c>kafka.produce</c>.</summary>
internal sealed record ProduceResult
{
    [Result("The topic.")]
    public required string Topic { get; init; }

    [Result("The record's key.")]
    public required string Key { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ProduceArguments))]
[JsonSerializable(typeof(ProduceResult))]
internal sealed partial class ProduceJson : JsonSerializerContext;
