using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Workers.Operations;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(HashArguments))]
[JsonSerializable(typeof(HashResult))]
[JsonSerializable(typeof(TransformArguments))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, JsonElement>))]
[JsonSerializable(typeof(DelayArguments))]
[JsonSerializable(typeof(DelayResult))]
internal sealed partial class ComputeJson : JsonSerializerContext;
