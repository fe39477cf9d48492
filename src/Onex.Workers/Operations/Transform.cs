using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations;

[Operation(
    "transform", Description = "Evaluates expressions over values, in a worker and with 20 times the budget of the orchestrator.")]
internal sealed class Transform()
    : ComputeOperation<TransformArguments, IReadOnlyDictionary<string, CelValue>>(
        ComputeJson.Default.TransformArguments, ComputeJson.Default.IReadOnlyDictionaryStringCelValue)
{
    protected override ValueTask<IReadOnlyDictionary<string, CelValue>> RunAsync(
        TransformArguments arguments, ComputeContext context)
    {
        if (arguments.Fields is not { } fields)
        {
            return new(arguments.Values);
        }

        var scope = new ItemScope(arguments.Values);
        var result = new Dictionary<string, CelValue>(StringComparer.Ordinal);
        foreach (var (name, text) in fields)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            result.Add(name, ItemExpression.Parse($"fields.{name}", text, ComputeLimits.TransformBudget).Evaluate(scope));
        }

        return new(result);
    }
}

internal sealed record TransformArguments
{
    [Argument("The values that the expressions read.")]
    public required IReadOnlyDictionary<string, CelValue> Values { get; init; }

    [Argument(
        "The fields of the result by name.", Default = "the values themselves", Filling = ArgumentFilling.Expression, Reads = "values")]
    public IReadOnlyDictionary<string, string>? Fields { get; init; }
}
