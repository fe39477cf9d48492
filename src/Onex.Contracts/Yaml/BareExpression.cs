using System.Text.RegularExpressions;

namespace Onex.Contracts.Yaml;

/// <summary>Where YAML and the expression language disagree about a bare expression.</summary>
internal static partial class BareExpression
{
    /// <summary>The expression as YAML text that gives it unchanged.</summary>
    public static string Quote(string expression) => $"'{expression.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>
    /// The expression on a line that YAML refuses, with its column and key; null if nothing there looks like one: a value that holds
    /// <c>? :</c>, or goes on behind its closing quote or, where only an expression can stand, behind a closing bracket.
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
            ? key is "when" or "key" or "until"
            : value.StartsWith('"') || value.StartsWith('\'')
            ? Operator().IsMatch(value[1..])
            : value.Contains(": ", StringComparison.Ordinal) && value.Contains('?', StringComparison.Ordinal);
        return misread ? (match.Groups["value"].Index + 1, key, value) : null;
    }

    // The keys whose values are bare expressions; what stands under `save` has the names of fields.
    [GeneratedRegex(@"^\s*(- )?\s*(?<key>[A-Za-z_][A-Za-z0-9_]*):\s+(?<value>\S.*)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex KeyAndValue();

    [GeneratedRegex(@"[""']\s*(==|!=|<|>|\+|in\s|&&|\|\||\?|\.)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Operator();
}
