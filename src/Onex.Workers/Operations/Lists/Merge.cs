using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Lists;

[Operation("merge", Description = "Makes one list of several: end to end, or by a key, where a later item replaces an earlier one.")]
internal sealed class Merge()
    : ComputeOperation<MergeArguments, ItemsResult>(ListsJson.Default.MergeArguments, ListsJson.Default.ItemsResult)
{
    protected override ValueTask<ItemsResult> RunAsync(MergeArguments arguments, ComputeContext context)
    {
        var key = arguments.Key is { } text ? ItemExpression.Parse("key", text) : null;
        var scope = new ItemScope(arguments.Values);
        var merged = new List<CelValue>();
        var places = new Dictionary<CelValue, int>();
        foreach (var list in arguments.Lists)
        {
            for (var i = 0; i < list.Count; i++)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                if (key is null)
                {
                    merged.Add(list[i]);
                    continue;
                }

                var value = key.Evaluate(scope.SetItem(list[i], i));
                if (places.TryAdd(value, merged.Count))
                {
                    merged.Add(list[i]);
                }
                else
                {
                    merged[places[value]] = list[i];
                }
            }
        }

        return new(new ItemsResult { Items = merged, Count = merged.Count });
    }
}

internal sealed record MergeArguments
{
    [Argument("The lists.")]
    public required IReadOnlyList<IReadOnlyList<CelValue>> Lists { get; init; }

    [Argument(
        "The key of an item. Of several items with the same key the last one stays, in the place of the first one.",
        Default = "end to end", Filling = ArgumentFilling.Expression, Reads = "item,index,values")]
    public string? Key { get; init; }

    [Argument("Values that the expression reads besides the item.", Default = "none")]
    public IReadOnlyDictionary<string, CelValue>? Values { get; init; }
}
