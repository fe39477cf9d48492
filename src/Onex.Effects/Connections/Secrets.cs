using System.Text;
using System.Text.RegularExpressions;

namespace Onex.Effects.Connections;

/// <summary>Replaces <c>${secret:NAME}</c> and <c>${secret:vault:path#field}</c> with the secret. Nothing else is expanded.</summary>
internal sealed partial class Secrets(IReadOnlyDictionary<string, string> environment, bool resolve, VaultSecrets? vault = null)
{
    /// <summary>The references to Vault that were found.</summary>
    public List<VaultReference> VaultReferences { get; } = [];

    /// <summary>The references to Vault whose values are not known yet. They stay in the texts.</summary>
    public List<VaultReference> UnknownReferences { get; } = [];

    /// <summary>Whether the text has a reference to a secret.</summary>
    public static bool HasReference(string text) => text.Contains("${secret:", StringComparison.Ordinal);

    /// <summary>Whether references are replaced; otherwise they stay.</summary>
    public bool IsResolving => resolve;

    /// <summary>The secrets that were found, for the fingerprint; an empty text for each that is not known or not resolved.</summary>
    public List<string> Values { get; } = [];

    /// <summary>The files that secrets were read from.</summary>
    public List<string> Files { get; } = [];

    /// <summary>The text with its secrets; null after reporting problems, which quote no secrets.</summary>
    public string? Expand(string text, Action<string, string> report)
    {
        var expanded = new StringBuilder();
        var end = 0;
        var isComplete = true;
        foreach (Match reference in Reference().Matches(text))
        {
            expanded.Append(text, end, reference.Index - end);
            end = reference.Index + reference.Length;
            var unknownBefore = UnknownReferences.Count;
            if (Find(reference.Groups["name"].Value, report) is { } secret)
            {
                expanded.Append(resolve && UnknownReferences.Count == unknownBefore ? secret : reference.Value);
                Values.Add(secret);
            }
            else
            {
                isComplete = false;
            }
        }

        expanded.Append(text, end, text.Length - end);
        return isComplete ? expanded.ToString() : null;
    }

    /// <summary>The secret of a variable; null if it is not set, if secrets are not resolved, or after reporting problems.</summary>
    public string? FindOptional(string name, Action<string, string> report) =>
        resolve && new[] { name, name + "_FILE" }.Any(variable => environment.GetValueOrDefault(variable) is { Length: > 0 })
            ? Expand($"${{secret:{name}}}", report)
            : null;

    // Returns the secret; an empty text if it is not known or not resolved; null after reporting problems.
    private string? Find(string name, Action<string, string> report)
    {
        if (name.StartsWith("vault:", StringComparison.Ordinal))
        {
            if (VaultReference.Parse(name["vault:".Length..]) is not { } reference)
            {
                report(
                    $"'{name}' does not name a path with its mount and a field of Vault",
                    "Write both: ${secret:vault:secret/apps/stock#token}.");
                return null;
            }

            VaultReferences.Add(reference);
            if (vault?.Find(reference) is { } known)
            {
                return known;
            }

            UnknownReferences.Add(reference);
            return "";
        }

        if (!VariableName().IsMatch(name))
        {
            report($"'{name}' cannot be the name of a secret", "Use letters, digits and underscores: ${secret:STOCK_TOKEN}.");
            return null;
        }

        if (!resolve)
        {
            return "";
        }

        string? secret;
        if (environment.TryGetValue(name, out var value) && value.Length > 0)
        {
            secret = value;
        }
        else if (environment.TryGetValue(name + "_FILE", out var path) && path.Length > 0)
        {
            Files.Add(path);
            try
            {
                // Secret files usually end with a line break that is not part of the secret.
                secret = File.ReadAllText(path).TrimEnd('\r', '\n');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                report($"the file that {name}_FILE names cannot be read", "Make it readable for the user that runs onex.");
                return null;
            }
        }
        else
        {
            report($"the secret {name} is not set", $"Set {name}, or {name}_FILE to the path of a file that holds it.");
            return null;
        }

        if (Placeholder().IsMatch(secret))
        {
            report($"the secret {name} is still a placeholder", $"Set {name} to the real value.");
            return null;
        }

        return secret;
    }

    [GeneratedRegex(@"\$\{secret:(?<name>[^}]*)\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VariableName();

    [GeneratedRegex("__REPLACE_WITH_.*__", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Placeholder();
}
