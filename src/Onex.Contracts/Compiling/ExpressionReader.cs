using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>The names that expressions may read in a part of a contract.</summary>
internal sealed record ExpressionPlace(IReadOnlyList<string> Names)
{
    /// <summary><c>key</c>, which is evaluated before the saga exists, and the <c>key</c> of a connection's limits.</summary>
    public static ExpressionPlace Key { get; } = new(["input"]);

    /// <summary>The parts of a step that cannot read its result (<c>with</c>, <c>set</c>, <c>item</c>), and <c>choose</c>.</summary>
    public static ExpressionPlace Step { get; } = new(["input", "data", "steps", "fault", "saga", "connections", "now"]);

    /// <summary>The places that can read the result of a step: <c>save</c>, <c>reject</c>, the <c>with</c> of a compensation.</summary>
    public static ExpressionPlace Result { get; } = new(["result", "input", "data", "steps", "fault", "saga", "connections", "now"]);

    /// <summary>The <c>with</c> of a compensation that also runs if it is unknown whether its step took effect.</summary>
    public static ExpressionPlace UnknownOutcome { get; } = new(["input", "data", "command_id"]);

    /// <summary><c>output</c> of an end, and <c>respond</c>.</summary>
    public static ExpressionPlace Output { get; } = new(["input", "data", "steps", "fault", "saga", "connections"]);

    /// <summary>For an event's rule: the event. Null if it is undeclared; then the fields that are read cannot be checked.</summary>
    public EventPlan? Event { get; private init; }

    /// <summary>The type of <c>result</c>, if it is known.</summary>
    public CelType? ResultType { get; private init; }

    /// <summary>The type of <c>item</c>, if it is known.</summary>
    public CelType? ItemType { get; private init; }

    /// <summary>The type of each item's result in <c>results</c>, if it is known.</summary>
    public CelType? ItemResultType { get; private init; }

    /// <summary>Adds <c>item</c> and <c>index</c>. Without a type it adds nothing, because the step has no <c>each</c>.</summary>
    public ExpressionPlace WithItem(CelType? item) =>
        item is null ? this : this with { Names = [.. Names, "item", "index"], ItemType = item };

    /// <summary>An <c>aggregate</c> of an <c>each</c>, evaluated for each item that completes.</summary>
    public static ExpressionPlace Aggregate(CelType result, CelType item) =>
        new(["result", "item", "index", "input"]) { ResultType = result, ItemType = item };

    /// <summary>An argument that the operation evaluates itself, over names of its own.</summary>
    public static ExpressionPlace EvaluatedByOperation(IReadOnlyList<string> names, CelType? item) => new(names) { ItemType = item };

    /// <summary><c>save</c> of an <c>each</c>, evaluated when all items are done. <c>result</c> has the counts and aggregates.</summary>
    public static ExpressionPlace SaveOfEach(CelType? itemResult, CelType? stepResult) =>
        new(["results", "failures", "result", "input", "data", "steps", "fault", "saga", "connections", "now"])
        {
            ItemResultType = itemResult,
            ResultType = stepResult
        };

    /// <summary><see cref="Result"/> with the type of the result, which is null if it is unknown.</summary>
    public static ExpressionPlace ForResult(CelType? result) => result is null ? Result : Result with { ResultType = result };

    /// <summary><c>when</c> and <c>set</c> of an event's rule.</summary>
    public static ExpressionPlace Rule(EventPlan? @event) =>
        new(["event", "input", "data", "steps", "fault", "saga", "connections", "now"]) { Event = @event };
}

/// <summary>Reads expressions, and checks the names in them, their types and their cost.</summary>
internal sealed class ExpressionReader(ContractScope scope)
{
    private const string CurlyQuotes = "\u2018\u2019\u201C\u201D\u201E";

    /// <summary>The known types of names.</summary>
    public ContractTypes Types { get; } = new(scope);

