using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Effects.Http;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Onex.Effects.Connections;

/// <summary>Reads one connection of a file.</summary>
internal sealed partial class ConnectionReading(ConnectionsFile file, Secrets secrets, IReadOnlyDictionary<string, string> environment)
{
    private static readonly string[] _httpSchemes = ["http", "https"];
    private static readonly string[] _redisSchemes = ["redis", "rediss"];
    private const int PropertiesMax = 50;

    /// <summary>The connection, or null after a complaint.</summary>
    public Connection? Read(string name, YamlNode node)
    {
        var before = file.ProblemCount;
        if (!NamePattern().IsMatch(name))
        {
            file.Complain(node, $"'{name}' cannot be the name of a connection", "Use lower-case letters, digits and dashes, a letter first.");
        }

        // A type that is not there has keys of its own.
        if (ReadType(name, node) is not { } type)
        {
            return null;
        }

        var entries = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (key, value) in file.Entries(node, ConnectionKeys.Names(type), $"connection '{name}'"))
        {
            entries[key] = value;
        }

        var (url, database, allow) = ((Uri?)null, (DatabaseAddress?)null, AllowList.Empty);
        if (type == ConnectionTypes.Postgres)
        {
            database = new PostgresReading(file, secrets, environment.GetValueOrDefault(UrlVariable(name))).Read(name, node, entries);
        }
        else if (type != ConnectionTypes.Http)
        {
            url = ReadToCome(name, type, node, entries);
        }
        else
        {
            url = Address(name, node, entries.GetValueOrDefault("url"), _httpSchemes);
            allow = entries.TryGetValue("allow", out var allowNode) ? Allow(allowNode) : AllowList.Empty;
            if (node is YamlMappingNode && !entries.ContainsKey("url") && url is null && allow.IsEmpty && !entries.ContainsKey("allow"))
            {
                file.Complain(node, $"connection '{name}' goes nowhere", "Add 'url', or hosts and ranges under 'allow'.");
            }
        }

