using System.Net;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Effects.Discovery;

namespace Onex.Effects.Connections;

/// <summary>
/// A connection: a named external system with address, credentials and limits. A class and not a record, so that nothing prints its
/// secrets.
/// </summary>
public sealed class Connection
{
    internal Connection()
    {
    }

    /// <summary>The name that contracts use.</summary>
    public required string Name { get; init; }

    /// <summary>One of <see cref="ConnectionTypes"/>.</summary>
    public required string Type { get; init; }

    /// <summary>A hash of everything that defines the connection: equal hashes, equal connections. Empty: equal to none.</summary>
    internal string Fingerprint { get; set; } = "";

    /// <summary>The references to Vault in its definition.</summary>
    internal IReadOnlyList<VaultReference> VaultReferences { get; set; } = [];

    /// <summary>The references to Vault whose values are not known yet. While there are any, the connection cannot be used.</summary>
    internal IReadOnlyList<VaultReference> UnknownSecrets { get; set; } = [];

    /// <summary>
    /// The base address of requests, or Redis's address; null for other types, if only <see cref="Allow"/> is given, and if it is an
    /// unresolved secret.
    /// </summary>
    internal Uri? Url { get; init; }

    /// <summary>The service whose instances get the requests instead of the host of <see cref="Url"/>, or null.</summary>
    internal ServiceAddress? Service { get; init; }

    /// <summary>The address of the database; null for other types, and if more of it than the password is an unresolved secret.</summary>
    internal DatabaseAddress? Database { get; init; }

    /// <summary>The address of the Redis server; null for other types, and if its <c>url</c> is an unresolved secret.</summary>
    internal RedisAddress? Redis { get; init; }

    /// <summary>The address of the Kafka cluster; null for other types.</summary>
    internal KafkaAddress? Kafka { get; init; }

    /// <summary>Login, namespace and mount of Vault; null for other types.</summary>
    internal VaultOptions? Vault { get; init; }

    /// <summary>The datacenter of Consul that requests are for, or null.</summary>
    internal string? Datacenter { get; init; }

    /// <summary>The directory that the steps' paths are relative to; null for other types.</summary>
    internal string? Root { get; init; }

    /// <summary>The proxy that requests go through, or null.</summary>
    internal Uri? Proxy { get; init; }

    /// <summary>How many redirects a request follows at the most, unless its step sets another number.</summary>
    internal int Redirects { get; init; }

    /// <summary>Whether requests use HTTP/2 instead of HTTP/1.1.</summary>
    internal bool IsHttp2 { get; init; }

    /// <summary>The certificates for TLS.</summary>
    internal TlsFiles Tls { get; init; } = TlsFiles.None;

    /// <summary>Headers of requests to addresses for which <see cref="SendsCredentialsTo"/> is true; may contain secrets.</summary>
    internal IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The default time limit of attempts, or null.</summary>
    internal TimeSpan? Timeout { get; init; }

    /// <summary>The default retry policy of its steps, or null. Only the orchestrator retries.</summary>
    internal RetryPolicy? Retry { get; init; }

    /// <summary>The circuit breaker; null if it is switched off.</summary>
    internal BreakerSettings? Breaker { get; init; } = BreakerSettings.Default;

    /// <summary>The rate limit that this process counts for itself and not per key, or null.</summary>
    internal RateLimit? RateLimit { get; init; }

    /// <summary>The limits that are counted per key or over all processes, or null.</summary>
    internal SharedLimitSettings? Shared { get; init; }

    /// <summary>The template over a saga's input that makes the key of limits; each key is counted separately. Null: no key.</summary>
    internal string? LimitKey { get; init; }

    /// <summary>The properties that contracts may read.</summary>
    internal CelValue Public { get; init; } = CelValue.Map([]);

