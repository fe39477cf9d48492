using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>How messages are written as JSON: names in snake_case, null fields left out, no reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = MessageJson.DepthMax)]
[JsonSerializable(typeof(Request))]
[JsonSerializable(typeof(Response))]
[JsonSerializable(typeof(StepCommand))]
[JsonSerializable(typeof(StepResult))]
[JsonSerializable(typeof(StepReport))]
[JsonSerializable(typeof(StepCancel))]
[JsonSerializable(typeof(SagaMessage))]
[JsonSerializable(typeof(DeadLetter))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(Dictionary<string, string>))]
public sealed partial class MessageJson : JsonSerializerContext
{
    /// <summary>
    /// The maximum depth of a message: twice that of a value in it, so that a value that is too deep can still be answered with an error.
    /// </summary>
    public const int DepthMax = 128;

    /// <summary>The same format for people: it does not escape for HTML.</summary>
    public static MessageJson Readable => field ??= new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = DepthMax,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
