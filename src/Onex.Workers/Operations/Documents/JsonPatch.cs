using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Documents;

[Operation("json.patch", Description = "Applies a JSON Patch (RFC 6902): all of its operations, or none.")]
internal sealed class JsonPatch()
    : ComputeOperation<JsonPatchArguments, ValueResult>(DocumentsJson.Default.JsonPatchArguments, DocumentsJson.Default.ValueResult)
{
    /// <summary>The code of a patch that does not fit the value.</summary>
    public const string PatchFailed = "patch_failed";

    // Copied values are limited, because copies of copies grow exponentially.
    private const int CopiedValuesMax = 1_000_000;

    protected override ValueTask<ValueResult> RunAsync(JsonPatchArguments arguments, ComputeContext context)
    {
        var value = arguments.Value;
        long copiesLeft = CopiedValuesMax;
        for (var i = 0; i < arguments.Patch.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var change = new PatchChange(i, arguments.Patch[i]);
            value = change.Apply(value, ref copiesLeft);
        }

        return new(new ValueResult { Value = value });
    }
}

internal sealed record JsonPatchArguments
{
    [Argument("The value.")]
    public required CelValue Value { get; init; }

    [Argument("The operations, each with `op` (`add`, `remove`, `replace`, `move`, `copy`, `test`), `path`, and `value` or `from`.")]
    public required IReadOnlyList<IReadOnlyDictionary<string, CelValue>> Patch { get; init; }
}
