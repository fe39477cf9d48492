using System.Net;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;

namespace Onex.Effects.Connections;

/// <summary>
/// A named outside system as configured: its address, credentials and limits. A class and not a record, so that nothing prints what it holds.
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

    /// <summary>Below which address the steps' paths are, or null if only <see cref="Allow"/> says where it may go.</summary>
    internal Uri? Url { get; init; }

    /// <summary>The database, of a connection to one; null where secrets are not resolved.</summary>
    internal DatabaseAddress? Database { get; init; }

    /// <summary>Sent with every request; may hold secrets.</summary>
    internal IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The default run time of its steps' attempts, or null.</summary>
    internal TimeSpan? Timeout { get; init; }

    /// <summary>The default policy of its steps, or null. Main alone retries.</summary>
    internal RetryPolicy? Retry { get; init; }

    /// <summary>When to stop asking for a while, or null for never.</summary>
    internal BreakerSettings? Breaker { get; init; }

    /// <summary>How many attempts may begin in a span of time, by this process, or null.</summary>
    internal RateLimit? RateLimit { get; init; }

    /// <summary>What it tells to the expressions of contracts.</summary>
    internal CelValue Public { get; init; } = CelValue.Map([]);

    /// <summary>How many attempts may run at once, in this process.</summary>
    internal int Concurrency { get; init; } = ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http);

    /// <summary>Further hosts that a step's <c>url</c> may name.</summary>
    internal AllowList Allow { get; init; } = AllowList.Empty;

    /// <summary>Whether a step may name that address: it is below the connection's own host, or the list may allow it.</summary>
    internal bool MayName(Uri address) => IsOwn(address) || !Allow.IsEmpty;

    /// <summary>Whether a socket may go there; asked with the resolved address.</summary>
    internal bool MayReach(DnsEndPoint target, IPAddress address) =>
        (string.Equals(target.Host, Url?.IdnHost, StringComparison.OrdinalIgnoreCase) && target.Port == Url!.Port)
        || Allow.Contains(target.Host, address);

    private bool IsOwn(Uri address) =>
        Url is not null && Uri.Compare(address, Url, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>As far as contracts must know it.</summary>
    public ConnectionDescriptor Describe() => new(Name, Type, Retry, Timeout is { } timeout ? (int)timeout.TotalMilliseconds : null) { Public = Public };

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

    public static string[] All { get; } = [Http, Postgres, Consul, Vault, Redis, Filesystem];

    public static string[] ToCome { get; } = ["kafka"];

    /// <summary>How many attempts run at once unless the connection says otherwise. A database has few sessions to give.</summary>
    public static int ConcurrencyOf(string type) => type == Postgres ? 16 : 64;

    /// <summary>The most that it may say: sockets of a pool.</summary>
    public static int ConcurrencyMaxOf(string type) => type == Postgres ? 1000 : 10_000;
}

/// <summary>Where a database is and who we are to it. A class and not a record, so that nothing prints the password.</summary>
internal sealed class DatabaseAddress
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    public required string Database { get; init; }

    public required string User { get; init; }

    public required string? Password { get; init; }

    public required Npgsql.SslMode SslMode { get; init; }
}

/// <summary>When a connection's breaker opens and for how long.</summary>
/// <param name="Ratio">The share of failed attempts that opens it; above 0, at most 1.</param>
/// <param name="Calls">How many attempts must have ended before that share counts; at least 2.</param>
/// <param name="Within">The time that is looked back over.</param>
/// <param name="Pause">How long it stays open before one attempt is let through.</param>
internal sealed record BreakerSettings(double Ratio, int Calls, TimeSpan Within, TimeSpan Pause)
{
    public static BreakerSettings Default { get; } = new(0.5, 10, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(15));
}

/// <summary>At most so many in each span of that length.</summary>
internal sealed record RateLimit(int Permits, TimeSpan Window);

/// <summary>Hosts by name, and addresses by range.</summary>
internal sealed record AllowList(IReadOnlySet<string> Hosts, IReadOnlyList<IPNetwork> Networks)
{
    public static AllowList Empty { get; } = new(new HashSet<string>(StringComparer.OrdinalIgnoreCase), []);

    public bool IsEmpty => Hosts.Count == 0 && Networks.Count == 0;

    public bool Contains(string host, IPAddress address) =>
        Hosts.Contains(host) || Networks.Any(network => network.Contains(address));
}
