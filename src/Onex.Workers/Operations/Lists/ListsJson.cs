using System.Text.Json.Serialization;

namespace Onex.Workers.Operations.Lists;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    Converters = [typeof(CelValueConverter)])]
[JsonSerializable(typeof(AggregateArguments))]
[JsonSerializable(typeof(AggregateResult))]
[JsonSerializable(typeof(FilterArguments))]
[JsonSerializable(typeof(ItemsResult))]
[JsonSerializable(typeof(JoinArguments))]
[JsonSerializable(typeof(JoinResult))]
[JsonSerializable(typeof(MergeArguments))]
[JsonSerializable(typeof(SortArguments))]
[JsonSerializable(typeof(SplitArguments))]
[JsonSerializable(typeof(SplitResult))]
internal sealed partial class ListsJson : JsonSerializerContext;
