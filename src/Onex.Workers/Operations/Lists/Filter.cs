using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Lists;

[Operation("filter", Description = "Selects the items of a list for which a condition holds.")]
internal sealed class Filter()
    : ComputeOperation<FilterArguments, ItemsResult>(ListsJson.Default.FilterArguments, ListsJson.Default.ItemsResult)
{
    protected override ValueTask<ItemsResult> RunAsync(FilterArguments arguments, ComputeContext context)
    {
        var where = ItemExpression.Parse("where", arguments.Where);
        var scope = new ItemScope(arguments.Values);
        var found = new List<CelValue>();
        for (var i = 0; i < arguments.Items.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            context.ReportProgress((double)i / arguments.Items.Count);
            if (where.Holds(scope.SetItem(arguments.Items[i], i)))
            {
                found.Add(arguments.Items[i]);
            }
        }

        return new(new ItemsResult { Items = found, Count = found.Count });
    }
}

internal sealed record FilterArguments
{
    [Argument("The list.")]
    public required IReadOnlyList<CelValue> Items { get; init; }

    [Argument("The condition.", Filling = ArgumentFilling.Expression, Reads = "item,index,values", ItemsOf = "items")]
    public required string Where { get; init; }

    [Argument("Values that the expression reads besides the item.", Default = "none")]
    public IReadOnlyDictionary<string, CelValue>? Values { get; init; }
}

internal sealed record ItemsResult
{
    [Result("The items, in order.")]
    public required IReadOnlyList<CelValue> Items { get; init; }

    [Result("The number of items.")]
    public required int Count { get; init; }
}
