using System.Collections.Immutable;
using System.Text;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

/// <summary>The rules for a template.</summary>
/// <param name="Place">The names that its expressions may read.</param>
/// <param name="Argument">The name of the argument, for messages; null for an output, a response, the message of <c>fail</c>, or the
/// input of a called contract: their types are checked against the schema, if there is one.</param>
/// <param name="Filling">The values that the template accepts.</param>
internal sealed record TemplateRules(ExpressionPlace Place, string? Argument, ArgumentFilling Filling)
{
    /// <summary>The called contract, if the template is its input; otherwise null.</summary>
    public ContractHead? Child { get; init; }

    /// <summary>The keys of the map, or of the maps in a list, whose values must be constant.</summary>
    public IReadOnlyList<string> ConstantKeys { get; init; } = [];

    /// <summary>The rules for the value of a key of the map.</summary>
    public TemplateRules Below(string key) => this with
    {
        Argument = Argument is null ? null : $"{Argument}.{key}",
        Filling = ConstantKeys.Contains(key, StringComparer.Ordinal) ? ArgumentFilling.Constant : Filling,
        ConstantKeys = [],
    };

    /// <summary>The rules for a scalar in place of the map. It is constant if some keys are, because it would set them too.</summary>
    public TemplateRules Scalar => ConstantKeys.Count == 0 ? this : this with { Filling = ArgumentFilling.Constant };
}

/// <summary>Reads values with <c>${...}</c> in them.</summary>
internal sealed class TemplateReader(ContractScope scope, ExpressionReader expressions)
{
    private readonly UnevaluatedTextChecks _unevaluatedText = new(scope, expressions.Types);

    /// <summary>Reads a template; parts with errors become constants.</summary>
    public Template Read(SyntaxNode node, DataType type, TemplateRules rules) => Read(node, type, StaticTypes.From(type), rules);

    /// <summary>Reads the input of the called contract <c>rules.Child</c>, and validates its constants against the schema.</summary>
    public Template ReadChildInput(SyntaxNode node, JsonSchema schema, TemplateRules rules)
    {
        var countBefore = scope.File.Reported.Count;
        var template = Read(node, new DataType.Schema(schema), rules);
        foreach (var (at, problem) in ConstantProblems(node, template, [schema.Root]).DistinctBy(found => found.At))
        {
            // Values of the wrong type were reported already, at the same position.
            if (!scope.File.Reported.Skip(countBefore).Any(draft => draft.At == at))
            {
                scope.Report(ContractDiagnostics.ChildInputInvalid(at, rules.Child!.DisplayName, problem));
            }
        }

        return template;
    }

    // Validates the constants, because a schema can restrict more than the type, for example by `enum`.
    private static IEnumerable<(SourceSpan At, string Problem)> ConstantProblems(SyntaxNode node, Template template,
        IReadOnlyList<SchemaNode> schemas)
    {
        if (ConstantOf(template) is { } value)
        {
            return schemas
                .SelectMany(schema => SchemaValidation.Run(schema, value, out _))
                .Select(problem => (node.Locate(problem.Pointer).At, problem.ToString()));
        }

        var applied = StaticTypes.Applied(schemas);
        switch (node, template)
        {
            case (MapSyntax map, Template.Map { Entries: var values }):
                var missing = applied.SelectMany(schema => schema.Required).Where(name => !map.Has(name));
                return missing.Select(name => (map.At, $"it needs '{name}'")).Concat(map.Entries.Zip(values, (entry, value) =>
                    ConstantProblems(entry.Value, value.Value, FieldSchemas(entry.Key.Text))).SelectMany(problems => problems));
            case (ListSyntax list, Template.List { Items: var items }):
                var itemSchemas = applied.Where(schema => schema.PrefixItems.Count == 0).Select(schema => schema.Items)
                    .OfType<SchemaNode>().ToList();
                return list.Items.Zip(items).SelectMany(pair => ConstantProblems(pair.First, pair.Second, itemSchemas));
            default:
                return [];
        }

        List<SchemaNode> FieldSchemas(string field) =>
            [.. applied.Select(schema => schema.Properties?.GetValueOrDefault(field)).OfType<SchemaNode>()];
    }

