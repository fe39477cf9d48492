using System.Net;
using System.Text.RegularExpressions;
using Onex.Contracts.Compiling;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Effects.Discovery;

namespace Onex.Effects.Connections;

/// <summary>Reads one connection from a file.</summary>
internal sealed partial class ConnectionReader(ConnectionsFile file, Secrets secrets, IReadOnlyDictionary<string, string> environment)
{
    private static readonly string[] _httpSchemes = ["http", "https"];
    private static readonly string[] _httpAndServiceSchemes = [.. _httpSchemes, ServiceAddress.Consul, ServiceAddress.Srv];
    private static readonly string[] _redisSchemes = ["redis", "rediss"];
    private static readonly string[] _typeKey = ["type"];

    private const int PublicPropertiesMax = 50;

    /// <summary>Returns the connection, or null after reporting problems.</summary>
    public Connection? Read(ScalarSyntax name, SyntaxNode node)
    {
        var before = file.ProblemCount;
        if (!NamePattern().IsMatch(name.Text))
        {
            file.Report(ConnectionDiagnostics.BadName(name.At, name.Text));
        }

        if (node is not MapSyntax map)
        {
            file.Report(ContractDiagnostics.WrongType(node.At, $"connection '{Spelling.Clip(name.Text)}'", "a map", node.Kind));
            return null;
        }

        // Without a known type it is unknown which keys are allowed.
        if (ReadType(name, map) is not { } type)
        {
            return null;
        }

        _ = file.ReadEntries(map, ConnectionKeys.Names(type), $"connection '{Spelling.Clip(name.Text)}'");
        Uri? url = null;
        ServiceAddress? service = null;
        DatabaseAddress? database = null;
        RedisAddress? redis = null;
        KafkaAddress? kafka = null;
        VaultOptions? vault = null;
        var tls = TlsFiles.Read(file, map, open: secrets.IsResolving);
        var allow = AllowList.Empty;
        if (type == ConnectionTypes.Postgres)
        {
            database = new PostgresReader(file, secrets, environment.GetValueOrDefault(UrlVariable(name.Text))).Read(name, map);
        }
        else if (type == ConnectionTypes.Kafka)
        {
            kafka = KafkaAddress.Read(file, name, map, environment.GetValueOrDefault(UrlVariable(name.Text)), ReadKey);
        }
        else if (type == ConnectionTypes.Vault)
        {
            url = ReadUrl(name, map.Find("url"), _httpSchemes, VaultReader.AddressFrom(environment));
            var reader = new VaultReader(file, secrets, environment);
            (vault, tls) = (reader.Read(name, map, ReadKey), reader.ReadTls(name, tls));
        }
        else if (type == ConnectionTypes.Http)
        {
            url = ReadUrl(name, map.Find("url"), _httpAndServiceSchemes);
            if (url is not null && ServiceAddress.IsService(url))
            {
                (service, url) = ReadService(name, map, url);
            }

            allow = map.Find("allow") is { } hosts ? ReadAllowList(hosts) : AllowList.Empty;
            if (!map.Has("url") && !map.Has("allow") && url is null)
            {
                file.Report(
                    ContractDiagnostics.MissingKey(
                        name.At, $"connection '{Spelling.Clip(name.Text)}'", "url", "Add 'url', or hosts and ranges under 'allow'."));
            }
        }
        else
        {
            url = ReadAddressOrRoot(name, type, map);
            redis = type == ConnectionTypes.Redis ? RedisAddress.Read(file, map, url, ReadKey) : null;
        }

        var limits = new LimitReader(file).Read(type, map.Find("rate_limit"), map.Find("concurrency"));
        var connection = new Connection
        {
            Name = name.Text,
            Type = type,
            Url = url,
            Service = service,
            Database = database,
            Redis = redis,
            Kafka = kafka,
            Proxy = type == ConnectionTypes.Http && map.Find("proxy") is { } proxy ? ReadProxy(name, proxy) : null,
            Redirects = type == ConnectionTypes.Http && map.Find("redirects") is { } redirects
                ? file.ReadInteger(redirects, ConnectionKeys.Redirects) ?? 0
                : 0,
            IsHttp2 = type == ConnectionTypes.Http && ReadHttpVersion(map) == "2",
            Vault = vault,
            Datacenter = type == ConnectionTypes.Consul ? ReadKey("datacenter") : null,
            Root = type == ConnectionTypes.Filesystem && ReadKey("root") is { } root
                ? Path.GetFullPath(root, Path.GetDirectoryName(Path.GetFullPath(file.Path))!)
                : null,
            Tls = tls,
            Headers = type == ConnectionTypes.Consul ? ReadConsulToken(map)
                : map.Find("headers") is { } headers && type == ConnectionTypes.Http ? ReadHeaders(headers)
                : [],
            Timeout = map.Find("timeout") is { } timeout ? file.ReadDuration(timeout, ConnectionKeys.Timeout) : null,
            Retry = map.Find("retry") is { } retry ? ReadRetry(retry) : null,
            Breaker = map.Find("breaker") is { } breaker ? ReadBreaker(breaker) : BreakerSettings.Default,
            RateLimit = limits.Rate,
            Concurrency = limits.Concurrency ?? ConnectionTypes.ConcurrencyOf(type),
            Shared = limits.Shared,
            LimitKey = limits.Key,
            Allow = allow,
            Public = map.Find("public") is { } properties ? ReadPublic(properties) : CelValue.Map([]),
        };
        (connection.VaultReferences, connection.UnknownSecrets) = ([.. secrets.VaultReferences], [.. secrets.UnknownReferences]);
        connection.Fingerprint = ConnectionFingerprint.For(file, map, secrets.Values.Concat(tls.Texts));
        return file.ProblemCount == before ? connection : null;

        // The text of a key with its secrets, or null.
        string? ReadKey(string key) =>
            map.Find(key) is { } value && file.ReadText(value, $"'{key}'") is { } text ? Expand(text, value.At) : null;
    }

