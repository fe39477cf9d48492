using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Lists;

[Operation(
    "aggregate",
    Description = "Groups the items of a list and computes counts, sums and other values of each group and of the whole list.")]
internal sealed class Aggregate()
    : ComputeOperation<AggregateArguments, AggregateResult>(
        ListsJson.Default.AggregateArguments, ListsJson.Default.AggregateResult)
{
    // The number of stored items between two reports of progress.
    private const int ReportInterval = 1_000;

    // For a page of stored items, and for what the groups keep of the items before it.
    public override long MemoryMax => 16 * 1024 * 1024;

    protected override async ValueTask<AggregateResult> RunAsync(AggregateArguments arguments, ComputeContext context)
    {
        var by = (arguments.By ?? new Dictionary<string, string>())
            .Select(key => (Name: key.Key, Expression: ItemExpression.Parse($"by.{key.Key}", key.Value)))
            .ToList();
        var fields = arguments.Fields.Select(field => AggregateFunction.Parse(field.Key, field.Value)).ToList();
        if (fields.Find(field => by.Exists(key => key.Name == field.Name)) is { } duplicate)
        {
            throw ComputeRejectedException.Arguments($"'{duplicate.Name}' is a name in 'by' and in 'fields'");
        }

        var scope = new ItemScope(arguments.Values);
        var total = fields.ConvertAll(field => field.Begin());
        var groups = new Dictionary<CelValue, List<Accumulator>>();
        switch (arguments)
        {
            case { Items: { } items, Each: null }:
                for (var i = 0; i < items.Count; i++)
                {
                    context.ReportProgress((double)i / items.Count);
                    Add(items[i], i);
                }

                break;
            case { Items: null, Each: { } step }:
                var read = 0;
                await foreach (var (index, result) in context.Items.ReadAsync(step, context.Cancellation))
                {
                    Add(result, index);
                    if (++read % ReportInterval == 0)
                    {
                        context.ReportProgress(null, $"{read} items");
                    }
                }

                break;
            default:
                throw ComputeRejectedException.Arguments("one of 'items' and 'each' is required");
        }

        return new AggregateResult
        {
            Groups =
            [
                .. groups.Select(group => by.Select((key, k) => KeyValuePair.Create(key.Name, group.Key.AsList()[k]))
                    .Concat(Results(group.Value)).ToDictionary(StringComparer.Ordinal)),
            ],
            Total = Results(total).ToDictionary(StringComparer.Ordinal),
        };

        static IEnumerable<KeyValuePair<string, CelValue>> Results(List<Accumulator> values) =>
            values.Select(value => KeyValuePair.Create(value.Name, value.GetResult()));

        void Add(CelValue item, int index)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            scope.SetItem(item, index);
            var key = CelValue.List([.. by.Select(each => each.Expression.Evaluate(scope))]);
            if (by.Count > 0 && !groups.ContainsKey(key))
            {
                groups.Add(key, fields.ConvertAll(field => field.Begin()));
            }

            for (var f = 0; f < fields.Count; f++)
            {
                var value = fields[f].Evaluate(scope);
                total[f].Add(value, index);
                if (by.Count > 0)
                {
                    groups[key][f].Add(value, index);
                }
            }
        }
    }
}

internal sealed record AggregateArguments
{
    [Argument("The list. Required without `each`.")]
    public IReadOnlyList<CelValue>? Items { get; init; }

    [Argument(
        "Instead of `items`: the id of a step with `each`. `item` is then the result of a completed call, and `index` the place of that "
            + "call's item. The worker reads all results from the database, page by page.",
        Filling = ArgumentFilling.Constant)]
    public string? Each { get; init; }

    [Argument(
        "The keys of a group by name. Without keys there is only the total.", Default = "none",
        Filling = ArgumentFilling.Expression, Reads = "item,index,values", ItemsOf = "items")]
    public IReadOnlyDictionary<string, string>? By { get; init; }

    [Argument(
        "The values to compute by name, each with one function. `count` takes a condition. `sum`, `average`, `min` and `max` ignore null; "
            + "text of decimal digits (`12.50`) is a number there, and the result is text too, with all its digits.",
        Filling = ArgumentFilling.Expression, Reads = "item,index,values", ItemsOf = "items")]
    public required IReadOnlyDictionary<string, AggregateField> Fields { get; init; }

    [Argument("Values that the expressions read besides the item.", Default = "none")]
    public IReadOnlyDictionary<string, CelValue>? Values { get; init; }
}

internal sealed record AggregateField
{
    [Argument("For how many items the condition holds.")]
    public string? Count { get; init; }

    [Argument("The exact sum; 0 without numbers.")]
    public string? Sum { get; init; }

    [Argument("The sum divided by the count; null without numbers.")]
    public string? Average { get; init; }

    [Argument("The least number, or the first text by code point; null without values.")]
    public string? Min { get; init; }

    [Argument("The greatest number, or the last text by code point; null without values.")]
    public string? Max { get; init; }

    [Argument("The different values, in the order in which they first appear.")]
    public string? Distinct { get; init; }

    [Argument("The value of the first item; null without items.")]
    public string? First { get; init; }

    [Argument("The value of the last item; null without items.")]
    public string? Last { get; init; }
}

internal sealed record AggregateResult
{
    [Result("The groups, in the order in which they first appear: their keys and their values, by name.")]
    public required IReadOnlyList<IReadOnlyDictionary<string, CelValue>> Groups { get; init; }

    [Result("The values of the whole list, by name.")]
    public required IReadOnlyDictionary<string, CelValue> Total { get; init; }
}
