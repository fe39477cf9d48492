using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Diagnostics;
using Onex.Hosting.Settings;

namespace Onex.Hosting.Http;

/// <summary>The permissions of a token.</summary>
public enum ApiScope
{
    /// <summary>Reading.</summary>
    Read,

    /// <summary>Reading, and everything that changes something.</summary>
    Operate,
}

/// <summary>A token of <c>ONEX_API_TOKEN</c>. Only its hash is kept.</summary>
public sealed class ApiToken
{
    private readonly byte[] _hash;

    private ApiToken(string name, ApiScope scope, string token)
    {
        (Name, Scope) = (name, scope);
        _hash = Hash(token);
    }

    /// <summary>Its name, which history records for an operator's command.</summary>
    public string Name { get; }

    /// <summary>Its scope.</summary>
    public ApiScope Scope { get; }

    /// <summary>Whether the text is the token, compared in constant time.</summary>
    public bool Matches(string token) => CryptographicOperations.FixedTimeEquals(_hash, Hash(token));

    /// <summary>Whether an HTTP header can carry the token.</summary>
    public static bool FitsHeader(string token) => !token.AsSpan().ContainsAnyExceptInRange(' ', '~');

    /// <inheritdoc />
    public override string ToString() => $"{Name}:{Scope.ToString().ToLowerInvariant()}";

    /// <summary>Parses <c>name:scope:token[,...]</c>. No diagnostic shows a token.</summary>
    internal static (IReadOnlyList<ApiToken> Tokens, List<DiagnosticDraft> Problems) Parse(string variable, string list)
    {
        var tokens = new List<ApiToken>();
        var problems = new List<DiagnosticDraft>();
        var entries = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < entries.Length; i++)
        {
            var place = $"{variable}, entry {i + 1}";
            if (entries[i].Split(':', 3) is not [{ Length: > 0 } name, var scope, { Length: > 0 } token])
            {
                problems.Add(SettingsDiagnostics.BadToken(
                    $"{place} is not name:scope:token.",
                    "Write for example ops:operate:$(openssl rand -hex 32); several are separated by commas."));
            }
            else if (scope is not ("read" or "operate"))
            {
                problems.Add(SettingsDiagnostics.BadToken(
                    $"{place} ('{name}') has a scope that is neither read nor operate.", $"Write {name}:read:... or {name}:operate:..."));
            }
            else if (token.Length < TokenCharsMin)
            {
                problems.Add(SettingsDiagnostics.BadToken(
                    $"{place} ('{name}') has a token of fewer than {TokenCharsMin} characters.",
                    "Generate one with: openssl rand -hex 32"));
            }
            else if (!FitsHeader(token))
            {
                problems.Add(SettingsDiagnostics.BadToken(
                    $"{place} ('{name}') has a line break or a character that is not ASCII, which no HTTP header can carry.",
                    "Separate several tokens by commas. Generate one with: openssl rand -hex 32"));
            }
            else if (tokens.Exists(other => other.Name == name))
            {
                problems.Add(SettingsDiagnostics.BadToken(
                    $"{place}: there is a token named '{name}' already.", "Give each its own name, so that the history shows who acted."));
            }
            else
            {
                tokens.Add(new ApiToken(name, scope == "read" ? ApiScope.Read : ApiScope.Operate, token));
            }
        }

        return (tokens, problems);
    }

    // A shorter token could be guessed within its lifetime.
    private const int TokenCharsMin = 16;

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
