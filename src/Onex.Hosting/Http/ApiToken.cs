using System.Security.Cryptography;
using System.Text;

namespace Onex.Hosting.Http;

/// <summary>What a token allows.</summary>
public enum ApiScope
{
    /// <summary>To look.</summary>
    Read,

    /// <summary>To look, to send requests and to command sagas.</summary>
    Operate,
}

/// <summary>A token of <c>ONEX_API_TOKEN</c>. Only its hash is kept, and its text never holds it.</summary>
public sealed class ApiToken
{
    private readonly byte[] _hash;

    private ApiToken(string name, ApiScope scope, string token)
    {
        (Name, Scope) = (name, scope);
        _hash = Hash(token);
    }

    /// <summary>Who has it: what history says of an operator's command.</summary>
    public string Name { get; }

    /// <summary>What it allows.</summary>
    public ApiScope Scope { get; }

    /// <summary>Whether that is the token. Takes as long for a wrong one as for a right one.</summary>
    public bool Matches(string token) => CryptographicOperations.FixedTimeEquals(_hash, Hash(token));

    /// <inheritdoc />
    public override string ToString() => $"{Name}:{Scope.ToString().ToLowerInvariant()}";

    /// <summary>Reads <c>name:scope:token[,...]</c>. What is wrong is a line each, which shows no token.</summary>
    public static (IReadOnlyList<ApiToken> Tokens, IReadOnlyList<string> Problems) Parse(string variable, string list)
    {
        var tokens = new List<ApiToken>();
        var problems = new List<string>();
        var entries = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < entries.Length; i++)
        {
            var place = $"{variable}, entry {i + 1}";
            if (entries[i].Split(':', 3) is not [{ Length: > 0 } name, var scope, { Length: > 0 } token])
            {
                problems.Add($"{place} is not name:scope:token. Write for example ops:operate:$(openssl rand -hex 32); several are separated by commas.");
            }
            else if (scope is not ("read" or "operate"))
            {
                problems.Add($"{place} ('{name}') has a scope that is neither read nor operate. Write {name}:read:... or {name}:operate:...");
            }
            else if (token.Length < TokenCharsMin)
            {
                problems.Add($"{place} ('{name}') has a token of fewer than {TokenCharsMin} characters. Make one with: openssl rand -hex 32");
            }
            else if (tokens.Exists(other => other.Name == name))
            {
                problems.Add($"{place}: there is a token named '{name}' already. Give each its own name, so that history can tell who it was.");
            }
            else
            {
                tokens.Add(new ApiToken(name, scope == "read" ? ApiScope.Read : ApiScope.Operate, token));
            }
        }

        return (tokens, problems);
    }

    // Guessable within the lifetime of a token otherwise.
    private const int TokenCharsMin = 16;

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
