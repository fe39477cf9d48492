using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Warns of text that looks like an expression but is sent literally, because it is not in <c>${...}</c>: <c>input.order_id</c>,
/// <c>{{ input.order_id }}</c>, <c>$order_id</c>. It warns only if the name exists in the contract, so an e-mail template with
/// <c>{{name}}</c>, the file name <c>data.json</c> and a price such as <c>$5</c> cause no warning.
/// </summary>
internal sealed partial class UnevaluatedTextChecks(ContractScope scope, ContractTypes types)
{
    // Text with one of these endings is taken as the name of a file or host, unless a field of that name is declared.
    private static readonly FrozenSet<string> _fileOrHostEndings = FrozenSet.ToFrozenSet(
        [
            "json", "yaml", "yml", "xml", "csv", "txt", "log", "md", "html", "htm", "pdf", "zip", "gz", "tar", "sql", "js", "ts", "png",
            "jpg", "svg", "bin", "dat", "parquet", "avro", "com", "org", "net", "io", "ch", "de", "local", "internal",
        ],
        StringComparer.Ordinal);

    private static readonly string[] _roots = ["input.", "data.", "steps.", "item.", "result.", "results.", "event.", "fault.", "saga.",
        "connections."];

    /// <summary>Warns of text that looks like an expression.</summary>
    /// <param name="scalar">The text.</param>
    /// <param name="literal">The text with blanks in place of its expressions.</param>
    /// <param name="place">The names that expressions may read there.</param>
    /// <param name="filling">The values that the place accepts.</param>
    public void Check(ScalarSyntax scalar, string literal, ExpressionPlace place, ArgumentFilling filling)
    {
        if (scope.Context.IsRegistered || filling == ArgumentFilling.Constant || literal.AsSpan().IndexOfAny(".${:") < 0)
        {
            return;
        }

        var mayBeWhole = literal == scalar.Text && literal.Length <= ExpressionLimits.TextLength;
        if (mayBeWhole && FindWhole(literal, place) is { } whole)
        {
            scope.Report(ContractDiagnostics.TextNotEvaluated(scalar.At, literal, whole));
            return;
        }

        var isAddress = filling is ArgumentFilling.PercentEncoded or ArgumentFilling.Address;
        if ((FindPlaceholder(literal, place) ?? (isAddress ? FindPathParameter(literal, place) : null)) is { } part)
        {
            scope.Report(ContractDiagnostics.TextNotEvaluated(
                scalar.Part(part.At, part.Length), literal.Substring(part.At, part.Length), part.Expression));
        }
    }

    /// <summary>
    /// Warns of text in an initial value that looks like an expression over the input, as in <c>key</c>, or that has <c>${...}</c>: the
    /// value is a constant.
    /// </summary>
    public void CheckInitial(SyntaxNode node, string field)
    {
        switch (node)
        {
            case ListSyntax list:
                foreach (var item in list.Items)
                {
                    CheckInitial(item, field);
                }

                break;
            case MapSyntax map:
                foreach (var (_, value) in map.Entries)
                {
                    CheckInitial(value, field);
                }

                break;
            case ScalarSyntax { IsText: true, Text: { Length: <= ExpressionLimits.TextLength } text }
                when text.Contains("${", StringComparison.Ordinal)
                    || FindWhole(text, ExpressionPlace.Key) is not null || FindPlaceholder(text, ExpressionPlace.Key) is not null:
                scope.Report(ContractDiagnostics.InitialNotEvaluated(node.At, field));
                break;
        }
    }

    // The whole text is an expression, or the name of a field in the syntax of another language.
    private string? FindWhole(string text, ExpressionPlace place)
    {
        if (Array.Exists(_roots, root => text.Contains(root, StringComparison.Ordinal))
            && Expression.TryParse(text, out var expression, out _)
            && expression.PathUses.Count > 0 && expression.PathUses.All(use => Exists(use.Path, place)))
        {
            return text.Trim();
        }

        return DecoratedName().Match(text) is { Success: true } decorated ? FieldOf(decorated.Groups["name"].Value, place) : null;
    }

    // A part of the text: `{{ input.x }}`, `{input.x}`, `$input.x`, `$(input.x)`, `<%= input.x %>`.
    private (int At, int Length, string Expression)? FindPlaceholder(string text, ExpressionPlace place)
    {
        foreach (Match match in Placeholder().Matches(text))
        {
            var isEscaped = match.Index > 0 && text[match.Index - 1] == '$';
            if (!isEscaped && Exists([.. match.Groups["reference"].Value.Split('.')], place))
            {
                return (match.Index, match.Length, match.Groups["reference"].Value);
            }
        }

        return null;
    }

    // Path parameters of other languages: /orders/{order_id}, /orders/:order_id.
    private (int At, int Length, string Expression)? FindPathParameter(string text, ExpressionPlace place)
    {
        foreach (Match match in PathParameter().Matches(text))
        {
            var isEscaped = match.Index > 0 && text[match.Index - 1] == '$';
            if (!isEscaped && FieldOf(match.Groups["name"].Value, place) is { } field)
            {
                var at = text[match.Index] == '/' ? match.Index + 1 : match.Index;
                return (at, match.Index + match.Length - at, field);
            }
        }

        return null;
    }

    // The expression that reads a field of that name, of the input or of `data`; null if there is none.
    private string? FieldOf(string name, ExpressionPlace place) =>
        place.Names.Contains("input") && (types.Find("input", place)?.Plain as CelType.ObjectOf)?.Shape.Find(name) is not null
            ? $"input.{name}"
        : place.Names.Contains("data") && scope.Declared.Data.ContainsKey(name) ? $"data.{name}"
        : null;

    private bool Exists(IReadOnlyList<string> path, ExpressionPlace place)
    {
        if (path.Count < 2 || types.Find(path[0], place) is not { } type
            || (path[0] == "data" && !scope.Declared.Data.ContainsKey(path[1]))
            || (path[0] == "steps" && (!scope.Declared.Steps.ContainsKey(path[1]) || scope.Declared.WithoutResult.Contains(path[1]))))
        {
            return false;
        }

        for (var depth = 1; depth < path.Count; depth++)
        {
            switch (type.Plain)
            {
                case CelType.ObjectOf { Shape: var shape } when shape.Find(path[depth]) is { } field:
                    type = field;
                    break;
                case CelType.MapOf map:
                    type = map.Value;
                    break;
                case CelType.DynType or CelType.ObjectOf { Shape: { IsClosed: false, Names.Count: 0 } }:
                    return depth > 1 || !_fileOrHostEndings.Contains(path[^1]);
                default:
                    return false;
            }
        }

        return true;
    }

    [GeneratedRegex(
        @"^\s*(\$\.?(?<name>[A-Za-z_][A-Za-z0-9_]*)|\{\{\s*(?<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}|\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\})\s*$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex DecoratedName();

    [GeneratedRegex(
        @"\{\{?-?\s*(?<reference>[a-z]+(\.[A-Za-z_][A-Za-z0-9_]*)+)[^{}]*\}\}?"
            + @"|\$\.?(?<reference>[a-z]+(\.[A-Za-z_][A-Za-z0-9_]*)+)"
            + @"|(\$\(|<%=?)\s*(?<reference>[a-z]+(\.[A-Za-z_][A-Za-z0-9_]*)+)\s*(\)|%>)",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}|/:(?<name>[A-Za-z_][A-Za-z0-9_]*)",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex PathParameter();
}
