using System.Globalization;
using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Lists;

[Operation("join", Description = "Joins two lists by a key: a row for each pair of a left and a right item with equal keys.")]
internal sealed class Join()
    : ComputeOperation<JoinArguments, JoinResult>(ListsJson.Default.JoinArguments, ListsJson.Default.JoinResult)
{
    // The JSON of the result has a row for each pair, and each row repeats both items.
    public override int MemoryPerByte => 16;

    protected override ValueTask<JoinResult> RunAsync(JoinArguments arguments, ComputeContext context)
    {
        var rightKey = ItemExpression.Parse("right_key", arguments.RightKey);
        var leftKey = ItemExpression.Parse("left_key", arguments.LeftKey);
        var scope = new ItemScope(arguments.Values);
        var byKey = new Dictionary<CelValue, List<CelValue>>();
        for (var i = 0; i < arguments.Right.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (rightKey.Evaluate(scope.SetItem(arguments.Right[i], i)) is { IsNull: false } key)
            {
                if (!byKey.TryGetValue(key, out var items))
                {
                    byKey[key] = items = [];
                }

                items.Add(arguments.Right[i]);
            }
        }

        var rows = new List<JoinedRow>();
        for (var i = 0; i < arguments.Left.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var left = arguments.Left[i];
            if (leftKey.Evaluate(scope.SetItem(left, i)) is { IsNull: false } key && byKey.TryGetValue(key, out var matches))
            {
                foreach (var right in matches)
                {
                    context.Cancellation.ThrowIfCancellationRequested();
                    Add(rows, left, right);
                }
            }
            else if (arguments.Unmatched)
            {
                Add(rows, left, CelValue.Null);
            }
        }

        return new(new JoinResult { Rows = rows, Count = rows.Count });
    }

    private static void Add(List<JoinedRow> rows, CelValue left, CelValue right)
    {
        if (rows.Count == ComputeLimits.JoinedRowsMax)
        {
            throw new ComputeRejectedException(
                ComputeRejectedException.ResultTooLarge,
                string.Create(CultureInfo.InvariantCulture, $"the result has more than {ComputeLimits.JoinedRowsMax:N0} rows"));
        }

        rows.Add(new JoinedRow { Left = left, Right = right });
    }
}

internal sealed record JoinArguments
{
    [Argument("The left list. The rows have its order.")]
    public required IReadOnlyList<CelValue> Left { get; init; }

    [Argument("The right list.")]
    public required IReadOnlyList<CelValue> Right { get; init; }

    [Argument(
        "The key of a left item; null matches nothing.",
        Filling = ArgumentFilling.Expression, Reads = "item,index,values", ItemsOf = "left")]
    public required string LeftKey { get; init; }

    [Argument(
        "The key of a right item; null matches nothing.",
        Filling = ArgumentFilling.Expression, Reads = "item,index,values", ItemsOf = "right")]
    public required string RightKey { get; init; }

    [Argument("Whether left items without a match are rows too, whose `right` is null.", Default = "false")]
    public bool Unmatched { get; init; }

    [Argument("Values that the expressions read besides the item.", Default = "none")]
    public IReadOnlyDictionary<string, CelValue>? Values { get; init; }
}

internal sealed record JoinResult
{
    [Result("The pairs, in the order of the left list; at most 1,000,000. `right` is null only for left items without a match.")]
    public required IReadOnlyList<JoinedRow> Rows { get; init; }

    [Result("The number of rows.")]
    public required int Count { get; init; }
}

internal sealed record JoinedRow
{
    public required CelValue Left { get; init; }

    public required CelValue Right { get; init; }
}