    // Reports a missing address or root. Returns the address; null for a root, for an unresolved secret, or after reporting problems.
    private Uri? ReadAddressOrRoot(ScalarSyntax name, string type, MapSyntax map)
    {
        var needed = type == ConnectionTypes.Filesystem ? "root" : "url";
        var isInEnvironment = needed == "url" && environment.ContainsKey(UrlVariable(name.Text));
        if (!map.Has(needed) && !isInEnvironment)
        {
            file.Report(ContractDiagnostics.MissingKey(name.At, $"connection '{Spelling.Clip(name.Text)}'", needed, $"Add '{needed}'."));
        }

        return needed == "root" ? null : ReadUrl(name, map.Find("url"), type == ConnectionTypes.Redis ? _redisSchemes : _httpSchemes);
    }

    // Null after reporting an unknown or malformed type. A missing one is reported and read as http.
    private string? ReadType(ScalarSyntax name, MapSyntax map)
    {
        map.AliasMisspeltKeys(_typeKey);
        if (map.Find("type") is not { } node)
        {
            file.Report(
                ContractDiagnostics.MissingKey(
                    name.At, $"connection '{Spelling.Clip(name.Text)}'", "type",
                    $"Add 'type: {string.Join("' or 'type: ", ConnectionTypes.All)}'."));
            return ConnectionTypes.Http;
        }

        if (file.ReadText(node, "'type'") is not { } type)
        {
            return null;
        }

        if (ConnectionTypes.All.Contains(type, StringComparer.Ordinal))
        {
            return type;
        }

        file.Report(ConnectionDiagnostics.UnknownType(node.At, type));
        return null;
    }

    private string? Expand(string text, SourceSpan at) =>
        secrets.Expand(text, (problem, remedy) => file.Report(ConnectionDiagnostics.BadSecret(at, problem, remedy)));

    private static string UrlVariable(string name) => $"ONEX_CONNECTION_{name.ToUpperInvariant().Replace('-', '_')}_URL";

    private Uri? ReadUrl(ScalarSyntax name, SyntaxNode? node, string[] schemes, string? defaultText = null)
    {
        var (source, at) = ("url", node?.At ?? name.At);
        var text = node is null ? defaultText : file.ReadText(node, "'url'");
        if (environment.TryGetValue(UrlVariable(name.Text), out var replacement) && replacement.Length > 0)
        {
            (source, text) = (UrlVariable(name.Text), replacement);
        }

        if (text is null || Expand(text, at) is not { } expanded || Secrets.HasReference(expanded))
        {
            return null;
        }

        if (ServiceAddress.IsService(expanded) && schemes != _httpAndServiceSchemes)
        {
            file.Report(ConnectionDiagnostics.ServiceOfOtherType(at, name.Text));
            return null;
        }

        var isRedis = schemes == _redisSchemes;
        if (!Uri.TryCreate(expanded, UriKind.Absolute, out var url) || !schemes.Contains(url.Scheme, StringComparer.Ordinal))
        {
            return isRedis
                ? Reject("is not a redis or rediss address", "Write it in full: redis://cache.internal:6379.")
                : Reject("is not an http or https address", "Write it in full: http://stock.internal:9001/api.");
        }

        if (url.UserInfo.Length > 0)
        {
            return Reject(
                "holds a user name",
                isRedis ? "Give it as 'user' and 'password'." : "Send credentials as a header: Authorization: \"Basic ${secret:NAME}\".");
        }

        if (isRedis && url.AbsolutePath.Length > 1)
        {
            return Reject("has a path", "Give the number of the database as 'database'.");
        }

        return (url.Query.Length > 0 && !ServiceAddress.IsService(url)) || url.Fragment.Length > 0
            ? Reject("has a query or a fragment", "Leave only scheme, host, port and path; steps give a 'query'.")
            : url;

        // The address may be a secret, so it is not quoted.
        Uri? Reject(string problem, string remedy)
        {
            file.Report(ConnectionDiagnostics.BadAddress(at, $"the {source} of connection '{Spelling.Clip(name.Text)}' {problem}", remedy));
            return null;
        }
    }

