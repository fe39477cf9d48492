using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Documents;

[Operation("json.merge", Description = "Applies a JSON Merge Patch (RFC 7396): maps merge, null removes a field, other values replace.")]
internal sealed class JsonMerge()
    : ComputeOperation<JsonMergeArguments, ValueResult>(DocumentsJson.Default.JsonMergeArguments, DocumentsJson.Default.ValueResult)
{
    protected override ValueTask<ValueResult> RunAsync(JsonMergeArguments arguments, ComputeContext context) =>
        new(new ValueResult { Value = Apply(arguments.Value, arguments.Patch) });

    // The depth of values is limited, so the depth of this recursion is too.
    private static CelValue Apply(CelValue value, CelValue patch)
    {
        if (patch.Kind != CelKind.Map)
        {
            return patch;
        }

        var merged = new OrderedDictionary<string, CelValue>(StringComparer.Ordinal);
        foreach (var (name, field) in value.Kind == CelKind.Map ? value.AsMap() : [])
        {
            merged[name] = field;
        }

        foreach (var (name, change) in patch.AsMap())
        {
            if (change.IsNull)
            {
                merged.Remove(name);
            }
            else
            {
                merged[name] = Apply(merged.GetValueOrDefault(name), change);
            }
        }

        return CelValue.Map(merged);
    }
}

internal sealed record JsonMergeArguments
{
    [Argument("The value.")]
    public required CelValue Value { get; init; }

    [Argument("The patch.")]
    public required CelValue Patch { get; init; }
}

internal sealed record ValueResult
{
    [Result("The new value.")]
    public required CelValue Value { get; init; }
}
