using System.Text.RegularExpressions;

namespace Onex.Contracts.Yaml;

/// <summary>
/// Finds expressions, types and <c>${...}</c> without quotes that YAML does not read as their author meant.
/// </summary>
internal static partial class BareExpression
{
    /// <summary>Quotes a value so that YAML reads it unchanged: <c>"${input.id}"</c>, <c>'a == "x"'</c>.</summary>
    public static string Quote(string value) => value.Contains("${", StringComparison.Ordinal) && !value.AsSpan().ContainsAny('"', '\\')
        ? $"\"{value}\""
        : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>
    /// The value that makes YAML reject a line, with its column and key; null if there is none. It contains <c>: </c>, continues after its
    /// closing quote or bracket, is an expression in brackets, or begins with a character that YAML reserves.
    /// </summary>
    public static (int Column, string Key, string Value)? FindMisread(string line)
    {
        var match = KeyAndValue().Match(line);
        if (!match.Success)
        {
            return null;
        }

        var value = match.Groups["value"].Value.TrimEnd();
        var key = match.Groups["key"].Value;
        return IsMisread(key, value) ? (match.Groups["value"].Index + 1, key, value) : null;
    }

    // The values of these keys are expressions, so in brackets they are always misread.
    private static bool IsMisread(string key, string value) => value[0] switch
    {
        '{' or '[' => key is "when" or "key" or "until" || ContinuesAfterBracket(value),
        '"' or '\'' => Operator().IsMatch(value[1..]),
        '@' or '`' or '%' => true,
        '&' or '*' or '!' or '#' or '|' or '>' => false,
        _ => value.Contains(": ", StringComparison.Ordinal) && !value.StartsWith("- ", StringComparison.Ordinal),
    };

    /// <summary>Whether the value looks like an expression: it begins with a quote or bracket, or has a question mark.</summary>
    public static bool IsExpression(string value) => value[0] is '"' or '\'' or '{' or '[' || value.Contains('?', StringComparison.Ordinal);

    /// <summary>The column of the first brace or bracket that starts a value, or null.</summary>
    public static int? FindBracket(string line) =>
        OpenBracket().Match(line) is { Success: true } match ? match.Groups["open"].Index + 1 : null;

    // As in: [a] + [b], { a: string }?
    private static bool ContinuesAfterBracket(string value)
    {
        var end = FlowText.EndOfBrackets(value);
        var rest = end > 0 ? value[end..].Trim() : "";
        return rest.Length > 0 && rest[0] is not ('#' or ']' or '}' or ',');
    }

    /// <summary>The key and the value of a line that has no blank after the colon between them; null for any other line.</summary>
    public static (int Column, string Key, string Value)? FindColonWithoutSpace(string line) =>
        Adjacent().Match(line) is { Success: true } match
            ? (match.Groups["key"].Index + 1, match.Groups["key"].Value, match.Groups["value"].Value.TrimEnd())
            : null;

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
