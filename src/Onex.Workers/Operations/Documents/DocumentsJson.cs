using System.Text.Json.Serialization;

namespace Onex.Workers.Operations.Documents;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    Converters = [typeof(CelValueConverter)])]
[JsonSerializable(typeof(JsonMergeArguments))]
[JsonSerializable(typeof(JsonPatchArguments))]
[JsonSerializable(typeof(ValidateArguments))]
[JsonSerializable(typeof(ValidateResult))]
[JsonSerializable(typeof(ValueResult))]
internal sealed partial class DocumentsJson : JsonSerializerContext;