    /// <summary>
    /// Reads a bare expression; null without a node, or after reporting an error. <c>what</c> names it in messages and decides its type:
    /// <c>'when'</c> requires a bool, <c>'key'</c> a text or a whole number, <c>'until'</c> a timestamp.
    /// </summary>
    public Expression? Read(SyntaxNode? node, string what, ExpressionPlace place)
    {
        switch (node)
        {
            case null:
                return null;
            case ScalarSyntax { IsNull: false, Text.Length: > 0 } scalar:
                var expression = Parse(scalar, scalar.Text, 0, place);
                if (expression is not null && TypeMismatch(what, expression.Type, scalar.At) is { } mismatch)
                {
                    scope.Report(mismatch);
                }

                return expression;
            case MapSyntax or ListSyntax when SourceOf(node) is { } source:
                scope.Report(ContractDiagnostics.QuoteExpression(node.At, BareExpression.Quote(source)));
                return null;
            default:
                scope.Report(ContractDiagnostics.WrongType(node.At, what, "an expression", node.Kind));
                return null;
        }
    }

    /// <summary>Parses and checks an expression that starts at an offset of a scalar; null only after a syntax error.</summary>
    public Expression? Parse(ScalarSyntax scalar, string text, int start, ExpressionPlace place)
    {
        if (!Expression.TryParse(text, out var expression, out var problem))
        {
            scope.Report(CutByComment(scalar) is { } whole
                ? ContractDiagnostics.QuoteExpression(scalar.At, BareExpression.Quote(whole))
                : ContractDiagnostics.ExpressionWrong(scalar.Part(start + problem.Position, problem.Length), problem.Problem,
                    WithStraightQuotes(text, problem) ?? problem.Remedy));
            return null;
        }

        foreach (var use in expression.PathUses.TakeWhile(_ => !scope.File.IsFull))
        {
            Check(use, expression, scalar, start, place);
        }

        if (!scope.File.IsFull)
        {
            CheckTypes(expression, scalar, start, place);
        }

        scope.Found.Origins[expression] = (scalar, start);
        return expression;
    }

    /// <summary>Reports a value that does not fit its field of <c>data</c>.</summary>
    public void CheckAssignment(SyntaxNode node, Expression expression, DataField field)
    {
        if (TypeRules.FindMismatch(expression.Type, StaticTypes.From(field.Type), asJson: false) is { } mismatch)
        {
            scope.Report(ContractDiagnostics.AssignmentWrong(node.At, field.Name, field.Type.ToString(), mismatch));
        }
    }

    /// <summary>
    /// Reports expressions in braces that YAML has split: in <c>{ p: f(a, b) }</c> the comma ends the value. True if there are any.
    /// </summary>
    public bool ReportIfSplit(MapSyntax map)
    {
        if (!map.IsFlow || !map.Entries.Skip(1).Any(entry => entry.Value is ScalarSyntax { IsPlain: true, Text: "" }))
        {
            return false;
        }

        var split = FlowText.FindMisread(scope.File.Text, scope.File.Offset(map.At.Line, map.At.Column), scope.Limits.Depth)
            .Where(value => value.Value.Contains(',', StringComparison.Ordinal))
            .ToList();
        foreach (var value in split)
        {
            scope.Report(ContractDiagnostics.QuoteExpression(scope.File.Place(value.Start, value.Value.Length), value.Quoted));
        }

        return split.Count > 0;
    }

    private void Check(PathUse use, Expression expression, ScalarSyntax scalar, int start, ExpressionPlace place)
    {
        var root = use.Path[0];
        if (!place.Names.Contains(root))
        {
            scope.Report(ContractDiagnostics.UnknownName(
                scalar.Part(start + use.Position, root.Length), root, Remedy(use, expression, scalar, place)));
            return;
        }

        if (root is "data" or "connections")
        {
            RecordUse(use);
        }

        if (use.Path is ["data", var field, ..] && !scope.Declared.Data.ContainsKey(field))
        {
            scope.Report(ContractDiagnostics.UndeclaredField(FieldAt(use, 1, scalar, start), field, scope.Declared.Data.Keys));
        }
        else if (root == "event" && place.Event is { } declared)
        {
            CheckEvent(use, declared, scalar, start);
        }
        else if (root == "steps")
        {
            CheckStep(use, scalar, start);
        }
    }

