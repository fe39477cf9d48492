using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>How messages become JSON: snake_case, nothing written for null, no reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = MessageJson.DepthMax)]
[JsonSerializable(typeof(Request))]
[JsonSerializable(typeof(Response))]
[JsonSerializable(typeof(StepCommand))]
[JsonSerializable(typeof(StepResult))]
[JsonSerializable(typeof(SagaMessage))]
[JsonSerializable(typeof(DeadLetter))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(Dictionary<string, string>))]
public sealed partial class MessageJson : JsonSerializerContext
{
    /// <summary>Levels of a message: twice those that a value of it may have, so that what is too deep can be answered, not only given up.</summary>
    public const int DepthMax = 128;

    /// <summary>The same for what people read: text stays as it is but for what JSON itself forbids.</summary>
    public static MessageJson Readable => field ??= new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = DepthMax,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
