using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

/// <summary>An expression that an operation evaluates, for every item of a list or once.</summary>
internal sealed class ItemExpression
{
    private readonly string _argument;
    private readonly Expression _expression;

    private ItemExpression(string argument, Expression expression)
    {
        _argument = argument;
        _expression = expression;
    }

    /// <summary>
    /// Parses it, or rejects the step. The compiler has checked it already, but the orchestrator may have another version than this worker.
    /// </summary>
    /// <param name="argument">The argument that holds it, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <param name="budget">The maximum cost units of one evaluation.</param>
    public static ItemExpression Parse(string argument, string text, int budget = ComputeLimits.ItemBudget)
    {
        if (!Expression.TryParse(text, out var expression, out var problem))
        {
            throw ComputeRejectedException.Arguments($"'{argument}' is not an expression: {problem.Problem}");
        }

        expression.Budget = budget;
        return new ItemExpression(argument, expression);
    }

    /// <summary>Its value. An optional gives the value inside, or null if empty. Rejects the step if it cannot be evaluated.</summary>
    public CelValue Evaluate(ItemScope scope)
    {
        var value = _expression.Evaluate(scope);
        while (value.Kind == CelKind.Optional)
        {
            value = value.HasValue ? value.Inner : CelValue.Null;
        }

        return value.IsError ? throw Failed(scope.Index, value.AsError()) : value;
    }

    /// <summary>Whether it holds. Rejects the step if its value is not a bool.</summary>
    public bool Holds(ItemScope scope) =>
        Evaluate(scope) is { Kind: CelKind.Bool } value
            ? value.AsBool()
            : throw Failed(scope.Index, "its value must be a bool");

    /// <summary>The rejection of the step because of the expression's value: for an item, or for the whole list if it is null.</summary>
    public ComputeRejectedException Failed(int? item, string problem) => ComputeRejectedException.Expression(_argument, item, problem);
}
