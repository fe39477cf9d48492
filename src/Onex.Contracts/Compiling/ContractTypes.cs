using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>What is known of the types of the names that a contract's expressions read.</summary>
internal sealed class ContractTypes(ContractScope scope)
{
    private static readonly CelType _fault = DeclaredShape.Of(
        isClosed: true, ("code", CelType.Text), ("message", CelType.Text), ("step", CelType.Text.OrNull), ("at", CelType.Timestamp));

    private static readonly CelType _saga = DeclaredShape.Of(
        isClosed: true, ("id", CelType.Text), ("contract", CelType.Text), ("version", CelType.Text), ("started_at", CelType.Timestamp));

    private readonly Dictionary<string, CelType> _steps = new(StringComparer.Ordinal);
    private CelType? _input;
    private CelType? _data;
    private CelType? _stepsByName;

    /// <summary>The type of a name in a place; null where nothing is known of it.</summary>
    public CelType? Of(string name, ExpressionPlace place) => !place.Names.Contains(name) ? null : name switch
    {
        "input" => _input ??= scope.Input is { } schema ? StaticTypes.Of(schema) : CelType.Dyn,
        // Which fields and steps there are is checked by name; of those that are not there nothing more is said.
        "data" => _data ??= new CelType.ObjectOf(new DeclaredShape(
            scope.Data.Keys, field => scope.Data.TryGetValue(field, out var found) ? StaticTypes.Of(found.Type) : CelType.Dyn, isClosed: false)),
        "steps" => _stepsByName ??= new CelType.ObjectOf(new DeclaredShape(scope.Steps.Keys, Step, isClosed: false)),
        "result" => place.ResultType,
        "event" => place.Event is { } rule ? StaticTypes.Of(rule.Data) : null,
        "fault" => _fault,
        "saga" => _saga,
        "now" => CelType.Timestamp,
        "command_id" => CelType.Text,
        _ => null,
    };

    /// <summary>The type of what a step gives: that of its operation, and what its <c>returns</c> says beyond.</summary>
    public CelType Step(string id)
    {
        if (!_steps.TryGetValue(id, out var type))
        {
            _steps[id] = type = scope.CallNodes.TryGetValue(id, out var step) ? Read(step) : CelType.Dyn;
        }

        return type;
    }

    private CelType Read(MapSyntax step)
    {
        if ((step.Find("effect") ?? step.Find("compute")) is not ScalarSyntax name || step.Has("each") || step.Entries.Any(entry => Keys.Step.NotYet.Contains(entry.Key.Text)))
        {
            return CelType.Dyn;
        }

        var result = scope.Context.Operations.Find(name.Text) is { Result.Count: > 0 } operation ? StaticTypes.Of(StepReader.ResultOf(operation)) : CelType.Dyn;
        return step.Find("returns") is { } returns ? StaticTypes.Refined(result, StaticTypes.Of(scope.Types.Read(returns))) : result;
    }
}
