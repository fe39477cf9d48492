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

/// <summary>Reads a connection of a file.</summary>
internal sealed partial class ConnectionReading(ConnectionsFile file, Secrets secrets, IReadOnlyDictionary<string, string> environment)
{
    private static readonly string[] _httpSchemes = ["http", "https"];
    private static readonly string[] _httpAndServiceSchemes = [.. _httpSchemes, ServiceAddress.Consul, ServiceAddress.Srv];
    private static readonly string[] _redisSchemes = ["redis", "rediss"];
    private static readonly string[] _typeKey = ["type"];

    private const int PropertiesMax = 50;

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

        // The keys of an unknown type are unknown, too.
        if (ReadType(name, map) is not { } type)
        {
            return null;
        }

        _ = file.Entries(map, ConnectionKeys.Names(type), $"connection '{Spelling.Clip(name.Text)}'");
        var (url, service, allow) = ((Uri?)null, (ServiceAddress?)null, AllowList.Empty);
        var (database, redis, kafka) = ((DatabaseAddress?)null, (RedisAddress?)null, (KafkaAddress?)null);
        VaultOptions? vault = null;
        if (type == ConnectionTypes.Postgres)
        {
            database = new PostgresReading(file, secrets, environment.GetValueOrDefault(UrlVariable(name.Text))).Read(name, map);
        }
        else if (type == ConnectionTypes.Kafka)
        {
            kafka = KafkaAddress.Read(file, name, map, environment.GetValueOrDefault(UrlVariable(name.Text)), Key);
        }
        else if (type == ConnectionTypes.Vault)
        {
            url = Address(name, map.Find("url"), _httpSchemes, VaultReading.AddressOf(environment));
            vault = new VaultReading(file, secrets).Read(name, map, Key);
        }
        else if (type != ConnectionTypes.Http)
        {
            url = ReadAddress(name, type, map);
            redis = type == ConnectionTypes.Redis ? RedisAddress.Read(file, map, url, Key) : null;
        }
        else
        {
            url = Address(name, map.Find("url"), _httpAndServiceSchemes);
            if (url is not null && ServiceAddress.IsOne(url))
            {
                (service, url) = Service(name, map, url);
            }

            allow = map.Find("allow") is { } hosts ? Allow(hosts) : AllowList.Empty;
            if (!map.Has("url") && !map.Has("allow") && url is null)
            {
                file.Report(
                    ContractDiagnostics.MissingKey(
                        name.At, $"connection '{Spelling.Clip(name.Text)}'", "url", "Add 'url', or hosts and ranges under 'allow'."));
            }
        }

        var tls = TlsFiles.Read(file, map, open: secrets.Resolve);
        var limits = new LimitReading(file).Read(type, map.Find("rate_limit"), map.Find("concurrency"));
        var connection = new Connection
        {
            Name = name.Text,
            Type = type,
            Url = url,
            Service = service,
            Database = database,
            Redis = redis,
            Kafka = kafka,
            Proxy = type == ConnectionTypes.Http && map.Find("proxy") is { } proxy ? Proxy(name, proxy) : null,
            Redirects = type == ConnectionTypes.Http && map.Find("redirects") is { } redirects
                ? file.Whole(redirects, ConnectionKeys.Redirects) ?? 0
                : 0,
            IsHttp2 = type == ConnectionTypes.Http && HttpVersion(map) == "2",
            Vault = vault,
            Datacenter = type == ConnectionTypes.Consul ? Key("datacenter") : null,
            Root = type == ConnectionTypes.Filesystem && Key("root") is { } root
                ? Path.GetFullPath(root, Path.GetDirectoryName(Path.GetFullPath(file.Path))!)
                : null,
            Tls = vault is null ? tls : VaultReading.TlsOf(tls, environment),
            Headers = type == ConnectionTypes.Consul ? Token(map, "X-Consul-Token")
                : map.Find("headers") is { } headers && type == ConnectionTypes.Http ? Headers(headers)
                : [],
            Timeout = map.Find("timeout") is { } timeout ? file.Duration(timeout, ConnectionKeys.Timeout) : null,
            Retry = map.Find("retry") is { } retry ? Retry(retry) : null,
            Breaker = map.Find("breaker") is { } breaker ? Breaker(breaker) : BreakerSettings.Default,
            RateLimit = limits.Rate,
            Concurrency = limits.Concurrency ?? ConnectionTypes.ConcurrencyOf(type),
            Shared = limits.Shared,
            LimitKey = limits.Key,
            Allow = allow,
            Public = map.Find("public") is { } open ? Public(open) : CelValue.Map([]),
        };
        connection.Unknown = [.. secrets.Unknown];
        connection.Fingerprint = ConnectionFingerprint.For(file, map, secrets.Values.Concat(tls.Texts));
        return file.ProblemCount == before ? connection : null;