    // The value of a template without expressions; null if it has any.
    private static CelValue? ConstantOf(Template template)
    {
        switch (template)
        {
            case Template.Constant constant:
                return constant.Value;
            case Template.List list:
                var items = list.Items.Select(ConstantOf).ToList();
                return items.TrueForAll(item => item is not null) ? CelValue.List([.. items.Select(item => item!.Value)]) : null;
            case Template.Map map:
                var fields = map.Entries.Select(entry => (entry.Key, Value: ConstantOf(entry.Value))).ToList();
                return fields.TrueForAll(field => field.Value is not null)
                    ? CelValue.Map([.. fields.Select(field => KeyValuePair.Create(field.Key, field.Value!.Value))])
                    : null;
            default:
                return null;
        }
    }

    // Constants and the shape of the YAML are checked against `type`; expressions, and values with a schema, against `wanted`.
    private Template Read(SyntaxNode node, DataType type, CelType wanted, TemplateRules rules)
    {
        type = type is DataType.Optional optional ? optional.Value : type;
        if (rules.Filling == ArgumentFilling.Expression)
        {
            return ReadExpressions(node, type, rules);
        }

        switch (node)
        {
            case ListSyntax list:
                if (type is not (DataType.AnyType or DataType.ListOf or DataType.Schema))
                {
                    ReportWrongType(node, type, rules);
                }

                var item = (type as DataType.ListOf)?.Item ?? DataType.Any;
                var wantedItem = (wanted.Plain as CelType.ListOf)?.Item ?? CelType.Dyn;
                CheckShape(node, new CelType.ListOf(CelType.Nothing), wanted, rules);
                return new Template.List([.. list.Items.Select(each => Read(each, item, wantedItem, rules))]);
            case MapSyntax map:
                if (type is not (DataType.AnyType or DataType.MapOf or DataType.Fields or DataType.Schema))
                {
                    ReportWrongType(node, type, rules);
                }

                CheckShape(node, new CelType.MapOf(CelType.Text, CelType.Nothing), wanted, rules);
                CheckFields(map, wanted, rules);
                foreach (var (key, _) in map.Entries)
                {
                    if (key.Text.Contains("${", StringComparison.Ordinal))
                    {
                        scope.Report(ContractDiagnostics.KeyNotEvaluated(key.At, key.Text));
                    }
                }

                return new Template.Map(
                    [.. map.Entries.Select(entry => KeyValuePair.Create(
                        entry.Key.Text, Read(entry.Value, TypeOf(type, entry.Key.Text), TypeOf(wanted, entry.Key.Text),
                            rules.Below(entry.Key.Text))))]);
            default:
                return ReadScalar((ScalarSyntax)node, type, wanted, rules.Scalar);
        }
    }

    // Expressions that the operation evaluates itself: they are checked here and sent as text.
    private Template ReadExpressions(SyntaxNode node, DataType type, TemplateRules rules)
    {
        switch (node, type)
        {
            case (ListSyntax list, DataType.ListOf of):
                return new Template.List([.. list.Items.Select(item => Read(item, of.Item, CelType.Dyn, rules))]);
            case (MapSyntax map, DataType.MapOf or DataType.Fields):
                foreach (var (key, _) in map.Entries.Where(entry => type is DataType.Fields of && of.Find(entry.Key.Text) is null))
                {
                    scope.Report(ContractDiagnostics.UnknownArgument(
                        key.At, rules.Argument!, key.Text, [.. ((DataType.Fields)type).Declared.Select(field => field.Key)]));
                }

                return new Template.Map([.. map.Entries.Select(entry => KeyValuePair.Create(
                    entry.Key.Text, Read(entry.Value, TypeOf(type, entry.Key.Text), CelType.Dyn, rules.Below(entry.Key.Text))))]);
            case (ScalarSyntax scalar, DataType.Basic) when scalar.Text.Contains("${", StringComparison.Ordinal):
                scope.Report(ContractDiagnostics.ExpressionNotBare(scalar.At, rules.Argument!, rules.Place.Names));
                return new Template.Constant(CelValue.Null);
            case (_, DataType.Basic):
                return new Template.Constant(CelValue.String(
                    expressions.Read(node, $"the argument '{rules.Argument}'", rules.Place)?.Text ?? ""));
            // A value below an unknown key, which was reported, or null, which counts as left out.
            case (_, DataType.AnyType) or (ScalarSyntax { IsNull: true }, _):
                return new Template.Constant(CelValue.Null);
            default:
                ReportWrongType(node, type, rules);
                return new Template.Constant(CelValue.Null);
        }
    }