    // `data` alone, or with a computed index, may read any field; the same is true of `connections`.
    private void RecordUse(PathUse use)
    {
        var isData = use.Path[0] == "data";
        var usedNames = isData ? scope.Found.ReadData : scope.Found.UsedConnections;
        IEnumerable<string> allNames = isData ? scope.Declared.Data.Keys : scope.Context.Connections?.Keys ?? [];
        usedNames.UnionWith(use.Path is [_, var name, ..] ? [name] : allNames);
    }

    private static DiagnosticDraft? TypeMismatch(string what, CelType type, SourceSpan at) => what switch
    {
        "'when'" when !TypeRules.Fits(type, CelType.Bool) => ContractDiagnostics.GuardNotBool(at, type.ToString()),
        "'key'" when !TypeRules.Fits(type, CelType.Text) && !TypeRules.Fits(type, CelType.Int) =>
            ContractDiagnostics.KeyTypeWrong(at, type.ToString()),
        "'until'" when !TypeRules.Fits(type, CelType.Timestamp) =>
            ContractDiagnostics.UntilNotTimestamp(at, type.ToString(), type.IsText),
        _ => null,
    };

    private void CheckTypes(Expression expression, ScalarSyntax scalar, int start, ExpressionPlace place)
    {
        var check = expression.Check(name => Types.Find(name, place), scope.Context.IsStrict);
        expression.Type = check.Type;
        var unknownNamesAt = expression.PathUses.Where(use => !place.Names.Contains(use.Path[0])).Select(use => use.Position).ToList();
        foreach (var found in check.Problems)
        {
            var (kind, root, problem) = found;

            // Type errors around an unknown name follow from it, and `Check` has reported the name.
            if (unknownNamesAt.Exists(position => position >= problem.Position && position < problem.Position + problem.Length))
            {
                continue;
            }

            var at = scalar.Part(start + problem.Position, problem.Length);
            switch (kind)
            {
                case CheckProblemKind.NoOverload:
                    scope.Report(ContractDiagnostics.TypesWrong(at, problem.Problem, problem.Remedy));
                    break;
                // CheckEvent checks the fields of events with a better message.
                case CheckProblemKind.UnknownField when root != "event":
                    scope.Report(ContractDiagnostics.UnknownField(at, problem.Problem, problem.Remedy));
                    break;
                // `Check` and `CheckStep` report unknown fields of `data` and unknown steps.
                case CheckProblemKind.DoubtfulField when !found.IsOfRoot || root is not ("data" or "steps"):
                    scope.Report(ContractDiagnostics.DoubtfulField(at, problem.Problem, problem.Remedy));
                    break;
                case CheckProblemKind.Dynamic when root is null || place.Names.Contains(root):
                    scope.Report(ContractDiagnostics.Untyped(at, problem.Problem));
                    break;
                case CheckProblemKind.MaybeMissing:
                    scope.Report(ContractDiagnostics.MaybeMissing(at, problem.Problem));
                    break;
            }
        }

        // Not after a type error: a constant that fails may do so because of it.
        if (!scope.Context.IsRegistered && !check.Problems.Any(problem => problem.Kind == CheckProblemKind.NoOverload))
        {
            foreach (var problem in Constants.Problems(expression.Syntax))
            {
                scope.Report(ContractDiagnostics.ConstantFails(
                    scalar.Part(start + problem.Position, problem.Length), problem.Problem, problem.Remedy));
            }
        }

        expression.Budget = scope.Context.Limits.ExpressionCost;
        if (check.Cost > expression.Budget && !scope.Context.IsRegistered)
        {
            scope.Report(ContractDiagnostics.TooCostly(scalar.Part(start, expression.Text.Length), check.Cost, expression.Budget));
        }
    }

    // The data of an event is not checked beyond its declared fields, so an expression must not read others, even as optional.
    private void CheckEvent(PathUse use, EventPlan declared, ScalarSyntax scalar, int start)
    {
        var type = declared.Data;
        for (var depth = 1; depth < use.Path.Length; depth++)
        {
            type = type is DataType.Optional optional ? optional.Value : type;
            switch (type)
            {
                case DataType.Fields fields when fields.Find(use.Path[depth]) is { } found:
                    type = found;
                    break;
                case DataType.Fields fields:
                    scope.Report(ContractDiagnostics.UndeclaredEventField(
                        FieldAt(use, depth, scalar, start), declared.Name, use.Path[depth],
                        [.. fields.Declared.Select(field => field.Key)]));
                    return;
                case DataType.MapOf map:
                    type = map.Value;
                    break;
                default:
                    return;
            }
        }
    }

