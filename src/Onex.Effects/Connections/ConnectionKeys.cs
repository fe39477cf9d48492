using System.Globalization;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Effects.Connections;

/// <summary>A key of connections, for the reader, the schema and docs/operations.md.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">The type of its value in words: <c>duration</c>, <c>whole number</c>.</param>
/// <param name="Meaning">Its description.</param>
internal sealed record ConnectionKey(string Name, string Type, string Meaning)
{
    /// <summary>The default in words, or null.</summary>
    public string? Default { get; init; }

    /// <summary>The least and the greatest number.</summary>
    public (double Min, double Max)? Numbers { get; init; }

    /// <summary>The shortest and the longest duration.</summary>
    public (TimeSpan Min, TimeSpan Max)? Durations { get; init; }

    /// <summary>The allowed words; empty if all are.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Its bounds in words, or empty.</summary>
    public string Bounds =>
        Words.Count > 0 ? $"`{string.Join("`, `", Words)}`"
        : Numbers is { } numbers ? string.Create(CultureInfo.InvariantCulture, $"{numbers.Min} to {numbers.Max}")
        : Durations is { } durations ? $"{(durations.Min == TimeSpan.Zero ? "0s" : Format(durations.Min))} to {Format(durations.Max)}"
        : "";

    private static string Format(TimeSpan duration) => Contracts.Text.Durations.Format(duration);
}

/// <summary>The keys of connections with their bounds and defaults.</summary>
internal static class ConnectionKeys
{
    private static readonly TimeSpan _halfSecond = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan _day = TimeSpan.FromDays(1);
    private static readonly TimeSpan _millisecond = TimeSpan.FromMilliseconds(1);

    public static ConnectionKey Timeout { get; } = new("timeout", "duration", "The time limit of an attempt, for steps that set none")
    {
        Durations = (_millisecond, _hour),
        Default = Duration(CallStep.DefaultTimeout),
    };

    public static ConnectionKey Redirects { get; } = new(
        "redirects", "whole number",
        "How many redirects a request follows, for steps that set none. Each must lead to an address that the connection allows; no "
        + "credentials are sent to another origin")
    {
        Numbers = (0, 10),
        Default = "`0`",
    };

    /// <summary>The keys of <c>retry</c>.</summary>
    public static IReadOnlyList<ConnectionKey> Retry { get; } =
    [
        new("attempts", "whole number", "How many attempts there are in all")
        {
            Numbers = (1, 1000),
            Default = Number(RetryPolicy.Default.Attempts),
        },
        new("first", "duration", "The delay before the second attempt")
        {
            Durations = (TimeSpan.Zero, _day),
            Default = Duration(RetryPolicy.Default.First),
        },
        new("factor", "number", "What each further delay is multiplied by")
        {
            Numbers = (1, 100),
            Default = Number(RetryPolicy.Default.Factor),
        },
        new("max", "duration", "The longest delay") { Durations = (TimeSpan.Zero, _day), Default = Duration(RetryPolicy.Default.Max) },
        new("jitter", "text", "`full`: each delay is random, at most the calculated one. `none`: it is the calculated one")
        {
            Words = ["full", "none"],
            Default = "`full`",
        },
        new("within", "duration", "How long after the first attempt the last one may begin")
        {
            Durations = (_millisecond, TimeSpan.FromDays(365)),
        },
    ];

    /// <summary>The keys of <c>breaker</c>.</summary>
    public static IReadOnlyList<ConnectionKey> Breaker { get; } =
    [
        new("ratio", "number", "The share of failed attempts that opens the breaker")
        {
            Numbers = (0.01, 1),
            Default = Number(BreakerSettings.Default.Ratio),
        },
        new(
            "calls", "whole number",
            "How many attempts must have ended within `within` before the share counts. The same number of failures in a row opens it too, "
            + "however far apart")
        {
            Numbers = (2, 100_000),
            Default = Number(BreakerSettings.Default.Calls),
        },
        new("within", "duration", "The time over which attempts are counted")
        {
            Durations = (_halfSecond, _hour),
            Default = Duration(BreakerSettings.Default.Within),
        },
        new("pause", "duration", "How long the breaker stays open before it lets one attempt through as a trial")
        {
            Durations = (_halfSecond, _hour),
            Default = Duration(BreakerSettings.Default.Pause),
        },
    ];

    private static readonly ConnectionKey _scope = new(
        "scope", "text", "`process`: each process counts for itself. `cluster`: all processes count together, in Redis (`REDIS_HOST`)")
    {
        Words = ["process", "cluster"],
        Default = "`process`",
    };

    private static readonly ConnectionKey _key = new(
        "key", "text",
        "Counts each value separately: text with expressions over a saga's `input` (`${input.tenant}`), which must be valid in all "
        + "contracts that use the connection. If both limits have one, it must be the same")
    {
        Default = "one count for all",
    };

    /// <summary>The keys of <c>rate_limit</c>.</summary>
    public static IReadOnlyList<ConnectionKey> Rate { get; } =
    [
        new("permits", "whole number", "Required. How many attempts may begin in each period; with `cluster` at most 10000")
        {
            Numbers = (1, 1_000_000_000),
        },
        new("per", "duration", "Required. The period") { Durations = (_halfSecond, _day) },
        _scope,
        _key,
    ];

