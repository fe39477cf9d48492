using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;

namespace Onex.Hosting.Settings;

/// <summary>A secret setting whose value is a reference to Vault: <c>${secret:vault:path#field}</c>.</summary>
/// <param name="Variable">The environment variable.</param>
/// <param name="Name">The variable for people, with the name of the file if the reference is in one.</param>
/// <param name="Path">The path, with its mount.</param>
/// <param name="Field">The field of the secret.</param>
public sealed partial record VaultSetting(string Variable, string Name, string Path, string Field)
{
    /// <summary>The diagnostic of a reference that cannot be read, as it is printed.</summary>
    public string Render(string problem, string remedy)
    {
        var (code, severity, at, text, help) = SettingsDiagnostics.BadReference(
            $"{Name} refers to the field '{Field}' of the secret {Path} of Vault. {problem}", remedy);
        return new Diagnostic(code, severity, "environment", 0, at.Column, 1, text, help, null).Render().TrimEnd('\n');
    }

    /// <summary>Whether the text contains a reference to a secret.</summary>
    internal static bool IsIn(string text) => text.Contains("${secret:", StringComparison.Ordinal);

    /// <summary>Reads a text that is a reference and nothing else; null if it is not one.</summary>
    public static VaultSetting? Parse(string variable, string name, string text) =>
        Reference().Match(text) is { Success: true } match
            ? new VaultSetting(variable, name, match.Groups["path"].Value, match.Groups["field"].Value)
            : null;

    [GeneratedRegex(
        @"^\$\{secret:vault:(?<path>[^#{}]+/[^#{}]+)#(?<field>[^{}]+)\}$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Reference();
}