        // The text of a key with its secrets, or null.
        string? Key(string key) =>
            map.Find(key) is { } value && file.Text(value, $"'{key}'") is { } text ? Expand(text, value.At) : null;
    }

    // The address of a connection that must have one, or a root. Null after reporting problems.
    private Uri? ReadAddress(ScalarSyntax name, string type, MapSyntax map)
    {
        var needed = type == ConnectionTypes.Filesystem ? "root" : "url";
        if (!map.Has(needed) && (needed == "root" || !environment.ContainsKey(UrlVariable(name.Text))))
        {
            file.Report(ContractDiagnostics.MissingKey(name.At, $"connection '{Spelling.Clip(name.Text)}'", needed, $"Add '{needed}'."));
        }

        return needed == "root" ? null : Address(name, map.Find("url"), type == ConnectionTypes.Redis ? _redisSchemes : _httpSchemes);
    }

    // Null after reporting an unknown type. A missing one is reported and read as http.
    private string? ReadType(ScalarSyntax name, MapSyntax map)
    {
        map.ReadAs(_typeKey);
        if (map.Find("type") is not { } node)
        {
            file.Report(
                ContractDiagnostics.MissingKey(
                    name.At, $"connection '{Spelling.Clip(name.Text)}'", "type",
                    $"Add 'type: {string.Join("' or 'type: ", ConnectionTypes.All)}'."));
            return ConnectionTypes.Http;
        }

        if (file.Text(node, "'type'") is not { } type)
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

    private Uri? Address(ScalarSyntax name, SyntaxNode? node, string[] schemes, string? without = null)
    {
        var (what, at) = ("url", node?.At ?? name.At);
        var text = node is null ? without : file.Text(node, "'url'");
        if (environment.TryGetValue(UrlVariable(name.Text), out var instead) && instead.Length > 0)
        {
            (what, text) = (UrlVariable(name.Text), instead);
        }

        // The address may be a secret, so it is not quoted.
        if (text is null || Expand(text, at) is not { } expanded || Secrets.IsReferredTo(expanded))
        {
            return null;
        }

        var isRedis = schemes == _redisSchemes;
        if (ServiceAddress.IsOne(expanded) && schemes != _httpAndServiceSchemes)
        {
            file.Report(ConnectionDiagnostics.ServiceOfOtherType(at, name.Text));
            return null;
        }

        var (problem, remedy) = !Uri.TryCreate(expanded, UriKind.Absolute, out var url)
            || !schemes.Contains(url.Scheme, StringComparer.Ordinal)
            ? ($"is not {(isRedis ? "a" : "an")} {(isRedis ? "redis or rediss" : "http or https")} address",
                isRedis ? "Write it in full: redis://cache.internal:6379." : "Write it in full: http://stock.internal:9001/api.")
            : url.UserInfo.Length > 0
            ? (
                "holds a user name",
                isRedis ? "Give it as 'user' and 'password'." : "Send credentials as a header: Authorization: \"Basic ${secret:NAME}\".")
            : isRedis && url.AbsolutePath.Length > 1
            ? ("has a path", "Give the number of the database as 'database'.")
            : (url.Query.Length > 0 && !ServiceAddress.IsOne(url)) || url.Fragment.Length > 0
            ? ("has a query or a fragment", "Leave only scheme, host, port and path; steps give a 'query'.")
            : ("", "");
        if (problem.Length == 0)
        {
            return url;
        }

        file.Report(ConnectionDiagnostics.BadAddress(at, $"the {what} of connection '{Spelling.Clip(name.Text)}' {problem}", remedy));
        return null;
    }

    // The service and the address of its requests; nulls after reporting a problem.
    private (ServiceAddress? Service, Uri? Root) Service(ScalarSyntax name, MapSyntax map, Uri url)
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

    private List<KeyValuePair<string, string>> Headers(SyntaxNode node)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var (name, value) in file.Entries(node, known: null, "'headers'"))
        {
            if (file.Text(value, $"the header '{Spelling.Clip(name.Text)}'") is not { } text || Expand(text, value.At) is not { } expanded)
            {
                continue;
            }

            if (HttpHeaderRules.Problem(name.Text, expanded) is { } problem)
            {
                file.Report(ConnectionDiagnostics.BadHeader(name.At, problem));
                continue;
            }

            headers.Add(new(name.Text, expanded));
        }

        return headers;
    }

    // The header with the connection's token, if there is one.
    private List<KeyValuePair<string, string>> Token(MapSyntax map, string header)
    {
        if (map.Find("token") is not { } node || file.Text(node, "'token'") is not { } text || Expand(text, node.At) is not { } token)
        {
            return [];
        }

        if (HttpHeaderRules.Problem(header, token) is { } problem)
        {
            file.Report(ConnectionDiagnostics.BadHeader(node.At, problem));
        }

        return [new(header, token)];
    }

    private Uri? Proxy(ScalarSyntax name, SyntaxNode node)
    {
        if (file.Text(node, "'proxy'") is not { } text || Expand(text, node.At) is not { } expanded
            || Secrets.IsReferredTo(expanded))
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

    private string? HttpVersion(MapSyntax map)
    {
        if (map.Find("http_version") is not { } node || file.Text(node, "'http_version'") is not { } version)
        {
            return null;
        }

        if (version is not ("1.1" or "2"))
        {
            file.Report(ContractDiagnostics.WrongType(node.At, "'http_version'", "1.1 or 2", "another version"));
        }

        return version;
    }

    private RetryPolicy Retry(SyntaxNode node)
    {
        var policy = RetryPolicy.Default;
        foreach (var (key, value) in Known(node, ConnectionKeys.Retry, "'retry'"))
        {
            policy = key.Name switch
            {
                "attempts" => policy with { Attempts = file.Whole(value, key) ?? policy.Attempts },
                "first" => policy with { First = file.Duration(value, key) ?? policy.First },
                "factor" => policy with { Factor = file.Number(value, key) ?? policy.Factor },
                "max" => policy with { Max = file.Duration(value, key) ?? policy.Max },
                "jitter" => policy with { Jitter = JitterOf(value) },
                _ => policy with { Within = file.Duration(value, key) },
            };
        }

        return node is MapSyntax map ? RetryReader.Complete(policy, map, file.Report) : policy;
    }

    private Jitter JitterOf(SyntaxNode node)
    {
        var text = file.Text(node, "'jitter'");
        if (text is not (null or "full" or "none"))
        {
            file.Report(ContractDiagnostics.WrongType(node.At, "'jitter'", "'full' or 'none'", $"'{Spelling.Clip(text)}'"));
        }

        return text == "none" ? Jitter.None : Jitter.Full;
    }

    // Null if it is switched off.
    private BreakerSettings? Breaker(SyntaxNode node)
    {
        if (node is ScalarSyntax { Text: "off" })
        {
            return null;
        }

        var settings = BreakerSettings.Default;
        foreach (var (key, value) in Known(node, ConnectionKeys.Breaker, "'breaker'"))
        {
            settings = key.Name switch
            {
                "ratio" => settings with { Ratio = file.Number(value, key) ?? settings.Ratio },
                "calls" => settings with { Calls = file.Whole(value, key) ?? settings.Calls },
                "within" => settings with { Within = file.Duration(value, key) ?? settings.Within },
                _ => settings with { Pause = file.Duration(value, key) ?? settings.Pause },
            };
        }

        return settings;
    }

    private IEnumerable<(ConnectionKey Key, SyntaxNode Value)> Known(SyntaxNode node, IReadOnlyList<ConnectionKey> keys, string what)
    {
        _ = file.Entries(node, [.. keys.Select(key => key.Name)], what);
        return keys.Select(key => (key, (node as MapSyntax)?.Find(key.Name)!)).Where(found => found.Item2 is not null);
    }

    private AllowList Allow(SyntaxNode node)
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
            if (file.Text(item, "an entry of 'allow'") is not { } text)
            {
                continue;
            }

            if (IPNetwork.TryParse(text, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(text, out var address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else if (text.Contains('/', StringComparison.Ordinal) || Uri.CheckHostName(text) != UriHostNameType.Dns)
            {
                file.Report(ConnectionDiagnostics.NoHost(item.At, text));
            }
            else
            {
                hosts.Add(text);
            }
        }

        return new AllowList(hosts, networks);
    }

    // The properties that contracts may read: constants without references to secrets, because contracts can put them into any message.
    private CelValue Public(SyntaxNode node)
    {
        var properties = new List<KeyValuePair<string, CelValue>>();
        foreach (var (name, value) in file.Entries(node, known: null, "'public'"))
        {
            if (!PropertyPattern().IsMatch(name.Text))
            {
                file.Report(ConnectionDiagnostics.BadProperty(
                    name.At, $"'{Spelling.Clip(name.Text)}' cannot name a property",
                    "Use letters, digits and '_', a letter first, at most 100 characters."));
            }
            else if (properties.Count == PropertiesMax)
            {
                file.Report(
                    ConnectionDiagnostics.BadProperty(
                        name.At, $"a connection has at most {PropertiesMax} public properties", "Remove the excess."));
                break;
            }
            else if (file.Text(value, $"the property '{name.Text}'") is { } text)
            {
                if (Secrets.IsReferredTo(text))
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