        var connection = new Connection
        {
            Name = name,
            Type = type,
            Url = url,
            Database = database,
            Headers = entries.TryGetValue("headers", out var headers) ? Headers(headers) : [],
            Timeout = entries.TryGetValue("timeout", out var timeout) ? Duration(timeout, ConnectionKeys.Timeout) : null,
            Retry = entries.TryGetValue("retry", out var retry) ? Retry(retry) : null,
            Breaker = entries.TryGetValue("breaker", out var breaker) ? Breaker(breaker) : null,
            RateLimit = entries.TryGetValue("rate_limit", out var rate) ? Rate(rate) : null,
            Concurrency = (entries.TryGetValue("concurrency", out var concurrency) ? Whole(concurrency, 1, ConnectionTypes.ConcurrencyMaxOf(type)) : null)
                ?? ConnectionTypes.ConcurrencyOf(type),
            Allow = allow,
            Public = entries.TryGetValue("public", out var open) ? Public(open) : CelValue.Map([]),
        };
        return file.ProblemCount == before ? connection : null;
    }

    // No operation goes through it yet: what is wrong with it is said all the same. The address, of those that have one.
    private Uri? ReadToCome(string name, string type, YamlNode node, Dictionary<string, YamlNode> entries)
    {
        var needed = type == ConnectionTypes.Filesystem ? "root" : "url";
        if (node is YamlMappingNode && !entries.ContainsKey(needed) && (needed == "root" || !environment.ContainsKey(UrlVariable(name))))
        {
            file.Complain(node, $"connection '{name}' has no '{needed}'", $"Add '{needed}'.");
        }

        foreach (var value in ConnectionKeys.Of(type).Where(key => key.Name != "url" && entries.ContainsKey(key.Name)).Select(key => entries[key.Name]))
        {
            _ = Text(value) is { } text ? secrets.Expand(text, (what, remedy) => file.Complain(value, what, remedy)) : null;
        }

        return needed == "root"
            ? null
            : Address(name, node, entries.GetValueOrDefault("url"), type == ConnectionTypes.Redis ? _redisSchemes : _httpSchemes);
    }

    // Null after complaining of one that is not there. One that is missing is complained of, and taken for http.
    private string? ReadType(string name, YamlNode node)
    {
        var typeNode = (node as YamlMappingNode)?.Children.FirstOrDefault(pair => pair.Key is YamlScalarNode { Value: "type" }).Value;
        if (typeNode is null && node is YamlMappingNode)
        {
            file.Complain(node, $"connection '{name}' has no type", $"Add 'type: {string.Join("' or 'type: ", ConnectionTypes.All)}'.");
        }

        if (typeNode is not YamlScalarNode { Value: { } type } || ConnectionTypes.All.Contains(type, StringComparer.Ordinal))
        {
            return (typeNode as YamlScalarNode)?.Value ?? ConnectionTypes.Http;
        }

        var types = $"Types here: {string.Join(", ", ConnectionTypes.All)}.";
        if (ConnectionTypes.ToCome.Contains(type, StringComparer.Ordinal))
        {
            file.Complain(typeNode, $"connections of type '{type}' are not there yet", types);
        }
        else
        {
            var guess = Spelling.Nearest(type, ConnectionTypes.All.Concat(ConnectionTypes.ToCome)) is { } near ? $"Did you mean '{near}'? " : "";
            file.Complain(typeNode, $"there is no type of connection '{type}'", guess + types);
        }

        return null;
    }

    private static string UrlVariable(string name) => $"ONEX_CONNECTION_{name.ToUpperInvariant().Replace('-', '_')}_URL";

    private Uri? Address(string name, YamlNode connection, YamlNode? node, string[] schemes)
    {
        var variable = UrlVariable(name);
        string? text;
        if (environment.TryGetValue(variable, out var instead) && instead.Length > 0)
        {
            text = instead;
        }
        else
        {
            variable = "url";
            text = node is null ? null : Text(node);
        }

        if (text is null || secrets.Expand(text, (what, remedy) => file.Complain(node ?? connection, what, remedy)) is not { } expanded)
        {
            return null;
        }

        // The address itself may be a secret, so it is not quoted.
        if (!secrets.Resolve && Secrets.IsReferredTo(expanded))
        {
            return null;
        }

        if (!Uri.TryCreate(expanded, UriKind.Absolute, out var url) || !schemes.Contains(url.Scheme, StringComparer.Ordinal))
        {
            file.Complain(
                node ?? connection, $"the {variable} of connection '{name}' is not {(schemes == _redisSchemes ? "a" : "an")} {string.Join(" or ", schemes)} address",
                schemes == _redisSchemes ? "Write it in full: redis://cache.internal:6379." : "Write it in full: http://stock.internal:9001/api.");
            return null;
        }

        if (url.UserInfo.Length > 0)
        {
            file.Complain(
                node ?? connection, $"the {variable} of connection '{name}' holds a user name",
                schemes == _redisSchemes ? "Give it as 'user' and 'password'." : "Send credentials as a header: Authorization: \"Basic ${secret:NAME}\".");
            return null;
        }

        if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            file.Complain(node ?? connection, $"the {variable} of connection '{name}' has a query or a fragment", "Leave only scheme, host, port and path; steps give a 'query'.");
            return null;
        }

        return url;
    }

    private List<KeyValuePair<string, string>> Headers(YamlNode node)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var (name, value) in file.Entries(node, known: null, "'headers'"))
        {
            if (Text(value) is not { } text || secrets.Expand(text, (what, remedy) => file.Complain(value, what, remedy)) is not { } expanded)
            {
                continue;
            }

            if (HttpHeaderRules.Problem(name, expanded) is { } problem)
            {
                file.Complain(value, problem, "Correct the name or the value.");
                continue;
            }

            headers.Add(new(name, expanded));
        }

        return headers;
    }

    private RetryPolicy Retry(YamlNode node)
    {
        var policy = RetryPolicy.Default;
        foreach (var (key, value) in file.Entries(node, Names(ConnectionKeys.Retry), "'retry'"))
        {
            var known = ConnectionKeys.Retry.First(candidate => candidate.Name == key);
            policy = key switch
            {
                "attempts" => policy with { Attempts = Whole(value, known) ?? policy.Attempts },
                "first" => policy with { First = Duration(value, known) ?? policy.First },
                "factor" => policy with { Factor = Number(value, known) ?? policy.Factor },
                "max" => policy with { Max = Duration(value, known) ?? policy.Max },
                "jitter" => policy with { Jitter = JitterOf(value) },
                _ => policy with { Within = Duration(value, known) },
            };
        }

        if (policy.LongestDelays > RetryPolicy.Span)
        {
            file.Complain(
                node, $"the longest delays between {policy.Attempts} attempts are more than {RetryPolicy.Span.TotalDays:0} days together, after which no attempt begins",
                "Lower 'attempts', 'first', 'factor' or 'max'.");
        }

        return policy;
    }

    private Jitter JitterOf(YamlNode node)
    {
        switch (Text(node))
        {
            case "full":
                return Jitter.Full;
            case "none":
                return Jitter.None;
            case { } other:
                file.Complain(node, $"there is no jitter '{other}'", "Write full or none.");
                return Jitter.Full;
            default:
                return Jitter.Full;
        }
    }

    private BreakerSettings Breaker(YamlNode node)
    {
        var settings = BreakerSettings.Default;
        foreach (var (key, value) in file.Entries(node, Names(ConnectionKeys.Breaker), "'breaker'"))
        {
            var known = ConnectionKeys.Breaker.First(candidate => candidate.Name == key);
            settings = key switch
            {
                "ratio" => settings with { Ratio = Number(value, known) ?? settings.Ratio },
                "calls" => settings with { Calls = Whole(value, known) ?? settings.Calls },
                "within" => settings with { Within = Duration(value, known) ?? settings.Within },
                _ => settings with { Pause = Duration(value, known) ?? settings.Pause },
            };
        }

        return settings;
    }

    private RateLimit? Rate(YamlNode node)
    {
        if (Text(node) is not { } text)
        {
            return null;
        }

        var match = RatePattern().Match(text);
        if (!match.Success || !int.TryParse(match.Groups["count"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count == 0)
        {
            file.Complain(node, $"'{text}' is not a rate", "Write how many in a second, minute or hour: 50/s, 600/m, 1000/h.");
            return null;
        }

        return new RateLimit(count, match.Groups["unit"].Value switch
        {
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            _ => TimeSpan.FromHours(1),
        });
    }

    private AllowList Allow(YamlNode node)
    {
        if (node is not YamlSequenceNode list)
        {
            file.Complain(node, "'allow' must be a list", "Write hosts and ranges: [build.internal, 10.0.0.0/8].");
            return AllowList.Empty;
        }

        var hosts = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var networks = new List<IPNetwork>();
        foreach (var item in list)
        {
            if (Text(item) is not { } text)
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
                file.Complain(item, $"'{text}' is neither a host nor a range of addresses", "Write a name without port (build.internal), or a range from its first address (10.0.0.0/8).");
            }
            else
            {
                hosts.Add(text);
            }
        }

        return new AllowList(hosts, networks);
    }

    // What contracts may read of it: constants, and no reference to a secret, because what they read can go anywhere.
    private CelValue Public(YamlNode node)
    {
        var properties = new List<KeyValuePair<string, CelValue>>();
        foreach (var (name, value) in file.Entries(node, known: null, "'public'"))
        {
            if (!PropertyPattern().IsMatch(name))
            {
                file.Complain(value, $"'{name}' cannot be the name of a property", "Use letters, digits and '_', a letter first, at most 100 characters.");
            }
            else if (properties.Count == PropertiesMax)
            {
                file.Complain(value, $"a connection has at most {PropertiesMax} public properties", "Remove what is too much.");
                break;
            }
            else if (Text(value) is { } text)
            {
                if (Secrets.IsReferredTo(text))
                {
                    file.Complain(value, "a public property cannot refer to a secret", "Leave it out: what contracts read can go into any message.");
                }

                properties.Add(new(name, Constant((YamlScalarNode)value, text)));
            }
        }

        return CelValue.Map(properties);
    }

    // As contracts read their own constants.
    private static CelValue Constant(YamlScalarNode node, string text) =>
        node.Style != ScalarStyle.Plain ? CelValue.String(text)
        : text is "true" or "false" ? CelValue.Bool(text == "true")
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? CelValue.Int(whole)
        : NumberPattern().IsMatch(text) ? CelValue.Double(double.Parse(text, CultureInfo.InvariantCulture))
        : CelValue.String(text);

    private string? Text(YamlNode node)
    {
        if (node is YamlScalarNode { Value: { } text } scalar && (text.Length > 0 || scalar.Style != ScalarStyle.Plain))
        {
            return text;
        }

        file.Complain(node, "a value is missing here", "Write a single value, with quotes if it has special characters.");
        return null;
    }

    private static IReadOnlyList<string> Names(IReadOnlyList<ConnectionKey> keys) => [.. keys.Select(key => key.Name)];

    private int? Whole(YamlNode node, ConnectionKey key) => Whole(node, (int)key.Numbers!.Value.Least, (int)key.Numbers.Value.Most);

    private int? Whole(YamlNode node, int least, int most)
    {
        if (Text(node) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        file.Complain(node, $"'{text}' is not a whole number from {least} to {most}", "Write such a number.");
        return null;
    }

    private double? Number(YamlNode node, ConnectionKey key)
    {
        var (least, most) = key.Numbers!.Value;
        if (Text(node) is not { } text)
        {
            return null;
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        file.Complain(node, $"'{text}' is not a number from {least.ToString(CultureInfo.InvariantCulture)} to {most.ToString(CultureInfo.InvariantCulture)}", "Write such a number.");
        return null;
    }

    private TimeSpan? Duration(YamlNode node, ConnectionKey key)
    {
        var (least, most) = key.Durations!.Value;
        if (Text(node) is not { } text)
        {
            return null;
        }

        var match = DurationPattern().Match(text);
        if (!match.Success || !int.TryParse(match.Groups["count"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            file.Complain(node, $"'{text}' is not a duration", "Write a whole number and its unit: 200ms, 10s, 5m, 48h, 7d.");
            return null;
        }

        var duration = match.Groups["unit"].Value switch
        {
            "ms" => TimeSpan.FromMilliseconds(count),
            "s" => TimeSpan.FromSeconds(count),
            "m" => TimeSpan.FromMinutes(count),
            "h" => TimeSpan.FromHours(count),
            _ => TimeSpan.FromDays(Math.Min(count, 10_000)),
        };
        if (duration < least || duration > most)
        {
            file.Complain(node, $"'{text}' is too {(duration < least ? "short" : "long")}", $"Write a duration from {least} to {most} (hours:minutes:seconds).");
            return null;
        }

        return duration;
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{0,62}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^(?<count>[0-9]{1,9})/(?<unit>s|m|h)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RatePattern();

    [GeneratedRegex("^(?<count>[0-9]{1,9})(?<unit>ms|s|m|h|d)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DurationPattern();

    [GeneratedRegex("^[a-zA-Z][a-zA-Z0-9_]{0,99}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PropertyPattern();

    [GeneratedRegex(@"^-?[0-9]{1,15}\.[0-9]{1,15}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NumberPattern();
}
