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

    private readonly Dictionary<string, CelType> _callTypes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CelType> _stepTypes = new(StringComparer.Ordinal);
    private CelType? _input;
    private CelType? _data;
    private CelType? _stepsByName;
    private CelType? _connections;

    /// <summary>The type of a name; null if the place cannot read the name, or nothing is known about its type.</summary>
    public CelType? Find(string name, ExpressionPlace place) => !place.Names.Contains(name) ? null : name switch
    {
        "input" => _input ??= scope.Declared.Input is { } schema ? StaticTypes.From(schema) : CelType.Dyn,
        // ExpressionReader reports unknown fields and steps by their names, so their type is dyn here.
        "data" => _data ??= TypeOfData(static _ => false),
        "steps" => _stepsByName ??= new CelType.ObjectOf(new DeclaredShape(scope.Declared.Steps.Keys, TypeOfStep, isClosed: false)),
        "result" => place.ResultType,
        "item" => place.ItemType,
        "index" => CelType.Int,
        "results" => new CelType.ListOf(place.ItemResultType ?? CelType.Dyn),
        "failures" => _failures,
        "event" => place.Event is { } rule ? StaticTypes.From(rule.Data) : null,
        "fault" => _fault,
        "saga" => _saga,
        "now" => CelType.Timestamp,
        "command_id" => CelType.Text,
        "connections" => _connections ??= AreConnectionsKnown() ? StaticTypes.From(scope.Connections) : CelType.Dyn,
        _ => null,
    };

    // A contract that was registered before must compile whatever the connections are now.
    private bool AreConnectionsKnown() =>
        scope.Context is { Connections: { } connections, IsRegistered: false } && !connections.Values.Any(each => each.IsFaulty);

    /// <summary>The type of <c>data</c> when some fields are known not to be null.</summary>
    public CelType TypeOfData(Func<string, bool> notNull) => new CelType.ObjectOf(new DeclaredShape(
        scope.Declared.Data.Keys,
        field => !scope.Declared.Data.TryGetValue(field, out var found) ? CelType.Dyn
            : notNull(field) ? StaticTypes.From(found.Type).Plain
            : StaticTypes.From(found.Type),
        isClosed: false));

    /// <summary>The type of a step's result: the counts and aggregates of an <c>each</c> step, otherwise the result of its call.</summary>
    public CelType TypeOfStep(string id)
    {
        if (!_stepTypes.TryGetValue(id, out var type))
        {
            // Ends the recursion for a step whose type depends on itself; DataFlow reports such a read.
            _stepTypes[id] = CelType.Dyn;
            var isEach = scope.Declared.StepNodes.TryGetValue(id, out var step) && step.Has("each");
            _stepTypes[id] = type = isEach ? TypeOfEach(id, step!) : TypeOfCall(id);
        }

        return type;
    }

    // Null for an unknown kind.
    private static CelType? TypeOfAggregate(string kind, CelType expressionType) => kind switch
    {
        "count" => CelType.Int,
        "sum" => expressionType.Plain,
        "min" or "max" => expressionType.OrNull,
        _ => null,
    };

    private CelType TypeOfEach(string id, MapSyntax step)
    {
        var fields = new List<(string Name, CelType Type)> { ("completed", CelType.Int), ("failed", CelType.Int) };
        var place = ExpressionPlace.Aggregate(TypeOfCall(id), TypeOfEachItem(step));
        foreach (var (name, value) in (step.Find("aggregate") as MapSyntax)?.Entries ?? [])
        {
            if (value is MapSyntax { Entries: [var entry] } && TypeOfAggregate(entry.Key.Text, Peek(entry.Value, place)) is { } type
                && !fields.Exists(field => field.Name == name.Text))
            {
                fields.Add((name.Text, type));
            }
        }

        return DeclaredShape.Create(isClosed: true, [.. fields]);
    }

    private CelType TypeOfEachItem(MapSyntax step) =>
        (Peek((step.Find("each") as MapSyntax)?.Find("item"), ExpressionPlace.Step).Plain as CelType.ListOf)?.Item ?? CelType.Dyn;

    // Types are needed before the steps are read, so this ignores errors; they are reported when the steps are read.
    private CelType Peek(SyntaxNode? node, ExpressionPlace place) =>
        node is ScalarSyntax { IsNull: false } scalar && Expression.TryParse(scalar.Text, out var expression, out _)
            ? expression.Check(name => Find(name, place)).Type
            : CelType.Dyn;

    /// <summary>The type of the items of a list argument, as an operation receives them; null if it is unknown.</summary>
    public CelType? TypeOfItem(SyntaxNode? list, ExpressionPlace place) =>
        list is ScalarSyntax { IsNull: false, Text: ['$', '{', .., '}'] text } && ExpressionEnd.Find(text, 2) == text.Length - 1
        && Expression.TryParse(text[2..^1], out var expression, out _)
        && expression.Check(name => Find(name, place)).Type.Plain is CelType.ListOf of
            ? JsonShape.AsJson(of.Item)
            : null;

    /// <summary>The type of a call's result: <see cref="TypeBeforeReturns"/>, refined by <c>returns</c>.</summary>
    public CelType TypeOfCall(string id)
    {
        if (!_callTypes.TryGetValue(id, out var type))
        {
            _callTypes[id] = type = scope.Declared.StepNodes.TryGetValue(id, out var step) ? ReadCallType(step) : CelType.Dyn;
        }

        return type;
    }

    /// <summary>The type of the result before <c>returns</c>: the operation's result, or the contract's output.</summary>
    public CelType TypeBeforeReturns(MapSyntax step)
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

    private CelType ReadCallType(MapSyntax step)
    {
        var result = TypeBeforeReturns(step);
        return step.Find("returns") is { } returns ? StaticTypes.Refine(result, StaticTypes.From(scope.Types.Read(returns))) : result;
    }
}