    private static DataType TypeOf(DataType map, string key) => map switch
    {
        DataType.MapOf of => of.Value,
        DataType.Fields fields => fields.Find(key) ?? DataType.Any,
        _ => DataType.Any,
    };

    private static CelType TypeOf(CelType map, string key) => map.Plain switch
    {
        CelType.MapOf of => of.Value,
        CelType.ObjectOf of => of.Shape.Find(key) ?? CelType.Dyn,
        _ => CelType.Dyn,
    };

    private Template ReadScalar(ScalarSyntax scalar, DataType type, CelType wanted, TemplateRules rules)
    {
        if (scalar.IsText && scalar.Text.Contains("${", StringComparison.Ordinal))
        {
            return ReadText(scalar, type, wanted, rules);
        }

        if (scalar.IsText)
        {
            _unevaluatedText.Check(scalar, scalar.Text, rules.Place, rules.Filling);
        }

        var constant = scalar.IsText ? CelValue.String(scalar.Text) : scalar.ToValue();
        CheckShape(scalar, StaticTypes.From(constant), wanted, rules);
        if (type is not DataType.Schema && !type.TryConvert(constant, out _, out _) && !scalar.IsNull)
        {
            ReportWrongType(scalar, type, rules);
        }

        return new Template.Constant(constant);
    }

    private Template ReadText(ScalarSyntax scalar, DataType type, CelType wanted, TemplateRules rules)
    {
        var parts = Split(scalar, rules, out var literalText);
        if (parts is null)
        {
            return new Template.Constant(CelValue.Null);
        }

        _unevaluatedText.Check(scalar, literalText, rules.Place, rules.Filling);

        var isEncoded = rules.Filling == ArgumentFilling.PercentEncoded;
        if (parts.Value is [{ Expression: { } only }] && !isEncoded)
        {
            if (TypeRules.FindMismatch(only.Type, wanted, asJson: true) is { } mismatch)
            {
                scope.Report(MismatchDraft(scalar.At, wanted, mismatch, rules));
            }

            return new Template.Single(only, IsText: rules.Argument is not null && wanted is CelType.Basic { Kind: CelKind.String });
        }

        CheckShape(scalar, CelType.Text, wanted, rules);
        foreach (var unfit in parts.Value.Where(
            part => part.Expression?.Type.Plain is CelType.OptionalOf or CelType.Basic { Kind: CelKind.Type }))
        {
            scope.Report(MismatchDraft(scalar.At, CelType.Text, new Mismatch("", unfit.Expression!.Type, CelType.Text), rules));
        }

        foreach (var expression in parts.Value.Select(part => part.Expression).OfType<Expression>())
        {
            CheckNull(expression, rules);
        }

        var acceptsText = type is DataType.AnyType or DataType.Schema
            or DataType.Basic { Kind: CelKind.String or CelKind.Bytes or CelKind.Timestamp or CelKind.Duration };
        if (!acceptsText)
        {
            ReportWrongType(scalar, type, rules);
        }

        return parts.Value.All(part => part.Expression is null)
            ? new Template.Constant(CelValue.String(string.Concat(parts.Value.Select(part => part.Literal))))
            : new Template.Text(parts.Value, isEncoded)
            {
                IsAddress = rules.Filling is ArgumentFilling.PercentEncoded or ArgumentFilling.Address,
            };
    }

    // Null has no text. Whether a field of `data` is null depends on the paths to this state, so DataFlow checks it later.
    private void CheckNull(Expression expression, TemplateRules rules)
    {
        if (scope.Context.IsRegistered || !TypeRules.MayBeNull(expression.Type))
        {
            return;
        }

        // The type of the expression when these fields of `data` are not null.
        CelType TypeGiven(Func<string, bool> notNull) => expression.Check(
            name => name == "data" ? expressions.Types.TypeOfData(notNull) : expressions.Types.Find(name, rules.Place)).Type;

        if (TypeRules.MayBeNull(TypeGiven(_ => true)))
        {
            scope.Report(
                ContractDiagnostics.NullInText(scope.Found.PositionOf(expression), expression.Text, expression.Type.IsText));
        }
        else
        {
            scope.Found.MayBeNull[expression] = TypeGiven;
        }
    }

