using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Effects.Kafka;

/// <summary>The arguments of <c>kafka.produce</c>.</summary>
internal sealed record ProduceArguments
{
    private const string OwnHeaders =
        HeaderNames.MessageId + "," + HeaderNames.CorrelationId + "," + HeaderNames.Timestamp + "," + HeaderNames.Source + ","
        + HeaderNames.TraceParent + "," + HeaderNames.TraceState;

    [Argument("The full name of the topic, except topics of the runtime.", Filling = ArgumentFilling.Constant)]
    public required string Topic { get; init; }

    [Argument("The record's key.", Default = "the correlation id")]
    public string? Key { get; init; }

    [Argument("The record's value: text as it is, anything else as JSON.")]
    public required JsonElement Value { get; init; }

    [Argument("Further headers. Headers that Onex writes replace those of the same name.", Default = "none", ReservedKeys = OwnHeaders)]
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