    private void CheckStep(PathUse use, ScalarSyntax scalar, int start)
    {
        if (use.Path is not [_, var step, .. var path])
        {
            // `steps` alone, or with a computed index, may read the result of any step.
            foreach (var id in scope.Declared.Steps.Keys)
            {
                RecordRead(id, []);
            }
        }
        else if (scope.Declared.WithoutResult.Contains(step))
        {
            scope.Report(ContractDiagnostics.StepWithoutResult(FieldAt(use, 1, scalar, start), step));
        }
        else if (scope.Declared.Steps.ContainsKey(step))
        {
            RecordRead(step, path);
        }
        else
        {
            scope.Report(ContractDiagnostics.UndeclaredStep(FieldAt(use, 1, scalar, start), step, scope.Declared.Steps.Keys));
        }
    }

    private void RecordRead(string step, ImmutableArray<string> path)
    {
        if (!scope.Found.ReadPaths.TryGetValue(step, out var paths))
        {
            scope.Found.ReadPaths[step] = paths = [];
        }

        paths.Add(path);
    }

    // The position of the field if the path is written with dots, as in `data.x`; otherwise that of the whole path.
    private static SourceSpan FieldAt(PathUse use, int depth, ScalarSyntax scalar, int start)
    {
        var at = start + use.Position;
        var (before, field) = (string.Join('.', use.Path[..depth]), use.Path[depth]);
        var isDotted = scalar.Text.AsSpan(Math.Min(at, scalar.Text.Length)).StartsWith($"{before}.{field}", StringComparison.Ordinal);
        return isDotted ? scalar.Part(at + before.Length + 1, field.Length) : scalar.Part(at, use.Length);
    }

    private static string Remedy(PathUse use, Expression expression, ScalarSyntax scalar, ExpressionPlace place)
    {
        var name = use.Path[0];
        if (expression.CallWithoutTarget(use.Position) is { } withoutPrefix)
        {
            return $"Write {Spelling.Clip(withoutPrefix)}: functions have no prefix.";
        }

        var names = Spelling.Suggest(name, "names", place.Names);
        return !scalar.IsPlain && string.Equals(scalar.Text, name, StringComparison.Ordinal) && scalar.Form != ScalarForm.Other
            ? $"For the text '{Spelling.Clip(name)}' write '\"{Spelling.Clip(name)}\"': YAML takes the outer quotes away. {names}"
            : names;
    }

    // The remedy for curly quotes; null if the problem is another one.
    private static string? WithStraightQuotes(string text, ExpressionProblem problem)
    {
        if (problem.Position >= text.Length || !CurlyQuotes.Contains(text[problem.Position]))
        {
            return null;
        }

        var straight = string.Concat(text.Select(character => CurlyQuotes.Contains(character) ? '"' : character));
        return $"write {Spelling.Clip(straight)}";
    }

    // In `when: input.note == " #1"` YAML ends the text before the comment. Returns the text with the comment; null without one.
    private string? CutByComment(ScalarSyntax scalar)
    {
        if (scalar.Form != ScalarForm.Plain || scope.File.Line(scalar.At.Line) is not { } line)
        {
            return null;
        }

        var end = scalar.At.Column - 1 + scalar.Text.Length;
        return end < line.Length && line[end..].TrimStart().StartsWith('#') && line[end] is ' ' or '\t'
            ? line[(scalar.At.Column - 1)..].TrimEnd()
            : null;
    }

    // The source text of a flow map or list on one line; null for any other node. Only a list in brackets is longer than 1.
    private string? SourceOf(SyntaxNode node)
    {
        var flow = node is MapSyntax { IsFlow: true } or ListSyntax { At.Length: > 1 };
        return flow && scope.File.Line(node.At.Line) is { } line && node.At.Length > 1
            ? line.Substring(node.At.Column - 1, Math.Min(node.At.Length, line.Length - node.At.Column + 1))
            : null;
    }
}
