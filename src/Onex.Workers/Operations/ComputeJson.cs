using System.Text.Json.Serialization;
using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    Converters = [typeof(CelValueConverter)])]
[JsonSerializable(typeof(HashArguments))]
[JsonSerializable(typeof(HashResult))]
[JsonSerializable(typeof(HmacArguments))]
[JsonSerializable(typeof(TransformArguments))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, CelValue>))]
[JsonSerializable(typeof(DelayArguments))]
[JsonSerializable(typeof(DelayResult))]
internal sealed partial class ComputeJson : JsonSerializerContext;
