using System.Text.Json.Serialization;

namespace Onex.Workers.Operations.Templates;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    Converters = [typeof(CelValueConverter)])]
[JsonSerializable(typeof(TemplateArguments))]
[JsonSerializable(typeof(TemplateResult))]
internal sealed partial class TemplatesJson : JsonSerializerContext;
