using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Lists;

[Operation("sort", Description = "Sorts a list by keys. Items with equal keys keep their order; null is less than all other values.")]
internal sealed class Sort()
    : ComputeOperation<SortArguments, ItemsResult>(ListsJson.Default.SortArguments, ListsJson.Default.ItemsResult)
{
    protected override ValueTask<ItemsResult> RunAsync(SortArguments arguments, ComputeContext context)
    {
        var keys = Read(arguments.By);
        var scope = new ItemScope(arguments.Values);
        var items = arguments.Items;
        var rows = new CelValue[items.Count][];
        for (var i = 0; i < rows.Length; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            rows[i] = [.. keys.Select(key => key.Expression.Evaluate(scope.SetItem(items[i], i)))];
        }

        for (var k = 0; k < keys.Count; k++)
        {
            CheckOrder(keys[k].Expression, rows, k);
        }

        var comparer = Comparer<int>.Create((a, b) =>
        {
            context.Cancellation.ThrowIfCancellationRequested();
            for (var k = 0; k < keys.Count; k++)
            {
                var order = Compare(rows[a][k], rows[b][k]);
                if (order != 0)
                {
                    return keys[k].IsDescending ? -order : order;
                }
            }

            return 0;
        });
        try
        {
            return new(new ItemsResult
            {
                Items = [.. Enumerable.Range(0, rows.Length).Order(comparer).Select(i => items[i])],
                Count = items.Count,
            });
        }
        catch (InvalidOperationException) when (context.Cancellation.IsCancellationRequested)
        {
            // .NET wraps what a comparer throws, here the cancellation, in this type.
            throw new OperationCanceledException(context.Cancellation);
        }
    }

    private static List<(ItemExpression Expression, bool IsDescending)> Read(IReadOnlyList<SortKey> by)
    {
        var keys = new List<(ItemExpression Expression, bool IsDescending)>();
        foreach (var key in by)
        {
            if ((key.Ascending is null) == (key.Descending is null))
            {
                throw ComputeRejectedException.Arguments("each entry of 'by' needs either 'ascending' or 'descending'");
            }

            keys.Add((ItemExpression.Parse("by", key.Ascending ?? key.Descending!), key.Descending is not null));
        }

        return keys.Count == 0 ? throw ComputeRejectedException.Arguments("'by' needs at least one key") : keys;
    }

    // Checks that every key can be compared with the first one that is not null, and so with every other.
    private static void CheckOrder(ItemExpression expression, CelValue[][] rows, int k)
    {
        var first = Array.FindIndex(rows, row => !row[k].IsNull);
        for (var i = first + 1; first >= 0 && i < rows.Length; i++)
        {
            if (!rows[i][k].IsNull && CelComparison.Compare(rows[first][k], rows[i][k], out _) is null)
            {
                var kinds = $"{CelTypes.DisplayName(rows[i][k])}, {CelTypes.DisplayName(rows[first][k])}";
                throw expression.Failed(i, $"its value has no order with that of item {first} ({kinds})");
            }
        }
    }

    private static int Compare(CelValue a, CelValue b) =>
        a.IsNull || b.IsNull ? b.IsNull.CompareTo(a.IsNull) : CelComparison.Compare(a, b, out _)!.Value;
}

internal sealed record SortArguments
{
    [Argument("The list.")]
    public required IReadOnlyList<CelValue> Items { get; init; }

    [Argument(
        "The keys, the most significant one first; each is either `ascending` or `descending`. Text is ordered by code point.",
        Filling = ArgumentFilling.Expression, Reads = "item,index,values", ItemsOf = "items")]
    public required IReadOnlyList<SortKey> By { get; init; }

    [Argument("Values that the expressions read besides the item.", Default = "none")]
    public IReadOnlyDictionary<string, CelValue>? Values { get; init; }
}

internal sealed record SortKey
{
    [Argument("A key whose smallest value comes first.")]
    public string? Ascending { get; init; }

    [Argument("A key whose largest value comes first.")]
    public string? Descending { get; init; }
}