    /// <summary>The keys of <c>concurrency</c>.</summary>
    public static IReadOnlyList<ConnectionKey> Concurrency { get; } =
    [
        new("max", "whole number", "Required. How many attempts run at the same time")
        {
            Numbers = (1, ConnectionTypes.ConcurrencyMaxOf(ConnectionTypes.Http)),
        },
        _scope,
        _key,
    ];

    /// <summary>The keys of all connections.</summary>
    public static IReadOnlyList<ConnectionKey> Common { get; } =
    [
        new("type", "text", "Required. The kind of connection") { Words = ConnectionTypes.All },
        Timeout,
        new("retry", "map", "The retry policy of steps that set none") { Default = "the [defaults](#retry)" },
        new(
            "breaker", "map, or `off`",
            "The circuit breaker. While it is open, commands are parked in the database, and one of them is tried after each `pause`. "
            + "`off` switches it off")
        {
            Default = "on, with these [defaults](#breaker)",
        },
        new(
            "rate_limit", "text or map",
            "How many attempts may begin per second, minute or hour in each process: `50/s`, `600/m`, `1000/h`; or a map with "
            + "[further keys](#rate_limit). Further attempts wait")
        {
            Default = "no limit",
        },
        new(
            "concurrency", "whole number or map",
            "How many attempts run at the same time in each process; or a map with [further keys](#concurrency). For postgres also the "
            + "size of the pool")
        {
            Numbers = (1, ConnectionTypes.ConcurrencyMaxOf(ConnectionTypes.Http)),
            Default = $"{ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http)}; "
                + $"postgres {ConnectionTypes.ConcurrencyOf(ConnectionTypes.Postgres)}, "
                + $"at most {ConnectionTypes.ConcurrencyMaxOf(ConnectionTypes.Postgres)}",
        },
        new(
            "public", "map",
            "Up to 50 constants (text, numbers, `true`, `false`) that contracts read as `connections.<name>.<property>`. No secrets")
        {
            Default = "none",
        },
    ];

    private static readonly ConnectionKey _httpAddress = new("url", "address", "Required. The address, `http` or `https`");

    private static readonly Dictionary<string, IReadOnlyList<ConnectionKey>> _byType = new(StringComparer.Ordinal)
    {
        [ConnectionTypes.Http] =
        [
            new(
                "url", "address",
                "The base address of the steps' paths, `http` or `https`, or a service whose instances are looked up: "
                + "`consul://stock/api?tag=blue&dc=east&scheme=https`, `srv://_http._tcp.stock.internal/api` "
                + "([Discovery](effects.md#discovery)). Required unless `allow` is given"),
            new(
                "headers", "map of texts",
                "Headers of requests to the origin (scheme, host, port) of `url`; without `url`, to every host of `allow`. They replace "
                + "the step's of the same name")
            {
                Default = "none",
            },
            new(
                "allow", "list of texts",
                "Further hosts, addresses and ranges (`build.internal`, `10.0.0.0/8`) that a step's `url` may name. They get neither "
                + "`headers` nor `client_certificate` if the connection has a `url`. If that is a "
                + "service, only instances that the list contains are used")
            {
                Default = "none",
            },
            new("proxy", "address", "The proxy that requests go through, `http`. It connects to the service in place of the effects role")
            {
                Default = "none; environment variables such as `HTTP_PROXY` are not read",
            },
            Redirects,
            new("http_version", "text", "`1.1`, or `2` for HTTP/2, which is negotiated with TLS (ALPN), and assumed without TLS")
            {
                Words = ["1.1", "2"],
                Default = "`1.1`",
            },
            .. TlsFiles.Keys,
        ],
        [ConnectionTypes.Postgres] = PostgresReader.Keys,
        [ConnectionTypes.Consul] =
        [
            _httpAddress,
            new("token", "text", "The token that requests carry"),
            new("datacenter", "text", "The datacenter that requests are for") { Default = "the agent's own" },
            .. TlsFiles.Keys,
        ],
        [ConnectionTypes.Vault] = VaultReader.Keys,
        [ConnectionTypes.Redis] = RedisAddress.Keys,
        [ConnectionTypes.Kafka] = KafkaAddress.Keys,
        [ConnectionTypes.Filesystem] =
        [
            new("root", "text", "Required. The directory that the steps' paths are relative to. A relative `root` starts at this file"),
        ],
    };

    /// <summary>The further keys of a connection type.</summary>
    public static IReadOnlyList<ConnectionKey> For(string type) => _byType[type];

    /// <summary>The names of all keys of a connection type.</summary>
    public static IReadOnlyList<string> Names(string type) => [.. Common.Concat(For(type)).Select(key => key.Name)];

    private static string Number(double number) => string.Create(CultureInfo.InvariantCulture, $"`{number}`");

    private static string Duration(TimeSpan duration) => $"`{Durations.Format(duration)}`";
}