    /// <summary>The maximum number of concurrent attempts in this process.</summary>
    internal int Concurrency { get; init; } = ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http);

    /// <summary>Further hosts that a step's <c>url</c> may name.</summary>
    internal AllowList Allow { get; init; } = AllowList.Empty;

    /// <summary>
    /// Whether a step may name the address. Any other host than the connection's own is checked against the list when its name is
    /// resolved. With a proxy, which resolves the name itself, the list must contain the host as it is written.
    /// </summary>
    internal bool MayName(Uri address) => IsOwn(address) || (Proxy is null ? !Allow.IsEmpty : Allow.ContainsHostOf(address));

    /// <summary>Whether a socket may connect to the resolved address.</summary>
    internal bool MayReach(DnsEndPoint target, IPAddress address) =>
        (Proxy is not null && string.Equals(target.Host, Proxy.IdnHost, StringComparison.OrdinalIgnoreCase) && target.Port == Proxy.Port)
        || (string.Equals(target.Host, Url?.IdnHost, StringComparison.OrdinalIgnoreCase) && target.Port == Url!.Port)
        || Allow.Contains(target.Host, address);

    /// <summary>Whether the address has the connection's own scheme, host and port.</summary>
    internal bool IsOwn(Uri address) =>
        Url is not null
            && Uri.Compare(address, Url, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>
    /// Whether a request to the address has the connection's headers and its client certificate. A connection without an address of its
    /// own declares them for the hosts that it allows. Otherwise an allowed host gets none, because it could use them elsewhere.
    /// </summary>
    internal bool SendsCredentialsTo(Uri address) => Url is null || IsOwn(address);

    /// <summary>Whether both have the same definition, including secrets and files.</summary>
    internal bool IsSameAs(Connection other) => Fingerprint.Length > 0 && Fingerprint == other.Fingerprint;

    /// <summary>The connection as contracts see it.</summary>
    public ConnectionDescriptor Describe() =>
        new(Name, Type, Retry, Timeout is { } timeout ? (int)timeout.TotalMilliseconds : null) { Public = Public, LimitKey = LimitKey };

    /// <inheritdoc />
    public override string ToString() => $"connection {Name} ({Type})";
}

internal static class ConnectionTypes
{
    public const string Http = "http";
    public const string Postgres = "postgres";

    public const string Consul = "consul";
    public const string Vault = "vault";
    public const string Redis = "redis";
    public const string Filesystem = "filesystem";
    public const string Kafka = "kafka";

    public static string[] All { get; } = [Http, Postgres, Consul, Vault, Redis, Filesystem, Kafka];

    /// <summary>The default concurrency; low for databases, because each attempt occupies a session of the server.</summary>
    public static int ConcurrencyOf(string type) => type == Postgres ? 16 : 64;

    /// <summary>The maximum of the setting; for databases it bounds the pool of sessions.</summary>
    public static int ConcurrencyMaxOf(string type) => type == Postgres ? 1000 : 10_000;
}

/// <summary>The address and user of a database. A class and not a record, so that nothing prints the password.</summary>
internal sealed class DatabaseAddress
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    public required string Database { get; init; }

    public required string User { get; init; }

    public required string? Password { get; init; }

    public required Npgsql.SslMode SslMode { get; init; }
}

/// <summary>The circuit breaker of a connection.</summary>
/// <param name="Ratio">The share of failed attempts that opens it; above 0, at most 1.</param>
/// <param name="Calls">
/// The minimum number of attempts before the share counts; at least 2. As many failures in a row open the breaker, too, however far apart.
/// </param>
/// <param name="Within">The sampling period.</param>
/// <param name="Pause">How long it stays open before one attempt is allowed as a trial.</param>
internal sealed record BreakerSettings(double Ratio, int Calls, TimeSpan Within, TimeSpan Pause)
{
    // Calls is below the attempts of the default retry policy, so that an outage parks even a single command before its attempts run out.
    public static BreakerSettings Default { get; } = new(0.5, 3, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(5));
}

/// <summary>A number of attempts per period.</summary>
internal sealed record RateLimit(int Permits, TimeSpan Window);

/// <summary>Hosts by name, and addresses by range.</summary>
internal sealed record AllowList(IReadOnlySet<string> Hosts, IReadOnlyList<IPNetwork> Networks)
{
    public static AllowList Empty { get; } = new(new HashSet<string>(StringComparer.OrdinalIgnoreCase), []);

    public bool IsEmpty => Hosts.Count == 0 && Networks.Count == 0;

    public bool Contains(string host, IPAddress address) =>
        Hosts.Contains(host) || Networks.Any(network => network.Contains(address));

    /// <summary>Whether the list has the address's host as a name, or a range contains it as a number; names are not resolved.</summary>
    public bool ContainsHostOf(Uri url) =>
        Hosts.Contains(url.IdnHost)
        || (IPAddress.TryParse(url.IdnHost.Trim('[', ']'), out var number) && Networks.Any(network => network.Contains(number)));
}