    // Returns the service and the base address of its requests; nulls if the address is malformed. Reports problems.
    private (ServiceAddress? Service, Uri? Root) ReadService(ScalarSyntax name, MapSyntax map, Uri url)
    {
        var at = map.Find("url")?.At ?? name.At;
        var (service, root, problem, remedy) = ServiceAddress.Parse(url);
        if (service is null)
        {
            file.Report(ConnectionDiagnostics.BadAddress(at, $"the url of connection '{Spelling.Clip(name.Text)}' {problem}", remedy));
        }
        else if (map.Find("proxy") is { } proxy)
        {
            file.Report(ConnectionDiagnostics.BadAddress(
                proxy.At, $"the proxy of connection '{Spelling.Clip(name.Text)}' would connect to the service's instances unchecked",
                "Leave out the proxy, or name one host instead of a service."));
        }

        return (service, root);
    }

    private List<KeyValuePair<string, string>> ReadHeaders(SyntaxNode node)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var (name, value) in file.ReadEntries(node, known: null, "'headers'"))
        {
            if (file.ReadText(value, $"the header '{Spelling.Clip(name.Text)}'") is not { } text
                || Expand(text, value.At) is not { } expanded)
            {
                continue;
            }

            if (HttpHeaderRules.FindProblem(name.Text, expanded) is { } problem)
            {
                file.Report(ConnectionDiagnostics.BadHeader(name.At, problem));
                continue;
            }

            headers.Add(new(name.Text, expanded));
        }

        return headers;
    }

    // Returns the header with the connection's token; none if it has no token.
    private List<KeyValuePair<string, string>> ReadConsulToken(MapSyntax map)
    {
        const string Header = "X-Consul-Token";
        if (map.Find("token") is not { } node || file.ReadText(node, "'token'") is not { } text || Expand(text, node.At) is not { } token)
        {
            return [];
        }

        if (HttpHeaderRules.FindProblem(Header, token) is { } problem)
        {
            file.Report(ConnectionDiagnostics.BadHeader(node.At, problem));
        }

        return [new(Header, token)];
    }

    private Uri? ReadProxy(ScalarSyntax name, SyntaxNode node)
    {
        if (file.ReadText(node, "'proxy'") is not { } text || Expand(text, node.At) is not { } expanded
            || Secrets.HasReference(expanded))
        {
            return null;
        }

        // The address may hold a password, so it is not quoted.
        if (Uri.TryCreate(expanded, UriKind.Absolute, out var proxy) && proxy.Scheme == Uri.UriSchemeHttp && proxy.PathAndQuery == "/")
        {
            return proxy;
        }

        file.Report(ConnectionDiagnostics.BadAddress(
            node.At, $"the proxy of connection '{Spelling.Clip(name.Text)}' is not an http address without a path",
            "Write it in full: http://proxy.internal:3128."));
        return null;
    }

    private string? ReadHttpVersion(MapSyntax map)
    {
        if (map.Find("http_version") is not { } node || file.ReadText(node, "'http_version'") is not { } version)
        {
            return null;
        }

        if (version is not ("1.1" or "2"))
        {
            file.Report(ContractDiagnostics.WrongType(node.At, "'http_version'", "1.1 or 2", "another version"));
        }

        return version;
    }

    private RetryPolicy ReadRetry(SyntaxNode node)
    {
        var policy = RetryPolicy.Default;
        foreach (var (key, value) in FindKnown(node, ConnectionKeys.Retry, "'retry'"))
        {
            policy = key.Name switch
            {
                "attempts" => policy with { Attempts = file.ReadInteger(value, key) ?? policy.Attempts },
                "first" => policy with { First = file.ReadDuration(value, key) ?? policy.First },
                "factor" => policy with { Factor = file.ReadNumber(value, key) ?? policy.Factor },
                "max" => policy with { Max = file.ReadDuration(value, key) ?? policy.Max },
                "jitter" => policy with { Jitter = ReadJitter(value) },
                _ => policy with { Within = file.ReadDuration(value, key) },
            };
        }

        return node is MapSyntax map ? RetryReader.Complete(policy, map, file.Report) : policy;
    }

    private Jitter ReadJitter(SyntaxNode node)
    {
        var text = file.ReadText(node, "'jitter'");
        if (text is not (null or "full" or "none"))
        {
            file.Report(ContractDiagnostics.WrongType(node.At, "'jitter'", "'full' or 'none'", $"'{Spelling.Clip(text)}'"));
        }

        return text == "none" ? Jitter.None : Jitter.Full;
    }

    // Returns null if the breaker is switched off.
    private BreakerSettings? ReadBreaker(SyntaxNode node)
    {
        if (node is ScalarSyntax { Text: "off" })
        {
            return null;
        }

        var settings = BreakerSettings.Default;
        foreach (var (key, value) in FindKnown(node, ConnectionKeys.Breaker, "'breaker'"))
        {
            settings = key.Name switch
            {
                "ratio" => settings with { Ratio = file.ReadNumber(value, key) ?? settings.Ratio },
                "calls" => settings with { Calls = file.ReadInteger(value, key) ?? settings.Calls },
                "within" => settings with { Within = file.ReadDuration(value, key) ?? settings.Within },
                _ => settings with { Pause = file.ReadDuration(value, key) ?? settings.Pause },
            };
        }

        return settings;
    }

    private IEnumerable<(ConnectionKey Key, SyntaxNode Value)> FindKnown(SyntaxNode node, IReadOnlyList<ConnectionKey> keys, string what)
    {
        _ = file.ReadEntries(node, [.. keys.Select(key => key.Name)], what);
        return keys.Select(key => (Key: key, Value: (node as MapSyntax)?.Find(key.Name)!)).Where(pair => pair.Value is not null);
    }

    private AllowList ReadAllowList(SyntaxNode node)
    {
        if (node is not ListSyntax list)
        {
            file.Report(
                ContractDiagnostics.WrongType(node.At, "'allow'", "a list of hosts and ranges: [build.internal, 10.0.0.0/8]", node.Kind));
            return AllowList.Empty;
        }

        var hosts = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var networks = new List<IPNetwork>();
        foreach (var item in list.Items)
        {
            if (file.ReadText(item, "an entry of 'allow'") is not { } text)
            {
                continue;
            }

            if (IPNetwork.TryParse(text, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(text, out var address))
            {
                var bits = address.GetAddressBytes().Length * 8;
                networks.Add(new IPNetwork(address, bits));
            }
            else if (text.Contains('/', StringComparison.Ordinal) || Uri.CheckHostName(text) != UriHostNameType.Dns)
            {
                file.Report(ConnectionDiagnostics.NotAHost(item.At, text));
            }
            else
            {
                hosts.Add(text);
            }
        }

        return new AllowList(hosts, networks);
    }

    // Reads the properties that contracts may read. They must not refer to secrets, because contracts can put them into any message.
    private CelValue ReadPublic(SyntaxNode node)
    {
        var properties = new List<KeyValuePair<string, CelValue>>();
        foreach (var (name, value) in file.ReadEntries(node, known: null, "'public'"))
        {
            if (!PropertyPattern().IsMatch(name.Text))
            {
                file.Report(ConnectionDiagnostics.BadProperty(
                    name.At, $"'{Spelling.Clip(name.Text)}' cannot name a property",
                    "Use letters, digits and '_', a letter first, at most 100 characters."));
            }
            else if (properties.Count == PublicPropertiesMax)
            {
                file.Report(
                    ConnectionDiagnostics.BadProperty(
                        name.At, $"a connection has at most {PublicPropertiesMax} public properties", "Remove the excess."));
                break;
            }
            else if (file.ReadText(value, $"the property '{name.Text}'") is { } text)
            {
                if (Secrets.HasReference(text))
                {
                    file.Report(ConnectionDiagnostics.BadProperty(
                        value.At, "a public property cannot refer to a secret",
                        "Leave it out: what contracts read can go into any message."));
                }

                properties.Add(new(name.Text, value.ToValue()));
            }
        }

        return CelValue.Map(properties);
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{0,62}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[a-zA-Z][a-zA-Z0-9_]{0,99}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PropertyPattern();
}
