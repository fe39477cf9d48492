using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Aggregates completed items of an <c>each</c> as they arrive, so that no item rows are needed. Items arrive in any order, which can
/// change only the last digits of a sum of doubles.
/// </summary>
internal static class Aggregates
{
    /// <summary>Adds one more item to the totals of a run; the scope has the item's result.</summary>
    public static EachRun Add(EachStep step, EachRun run, IExpressionScope scope)
    {
        if (step.Aggregates.IsEmpty || run.Broken is not null)
        {
            return run;
        }

        var totals = run.Totals.IsEmpty ? [.. step.Aggregates.Select(_ => CelValue.Null)] : run.Totals;
        for (var place = 0; place < step.Aggregates.Length; place++)
        {
            var (aggregate, value) = (step.Aggregates[place], step.Aggregates[place].Of.Evaluate(scope));
            var total = value.IsError ? value : Put(aggregate.Kind, totals[place], value);
            if (total.IsError)
            {
                return run with { Broken = $"'{aggregate.Name}': {total.AsError()}" };
            }

            totals = totals.SetItem(place, total);
        }

        return run with { Totals = totals };
    }

    /// <summary>The result of the step when all items are done.</summary>
    public static CelValue Result(EachStep step, EachRun run) => CelValue.Map(
    [
        new("completed", CelValue.Int(run.Completed)),
        new("failed", CelValue.Int(run.Failed)),
        .. step.Aggregates.Select((aggregate, place) =>
            KeyValuePair.Create(aggregate.Name, Total(aggregate, run.Totals.IsEmpty ? CelValue.Null : run.Totals[place]))),
    ]);

    private static CelValue Total(AggregatePlan aggregate, CelValue total) => (aggregate.Kind, total.Kind) switch
    {
        (AggregateKind.Count or AggregateKind.Sum, CelKind.Null) => aggregate.IsDouble ? CelValue.Double(0) : CelValue.Int(0),
        // jsonb stores a whole double as an int.
        (_, CelKind.Int) when aggregate is { IsDouble: true, Kind: not AggregateKind.Count } => CelValue.Double(total.AsInt()),
        _ => total,
    };

    private static CelValue Put(AggregateKind kind, CelValue total, CelValue value) => (kind, value.Kind) switch
    {
        (AggregateKind.Count, CelKind.Bool) => CelValue.Int((total.IsNull ? 0 : total.AsInt()) + (value.AsBool() ? 1 : 0)),
        (AggregateKind.Count, _) => CelValue.Error($"a bool is required, not {value.Kind}"),
        (_, CelKind.Int or CelKind.Double) when total.IsNull => value,
        (_, CelKind.Int) when total.Kind == CelKind.Int => Whole(kind, total.AsInt(), value.AsInt()),
        (_, CelKind.Int or CelKind.Double) => Fraction(kind, Number(total), Number(value)),
        _ => CelValue.Error($"a number is required, not {value.Kind}"),
    };

    private static CelValue Whole(AggregateKind kind, long total, long value)
    {
        if (kind != AggregateKind.Sum)
        {
            return CelValue.Int(kind == AggregateKind.Min ? Math.Min(total, value) : Math.Max(total, value));
        }

        var sum = unchecked(total + value);
        return ((total ^ sum) & (value ^ sum)) < 0 ? CelValue.Error("the sum is beyond 64 bits") : CelValue.Int(sum);
    }

    private static CelValue Fraction(AggregateKind kind, double total, double value) => CelValue.Double(
        kind switch
        {
            AggregateKind.Sum => total + value,
            AggregateKind.Min => Math.Min(total, value),
            _ => Math.Max(total, value),
        });

    private static double Number(CelValue value) => value.Kind == CelKind.Int ? value.AsInt() : value.AsDouble();
}
