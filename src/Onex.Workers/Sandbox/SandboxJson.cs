using System.Text.Json.Serialization;

namespace Onex.Workers.Sandbox;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(SandboxRequest))]
[JsonSerializable(typeof(SandboxResponse))]
internal sealed partial class SandboxJson : JsonSerializerContext;
