using System.Globalization;
using Npgsql;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Effects.Discovery;

namespace Onex.Effects.Connections;

/// <summary>
/// Reads the address of a database from <c>host</c>, <c>port</c>, <c>database</c>, <c>user</c>, <c>password</c> and <c>sslmode</c>, or from
/// a <c>url</c>, whose parts take precedence. Host, database and user have no default, so that nobody reaches the runtime's own database
/// by omission.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="secrets">Resolves secrets.</param>
/// <param name="urlFromEnvironment">The address from the environment, which replaces <c>url</c>, <c>host</c>, <c>port</c> and
/// <c>database</c>.</param>
internal sealed class PostgresReader(ConnectionsFile file, Secrets secrets, string? urlFromEnvironment)
{
    private const string Example = "postgres://user@db.internal:5432/ledger?sslmode=require";
    private const int DefaultPort = 5432;

    private static readonly string[] _inUrl = ["host", "port", "database"];
    private static readonly Dictionary<string, SslMode> _modes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    public static IReadOnlyList<ConnectionKey> Keys { get; } =
    [
        new(
            "url", "address",
            $"The whole address, `{Example}`, with percent-encoded parts. It replaces `host`, `port` and `database`; parts that it "
            + "omits may be in the other keys"),
        new("host", "text", "The server. Required unless `url` names it"),
        new("port", "whole number", "The server's port") { Numbers = (1, 65535), Default = $"`{DefaultPort}`" },
        new("database", "text", "The database. Required unless `url` names it"),
        new("user", "text", "The user. Required unless `url` names it"),
        new("password", "text", "The user's password"),
        new("sslmode", "text", "Whether the connection uses TLS, and what it verifies") { Words = [.. _modes.Keys], Default = "`prefer`" },
        .. TlsFiles.Keys,
    ];

    /// <summary>Returns the address; null after reporting problems, or if more of it than the password is an unresolved secret.</summary>
    public DatabaseAddress? Read(ScalarSyntax name, MapSyntax map)
    {
        var before = file.ProblemCount;
        string[] replacedKeys = string.IsNullOrEmpty(urlFromEnvironment) ? [] : ["url", .. _inUrl];
        var keys = Keys.Except(TlsFiles.Keys).Select(key => key.Name).Except(replacedKeys, StringComparer.Ordinal);
        var parts = keys.Where(map.Has).ToDictionary(key => key, key => ReadText(map.Find(key)!, key), StringComparer.Ordinal);
        if (parts.ContainsKey("url") && Array.Find(_inUrl, parts.ContainsKey) is { } excluded)
        {
            file.Report(
                ContractDiagnostics.KeysExclude(
                    map.KeyAt(excluded), $"connection '{Spelling.Clip(name.Text)}'", "url", excluded, "Keep one of them."));
        }

        if (replacedKeys.Length > 0)
        {
            parts["url"] = Expand(urlFromEnvironment!, name.At);
        }

        // An unresolved secret can only be accepted as the password, whose text is not checked.
        if (file.ProblemCount != before
            || parts.Any(part => part is { Key: not "password", Value: { } text } && Secrets.HasReference(text)))
        {
            return null;
        }

        if (Array.Find(["url", "host"], key => parts.GetValueOrDefault(key) is { } text && ServiceAddress.IsService(text)) is { } service)
        {
            file.Report(ConnectionDiagnostics.ServiceOfOtherType(map.Find(service)?.At ?? name.At, name.Text));
            return null;
        }

        if (parts.GetValueOrDefault("url") is { } url)
        {
            if (SplitUrl(url) is not { } inUrl)
            {
                // It may contain the password, so it is not quoted.
                file.Report(ConnectionDiagnostics.BadAddress(
                    map.Find("url")?.At ?? name.At,
                    $"the url{(replacedKeys.Length > 0 ? " from the environment" : "")} of connection '{Spelling.Clip(name.Text)}' is not "
                    + "an address of a database",
                    $"Write {Example}."));
                return null;
            }

            foreach (var (key, value) in inUrl)
            {
                parts[key] = value;
            }
        }

        return Build(name, map, parts);
    }

    private DatabaseAddress? Build(ScalarSyntax name, MapSyntax map, Dictionary<string, string?> parts)
    {
        var before = file.ProblemCount;
        foreach (var needed in (string[])["host", "database", "user"])
        {
            if (string.IsNullOrEmpty(parts.GetValueOrDefault(needed)))
            {
                file.Report(
                    ContractDiagnostics.MissingKey(
                        name.At, $"connection '{Spelling.Clip(name.Text)}'", needed, $"Add '{needed}', or a 'url' that holds it."));
            }
        }

        var port = DefaultPort;
        if (parts.GetValueOrDefault("port") is { } portText
            && (!int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
        {
            file.Report(ContractDiagnostics.OutOfRange(map.Find("port")?.At ?? name.At, "port", "a whole number from 1 to 65535"));
        }

        var mode = SslMode.Prefer;
        if (parts.GetValueOrDefault("sslmode") is { } modeText && !_modes.TryGetValue(modeText, out mode))
        {
            file.Report(ContractDiagnostics.WrongType(
                map.Find("sslmode")?.At ?? name.At, "'sslmode'", $"one of {string.Join(", ", _modes.Keys)}", "another word"));
        }

        return file.ProblemCount != before
            ? null
            : new DatabaseAddress
            {
                Host = parts["host"]!,
                Port = port,
                Database = parts["database"]!,
                User = parts["user"]!,
                Password = parts.GetValueOrDefault("password"),
                SslMode = mode,
            };
    }

    // Returns the parts of the URL by their keys; null if it is not an address of a database.
    private static Dictionary<string, string?>? SplitUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("postgres" or "postgresql")
            || url.Fragment.Length > 0 || url.Host.Length == 0)
        {
            return null;
        }

        var parts = new Dictionary<string, string?>(StringComparer.Ordinal) { ["host"] = url.IdnHost };
        if (url.Port > 0)
        {
            parts["port"] = url.Port.ToString(CultureInfo.InvariantCulture);
        }

        if (url.AbsolutePath is { Length: > 1 } path)
        {
            parts["database"] = Uri.UnescapeDataString(path[1..]);
        }

        if (url.UserInfo.Length > 0)
        {
            var colon = url.UserInfo.IndexOf(':', StringComparison.Ordinal);
            parts["user"] = Uri.UnescapeDataString(colon < 0 ? url.UserInfo : url.UserInfo[..colon]);
            if (colon >= 0)
            {
                parts["password"] = Uri.UnescapeDataString(url.UserInfo[(colon + 1)..]);
            }
        }

        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!pair.StartsWith("sslmode=", StringComparison.Ordinal))
            {
                return null;
            }

            parts["sslmode"] = pair["sslmode=".Length..];
        }

        return parts;
    }

    private string? ReadText(SyntaxNode node, string key) => file.ReadText(node, $"'{key}'") is { } text ? Expand(text, node.At) : null;

    private string? Expand(string text, SourceSpan at) =>
        secrets.Expand(text, (problem, remedy) => file.Report(ConnectionDiagnostics.BadSecret(at, problem, remedy)));
}
