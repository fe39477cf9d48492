using System.Text.Json;
using Onex.Contracts.Catalogue;

namespace Onex.Workers.Operations;

/// <summary>Returns its arguments, which the orchestrator has evaluated.</summary>
[Operation("transform", Description = "Returns its values, which the orchestrator has evaluated, under the same names.")]
internal sealed class Transform()
    : ComputeOperation<TransformArguments, IReadOnlyDictionary<string, JsonElement>>(
        ComputeJson.Default.TransformArguments, ComputeJson.Default.IReadOnlyDictionaryStringJsonElement)
{
    protected override ValueTask<IReadOnlyDictionary<string, JsonElement>> RunAsync(
        TransformArguments arguments, CancellationToken cancellation) => new(arguments.Values);
}

internal sealed record TransformArguments
{
    [Argument("The values to return, by name.")]
    public required IReadOnlyDictionary<string, JsonElement> Values { get; init; }
}
