using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Aggregates completed items of an <c>each</c> as they arrive, so that their rows need not be read. The order of arrival can change how a
/// sum of doubles is rounded, and whether a sum of ints overflows on the way.
/// </summary>
internal static class Aggregates
{
    /// <summary>Adds one more item to the totals of a run; the scope has the item's result.</summary>
    public static EachRun Add(EachStep step, EachRun run, IExpressionScope scope)
    {
        if (step.Aggregates.IsEmpty || run.AggregateProblem is not null)
        {
            return run;
        }

        var totals = run.Totals.IsEmpty ? [.. step.Aggregates.Select(_ => CelValue.Null)] : run.Totals;
        for (var index = 0; index < step.Aggregates.Length; index++)
        {
            var aggregate = step.Aggregates[index];
            var value = aggregate.Of.Evaluate(scope);
            var total = value.IsError ? value : Combine(aggregate.Kind, totals[index], value);
            if (total.IsError)
            {
                return run with { AggregateProblem = $"'{aggregate.Name}': {total.AsError()}" };
            }

            totals = totals.SetItem(index, total);
        }

        return run with { Totals = totals };
    }

    /// <summary>The result of the step when all items are done.</summary>
    public static CelValue Result(EachStep step, EachRun run) => CelValue.Map(
    [
        new("completed", CelValue.Int(run.Completed)),
        new("failed", CelValue.Int(run.Failed)),
        .. step.Aggregates.Select((aggregate, index) =>
            KeyValuePair.Create(aggregate.Name, Total(aggregate, run.Totals.IsEmpty ? CelValue.Null : run.Totals[index]))),
    ]);

    private static CelValue Total(AggregatePlan aggregate, CelValue total) => (aggregate.Kind, total.Kind) switch
    {
        (AggregateKind.Count or AggregateKind.Sum, CelKind.Null) => aggregate.IsDouble ? CelValue.Double(0) : CelValue.Int(0),
        // An older Onex stored a whole double as an int.
        (_, CelKind.Int) when aggregate is { IsDouble: true, Kind: not AggregateKind.Count } => CelValue.Double(total.AsInt()),
        _ => total,
    };

    private static CelValue Combine(AggregateKind kind, CelValue total, CelValue value) => (kind, value.Kind) switch
    {
        (AggregateKind.Count, CelKind.Bool) => CelValue.Int((total.IsNull ? 0 : total.AsInt()) + (value.AsBool() ? 1 : 0)),
        (AggregateKind.Count, _) => CelValue.Error($"a bool is required, not {value.Kind}"),
        (_, CelKind.Int or CelKind.Double) when total.IsNull => value,
        (_, CelKind.Int) when total.Kind == CelKind.Int => CombineInts(kind, total.AsInt(), value.AsInt()),
        (_, CelKind.Int or CelKind.Double) => CombineDoubles(kind, ToDouble(total), ToDouble(value)),
        _ => CelValue.Error($"a number is required, not {value.Kind}"),
    };

    private static CelValue CombineInts(AggregateKind kind, long total, long value)
    {
        if (kind != AggregateKind.Sum)
        {
            return CelValue.Int(kind == AggregateKind.Min ? Math.Min(total, value) : Math.Max(total, value));
        }

        var sum = unchecked(total + value);
        var overflows = ((total ^ sum) & (value ^ sum)) < 0; // neither operand has the sign of the sum
        return overflows ? CelValue.Error("the sum is beyond 64 bits") : CelValue.Int(sum);
    }

    private static CelValue CombineDoubles(AggregateKind kind, double total, double value) => CelValue.Double(
        kind switch
        {
            AggregateKind.Sum => total + value,
            AggregateKind.Min => Math.Min(total, value),
            _ => Math.Max(total, value),
        });

    private static double ToDouble(CelValue value) => value.Kind == CelKind.Int ? value.AsInt() : value.AsDouble();
}
