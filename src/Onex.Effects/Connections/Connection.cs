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

    /// <summary>A hash of all that defines it: two connections with the same one are equal. Empty: equal to none.</summary>
    internal string Fingerprint { get; set; } = "";

    /// <summary>The secrets of Vault that are not known yet. Until then the connection cannot be used.</summary>
    internal IReadOnlyList<VaultReference> Unknown { get; set; } = [];

    /// <summary>The base address of the steps' paths, or null if only <see cref="Allow"/> limits where it may go.</summary>
    internal Uri? Url { get; init; }

    /// <summary>The service whose instances stand for the host of <see cref="Url"/>, or null.</summary>
    internal ServiceAddress? Service { get; init; }

    /// <summary>The address of the database; null for other types, and if secrets are not resolved.</summary>
    internal DatabaseAddress? Database { get; init; }

    /// <summary>The address of the Redis; null for other types, and if secrets are not resolved.</summary>
    internal RedisAddress? Redis { get; init; }

    /// <summary>The address of the Kafka; null for other types.</summary>
    internal KafkaAddress? Kafka { get; init; }

    /// <summary>Login, namespace and mount of Vault; null for other types.</summary>
    internal VaultOptions? Vault { get; init; }

    /// <summary>The datacenter of Consul that requests are for, or null.</summary>
    internal string? Datacenter { get; init; }

    /// <summary>The directory below which the steps' paths are; null for other types.</summary>
    internal string? Root { get; init; }

    /// <summary>The proxy that requests go through, or null.</summary>
    internal Uri? Proxy { get; init; }

    /// <summary>How many redirects its requests follow, unless the step says it.</summary>
    internal int Redirects { get; init; }

    /// <summary>Whether HTTP/2 is spoken.</summary>
    internal bool IsHttp2 { get; init; }

    /// <summary>The certificates of TLS.</summary>
    internal TlsFiles Tls { get; init; } = TlsFiles.None;

    /// <summary>Headers of every request; may contain secrets.</summary>
    internal IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The default time limit of attempts, or null.</summary>
    internal TimeSpan? Timeout { get; init; }

    /// <summary>The default retry policy of its steps, or null. Only the orchestrator retries.</summary>
    internal RetryPolicy? Retry { get; init; }

    /// <summary>The circuit breaker; null if it is switched off.</summary>
    internal BreakerSettings? Breaker { get; init; } = BreakerSettings.Default;

    /// <summary>The rate limit of this process, or null.</summary>
    internal RateLimit? RateLimit { get; init; }

    /// <summary>The limits that are counted per key or by all processes, or null.</summary>
    internal SharedLimits? Shared { get; init; }

    /// <summary>The template over a saga's input whose values are counted separately, or null.</summary>
    internal string? LimitKey { get; init; }

    /// <summary>The properties that contracts may read.</summary>
    internal CelValue Public { get; init; } = CelValue.Map([]);

    /// <summary>The maximum number of concurrent attempts in this process.</summary>
    internal int Concurrency { get; init; } = ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http);

    /// <summary>Further hosts that a step's <c>url</c> may name.</summary>
    internal AllowList Allow { get; init; } = AllowList.Empty;

    /// <summary>
    /// Whether a step may name the address: it has the connection's host, or the list allows it. Whether the list does is known when the
    /// name is resolved; behind a proxy it is not, so there the list must have the name itself.
    /// </summary>
    internal bool MayName(Uri address) =>
        IsOwn(address)
        || (Proxy is null
            ? !Allow.IsEmpty
            : Allow.Hosts.Contains(address.IdnHost)
                || (IPAddress.TryParse(address.IdnHost.Trim('[', ']'), out var number) && Allow.Contains("", number)));

    /// <summary>Whether a socket may connect to the resolved address.</summary>
    internal bool MayReach(DnsEndPoint target, IPAddress address) =>
        (Proxy is not null && string.Equals(target.Host, Proxy.IdnHost, StringComparison.OrdinalIgnoreCase) && target.Port == Proxy.Port)
        || (string.Equals(target.Host, Url?.IdnHost, StringComparison.OrdinalIgnoreCase) && target.Port == Url!.Port)
        || Allow.Contains(target.Host, address);

    /// <summary>Whether the address has the connection's own host.</summary>
    internal bool IsOwn(Uri address) =>
        Url is not null
            && Uri.Compare(address, Url, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>Whether the other one has the same definition, including its secrets and its files.</summary>
    internal bool IsSameAs(Connection other) => Fingerprint.Length > 0 && Fingerprint == other.Fingerprint;

    /// <summary>The connection as contracts see it.</summary>
    public ConnectionDescriptor Describe() =>
        new(Name, Type, Retry, Timeout is { } timeout ? (int)timeout.TotalMilliseconds : null) { Public = Public, LimitKey = LimitKey };

    /// <inheritdoc />
    public override string ToString() => $"connection {Name} ({Type})";
}

/// <summary>The types of connections.</summary>
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

    /// <summary>The default concurrency. Databases have few sessions.</summary>
    public static int ConcurrencyOf(string type) => type == Postgres ? 16 : 64;

    /// <summary>The maximum concurrency, which is the size of the pool.</summary>
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
/// The minimum number of attempts before the share counts; at least 2. As many failures in a row open it too, however far apart.
/// </param>
/// <param name="Within">The sampling period.</param>
/// <param name="Pause">How long it stays open before one attempt is allowed as a trial.</param>
internal sealed record BreakerSettings(double Ratio, int Calls, TimeSpan Within, TimeSpan Pause)
{
    // Fewer calls than the default retry policy has attempts, so that a single command that meets an outage is parked before it has failed.
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
}
