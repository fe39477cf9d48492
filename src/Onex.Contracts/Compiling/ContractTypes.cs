using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>The known types of the names that expressions read.</summary>
internal sealed class ContractTypes(ContractScope scope)
{
    private static readonly CelType _fault = DeclaredShape.Create(
        isClosed: true, ("code", CelType.Text), ("message", CelType.Text), ("step", CelType.Text.OrNull), ("at", CelType.Timestamp));

    private static readonly CelType _saga = DeclaredShape.Create(
        isClosed: true, ("id", CelType.Text), ("contract", CelType.Text), ("version", CelType.Text), ("started_at", CelType.Timestamp));

    private static readonly CelType _failures = new CelType.ListOf(DeclaredShape.Create(
        isClosed: true, ("index", CelType.Int), ("code", CelType.Text), ("message", CelType.Text)));

    private readonly Dictionary<string, CelType> _calls = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CelType> _steps = new(StringComparer.Ordinal);
    private CelType? _input;
    private CelType? _data;
    private CelType? _stepsByName;
    private CelType? _connections;

    /// <summary>The type of a name; null if it is unknown.</summary>
    public CelType? Find(string name, ExpressionPlace place) => !place.Names.Contains(name) ? null : name switch
    {
        "input" => _input ??= scope.Declared.Input is { } schema ? StaticTypes.From(schema) : CelType.Dyn,
        // Unknown fields and steps are reported by name, so they have no type here.
        "data" => _data ??= Data(static _ => false),
        "steps" => _stepsByName ??= new CelType.ObjectOf(new DeclaredShape(scope.Declared.Steps.Keys, Step, isClosed: false)),
        "result" => place.ResultType,
        "item" => place.ItemType,
        "index" => CelType.Int,
        "results" => new CelType.ListOf(place.ResultsOf ?? CelType.Dyn),
        "failures" => _failures,
        "event" => place.Event is { } rule ? StaticTypes.From(rule.Data) : null,
        "fault" => _fault,
        "saga" => _saga,
        "now" => CelType.Timestamp,
        "command_id" => CelType.Text,
        "connections" =>
            _connections ??= scope.Context is { Connections: null } or { IsRegistered: true }
            || scope.Context.Connections.Values.Any(each => each.IsFaulty)
            ? CelType.Dyn
            : StaticTypes.From(scope.Connections),
        _ => null,
    };

    /// <summary>The type of <c>data</c> when some fields are known not to be null.</summary>
    public CelType Data(Func<string, bool> notNull) => new CelType.ObjectOf(new DeclaredShape(
        scope.Declared.Data.Keys,
        field => !scope.Declared.Data.TryGetValue(field, out var found) ? CelType.Dyn : notNull(field) ? StaticTypes.From(found.Type).Plain
            : StaticTypes.From(found.Type),
        isClosed: false));

    /// <summary>The type of a step's result: the counts and aggregates of an each step, or the result of its call.</summary>
    public CelType Step(string id)
    {
        if (!_steps.TryGetValue(id, out var type))
        {
            // A step whose type depends on itself has no type; this is reported elsewhere.
            _steps[id] = CelType.Dyn;
            _steps[id] = type = scope.Declared.StepNodes.TryGetValue(id, out var step) && step.Has("each") ? Each(id, step) : Call(id);
        }

        return type;
    }

    // The type of an aggregate, given the type of its expression; null for an unknown kind.
    private static CelType? OfAggregate(string kind, CelType of) => kind switch
    {
        "count" => CelType.Int,
        "sum" => of.Plain,
        "min" or "max" => of.OrNull,
        _ => null,
    };

    private CelType Each(string id, MapSyntax step)
    {
        var fields = new List<(string, CelType)> { ("completed", CelType.Int), ("failed", CelType.Int) };
        var place = ExpressionPlace.Aggregate(Call(id), ItemOf(step));
        foreach (var (name, value) in (step.Find("aggregate") as MapSyntax)?.Entries ?? [])
        {
            if (value is MapSyntax { Entries: [var entry] } && OfAggregate(entry.Key.Text, Peek(entry.Value, place)) is { } type
                && !fields.Exists(field => field.Item1 == name.Text))
            {
                fields.Add((name.Text, type));
            }
        }

        return DeclaredShape.Create(isClosed: true, [.. fields]);
    }

    private CelType ItemOf(MapSyntax step) =>
        (Peek((step.Find("each") as MapSyntax)?.Find("item"), ExpressionPlace.Arguments).Plain as CelType.ListOf)?.Item ?? CelType.Dyn;

    // Types are needed before the steps are read, so errors are ignored here and reported when they are read.
    private CelType Peek(SyntaxNode? node, ExpressionPlace place) =>
        node is ScalarSyntax { IsNull: false } scalar && Expression.TryParse(scalar.Text, out var expression, out _)
            ? expression.Check(name => Find(name, place)).Type
            : CelType.Dyn;

    /// <summary>The type of the items of a list argument, as an operation receives them; null if it is unknown.</summary>
    public CelType? ItemOf(SyntaxNode? list, ExpressionPlace place) =>
        list is ScalarSyntax { IsNull: false, Text: ['$', '{', .., '}'] text } && ExpressionEnd.Find(text, 2) == text.Length - 1
        && Expression.TryParse(text[2..^1], out var expression, out _)
        && expression.Check(name => Find(name, place)).Type.Plain is CelType.ListOf of
            ? JsonShape.AsJson(of.Item)
            : null;

    /// <summary>The type of a call's result: the operation's, refined by <c>returns</c>.</summary>
    public CelType Call(string id)
    {
        if (!_calls.TryGetValue(id, out var type))
        {
            _calls[id] = type = scope.Declared.StepNodes.TryGetValue(id, out var step) ? Read(step) : CelType.Dyn;
        }

        return type;
    }

    /// <summary>The type of the result before <c>returns</c>: the operation's result, or the contract's output.</summary>
    public CelType StepCall(MapSyntax step)
    {
        if (step.Find("saga") is { } child)
        {
            return scope.Contracts.Find((child as ScalarSyntax)?.Text ?? "")?.Output is { } output ? StaticTypes.From(output) : CelType.Dyn;
        }

        var name = step.Find("effect") ?? step.Find("compute");
        return scope.Context.Operations.Find((name as ScalarSyntax)?.Text ?? "") is { Result.Count: > 0 } operation
            ? StaticTypes.From(StepReader.ResultOf(operation))
            : CelType.Dyn;
    }

    private CelType Read(MapSyntax step)
    {
        var result = StepCall(step);
        return step.Find("returns") is { } returns ? StaticTypes.Refined(result, StaticTypes.From(scope.Types.Read(returns))) : result;
    }
}
