using System.Text.RegularExpressions;

namespace Onex.Contracts.Yaml;

/// <summary>
/// Finds values that YAML reads differently from what their author meant: expressions, types and <c>${...}</c> without quotes.
/// </summary>
internal static partial class BareExpression
{
    /// <summary>Quotes a value so that YAML reads it unchanged: <c>"${input.id}"</c>, <c>'a == "x"'</c>.</summary>
    public static string Quote(string value) => value.Contains("${", StringComparison.Ordinal) && !value.AsSpan().ContainsAny('"', '\\')
        ? $"\"{value}\""
        : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>
    /// The value that makes YAML reject a line, with its column and key: it contains <c>: </c>, or continues after its closing quote or,
    /// where only an expression is possible, after a closing bracket. Null if there is none.
    /// </summary>
    public static (int Column, string Key, string Value)? Misread(string line)
    {
        var match = KeyAndValue().Match(line);
        if (!match.Success)
        {
            return null;
        }

        var value = match.Groups["value"].Value.TrimEnd();
        var key = match.Groups["key"].Value;
        var misread = value.StartsWith('{') || value.StartsWith('[')
            ? key is "when" or "key" or "until" || GoesOn(value)
            : value.StartsWith('"') || value.StartsWith('\'')
            ? Operator().IsMatch(value[1..])
            : value.Contains(": ", StringComparison.Ordinal) && !value.StartsWith("- ", StringComparison.Ordinal)
                && value[0] is not ('&' or '*' or '!' or '#' or '|' or '>')
                || value[0] is '@' or '`' or '%';
        return misread ? (match.Groups["value"].Index + 1, key, value) : null;
    }

    /// <summary>Whether the value is an expression rather than a type or text.</summary>
    public static bool IsExpression(string value) => value[0] is '"' or '\'' or '{' or '[' || value.Contains('?', StringComparison.Ordinal);

    /// <summary>The column of the first brace or bracket that starts a value, or null.</summary>
    public static int? Brackets(string line) =>
        OpenBracket().Match(line) is { Success: true } match ? match.Groups["open"].Index + 1 : null;

    // [a] + [b], { a: string }?
    private static bool GoesOn(string value) =>
        FlowText.EndOfBrackets(value) is > 0 and var end && value[end..].Trim() is { Length: > 0 } rest
            && rest[0] is not ('#' or ']' or '}' or ',');

    /// <summary>A key, its colon and a value without a blank between them, on a line that YAML rejects; or null.</summary>
    public static (int Column, string Key, string Value)? WithoutSpace(string line) =>
        Adjacent().Match(line) is { Success: true } match
            ? (match.Groups["key"].Index + 1, match.Groups["key"].Value, match.Groups["value"].Value.TrimEnd())
            : null;

    // The keys whose values are bare expressions. Keys below `save` are names of fields.
    [GeneratedRegex(@"^\s*(- )?\s*(?<key>[A-Za-z_][A-Za-z0-9_]*):\s+(?<value>\S.*)$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex KeyAndValue();

    [GeneratedRegex(@"^(\s*-)*\s*([^\s:{}\[\]""']+:\s+)?(?<open>[{\[])", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex OpenBracket();

    [GeneratedRegex(@"[""']\s*(==|!=|<|>|\+|in\s|&&|\|\||\?|\.)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Operator();

    [GeneratedRegex(@"^\s*(- )?\s*(?<key>[A-Za-z_][A-Za-z0-9_-]*):(?<value>[^\s:].*)$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Adjacent();
}
