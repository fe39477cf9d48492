using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations.Lists;

/// <summary>A value that <c>aggregate</c> computes for each group: its name, its function and the expression over an item.</summary>
internal sealed class AggregateFunction
{
    private readonly ItemExpression _expression;
    private readonly Func<Accumulator> _begin;
    private readonly bool _isCondition;

    private AggregateFunction(string name, string function, string text)
    {
        Name = name;
        _expression = ItemExpression.Parse($"fields.{name}.{function}", text);
        _isCondition = function == "count";
        _begin = function switch
        {
            "count" => () => new CountAccumulator(name),
            "sum" => () => new SumAccumulator(name, _expression, isAverage: false),
            "average" => () => new SumAccumulator(name, _expression, isAverage: true),
            "min" => () => new MinMaxAccumulator(name, _expression, sign: -1),
            "max" => () => new MinMaxAccumulator(name, _expression, sign: 1),
            "distinct" => () => new DistinctAccumulator(name),
            "first" => () => new FirstOrLastAccumulator(name, isFirst: true),
            _ => () => new FirstOrLastAccumulator(name, isFirst: false),
        };
    }

    public string Name { get; }

    public static AggregateFunction Parse(string name, AggregateField field)
    {
        List<(string Function, string? Text)> all =
        [
            ("count", field.Count), ("sum", field.Sum), ("average", field.Average), ("min", field.Min), ("max", field.Max),
            ("distinct", field.Distinct), ("first", field.First), ("last", field.Last),
        ];
        return all.FindAll(each => each.Text is not null) is [var (function, text)]
            ? new AggregateFunction(name, function, text!)
            : throw ComputeRejectedException.Arguments($"'fields.{name}' needs exactly one function");
    }

    public Accumulator Begin() => _begin();

    /// <summary>The value of an item, which is added to its group and to the total.</summary>
    public CelValue Evaluate(ItemScope scope) => _isCondition ? CelValue.Bool(_expression.Holds(scope)) : _expression.Evaluate(scope);
}
