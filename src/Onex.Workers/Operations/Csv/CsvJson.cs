using System.Text.Json.Serialization;

namespace Onex.Workers.Operations.Csv;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    Converters = [typeof(CelValueConverter)])]
[JsonSerializable(typeof(CsvFormatArguments))]
[JsonSerializable(typeof(CsvFormatResult))]
[JsonSerializable(typeof(CsvParseArguments))]
[JsonSerializable(typeof(CsvParseResult))]
internal sealed partial class CsvJson : JsonSerializerContext;