    // Null after reporting a diagnostic. `literalText` has blanks in place of expressions and `$${`, so that its offsets stay the same.
    private ImmutableArray<TextPart>? Split(ScalarSyntax scalar, TemplateRules rules, out string literalText)
    {
        var text = scalar.Text;
        var characters = text.ToCharArray();
        literalText = text;
        var parts = ImmutableArray.CreateBuilder<TextPart>();
        var literal = new StringBuilder();
        var failed = false;
        for (var at = 0; at < text.Length;)
        {
            if (text.AsSpan(at).StartsWith("$${", StringComparison.Ordinal))
            {
                literal.Append("${");
                characters.AsSpan(at, 3).Fill(' ');
                at += 3;
                continue;
            }

            if (!text.AsSpan(at).StartsWith("${", StringComparison.Ordinal))
            {
                literal.Append(text[at++]);
                continue;
            }

            var end = ExpressionEnd.Find(text, at + 2);
            if (end < 0)
            {
                scope.Report(ContractDiagnostics.UnclosedTemplate(scalar.Part(at, 2)));
                return null;
            }

            if (rules.Filling == ArgumentFilling.Constant)
            {
                scope.Report(ContractDiagnostics.ExpressionInConstant(scalar.Part(at, end + 1 - at), rules.Argument!));
                failed = true;
            }
            else if (expressions.Parse(scalar, text[(at + 2)..end], at + 2, rules.Place) is { } expression)
            {
                if (literal.Length > 0)
                {
                    parts.Add(new TextPart(literal.ToString(), null));
                    literal.Clear();
                }

                parts.Add(new TextPart(null, expression));
            }
            else
            {
                failed = true;
            }

            characters.AsSpan(at, end + 1 - at).Fill(' ');
            at = end + 1;
        }

        literalText = new string(characters);
        if (literal.Length > 0)
        {
            parts.Add(new TextPart(literal.ToString(), null));
        }

        return failed ? null : parts.ToImmutable();
    }

    // Checks values that are no arguments against their schema. Arguments are checked against their declared type, by the callers.
    private void CheckShape(SyntaxNode node, CelType value, CelType wanted, TemplateRules rules)
    {
        if (rules.Argument is null && TypeRules.FindMismatch(value, wanted, asJson: true) is { } mismatch)
        {
            scope.Report(MismatchDraft(node.At, wanted, mismatch, rules));
        }
    }

    private void CheckFields(MapSyntax map, CelType wanted, TemplateRules rules)
    {
        if (rules.Argument is not null || wanted.Plain is not CelType.ObjectOf { Shape: var shape })
        {
            return;
        }

        foreach (var missing in shape.Names.Where(name => shape.Requires(name) && !map.Has(name)))
        {
            var type = shape.Find(missing)?.ToString() ?? "dyn";
            scope.Report(rules.Child is { } child
                ? ContractDiagnostics.ChildFieldMissing(map.At, child.DisplayName, missing, type)
                : ContractDiagnostics.OutputFieldMissing(map.At, missing, type));
        }

        foreach (var (key, _) in map.Entries.Where(entry => shape.IsClosed && shape.Find(entry.Key.Text) is null))
        {
            scope.Report(rules.Child is { } child
                ? ContractDiagnostics.ChildFieldUnknown(key.At, child.DisplayName, key.Text, shape.Names)
                : ContractDiagnostics.OutputFieldUnknown(key.At, key.Text, shape.Names));
        }

        if (rules.Child is null || shape.IsClosed)
        {
            return;
        }

        // An open input accepts undeclared fields, so only one that resembles a missing field is reported.
        foreach (var (key, _) in map.Entries.Where(entry => shape.Find(entry.Key.Text) is null))
        {
            if (Spelling.Nearest(key.Text, shape.Names.Where(name => !map.Has(name))) is { } meant)
            {
                scope.Report(ContractDiagnostics.ChildFieldUndeclared(key.At, rules.Child.DisplayName, key.Text, meant));
            }
        }
    }

    private static DiagnosticDraft MismatchDraft(SourceSpan at, CelType wanted, Mismatch mismatch, TemplateRules rules) =>
        rules.Argument is { } argument
            ? ContractDiagnostics.ArgumentMismatch(at, argument, wanted.ToString(), mismatch)
            : rules.Child is { } child ? ContractDiagnostics.ChildInputMismatch(at, child.DisplayName, wanted.ToString(), mismatch)
            : ContractDiagnostics.OutputMismatch(at, wanted.ToString(), mismatch);

    private void ReportWrongType(SyntaxNode node, DataType type, TemplateRules rules) =>
        scope.Report(ContractDiagnostics.ArgumentWrong(node.At, rules.Argument!, type.ToString(), node.Kind));
}
