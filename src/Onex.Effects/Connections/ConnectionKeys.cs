using System.Collections.Frozen;
using System.Globalization;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;

namespace Onex.Effects.Connections;

/// <summary>The keys of files of connections: what the reader takes and what editors are told, from one table.</summary>
internal static class ConnectionKeys
{
    private static readonly Shape _single = new Shape.Plain("""{ "type": ["string", "number", "boolean"] }""");

    private static readonly Key[] _common =
    [
        May("timeout", Shape.Duration, "How long an attempt of its steps may take that say nothing themselves, up to `1h`"),
        May("retry", Shape.Map(() => Retry), "The retry policy of its steps that have none themselves"),
        May("breaker", Shape.Map(() => Breaker), "When to leave it alone for a while; without it, never"),
        May("rate_limit", new Shape.Plain("""{ "type": "string", "pattern": "^[0-9]{1,9}/[smh]$" }"""), "How many attempts may begin in a second, minute or hour, in each process: `50/s`, `600/m`, `1000/h`"),
        May("concurrency", Whole(1, 10_000), "How many attempts run at once in each process: 64, of postgres 16, where it is the size of the pool too, 1000 at most"),
        May("public", Shape.MapOf(_single), "Constants that contracts read as `connections.<name>.<property>`: up to 50, no secrets"),
    ];

    /// <summary>A file.</summary>
    public static Keys File { get; } = Of(
        nameof(File), "a file of connections",
        Must("connections", Shape.MapOf(Shape.Any([.. ConnectionTypes.All.Select(type => Shape.Map(() => For(type)))])), "The connections by name: lower-case letters, digits and dashes"));

    /// <summary>The keys below <c>retry</c>.</summary>
    public static Keys Retry { get; } = Of(
        nameof(Retry), "'retry'",
        May("attempts", Whole(1, 1000), "How often in all: 5"),
        May("first", new Shape.Plain("""{ "type": "string" }"""), "The wait before the second attempt: `200ms`"),
        May("factor", Number("1", "100"), "What each further wait is multiplied by: 2"),
        May("max", new Shape.Plain("""{ "type": "string" }"""), "The longest wait: `20s`"),
        May("jitter", Shape.OneOf("full", "none"), "`full`, anything up to the wait (the default), or `none`"),
        May("within", Shape.Duration, "The time, from the first attempt on, in which the last one must begin"));

    /// <summary>The keys below <c>breaker</c>.</summary>
    public static Keys Breaker { get; } = Of(
        nameof(Breaker), "'breaker'",
        May("ratio", Number("0.01", "1"), "The share of failed attempts that opens it: 0.5"),
        May("calls", Whole(2, 100_000), "How many attempts must have ended before that share counts: 10"),
        May("within", Shape.Duration, "The time that is looked back over: `30s`"),
        May("pause", Shape.Duration, "How long it stays open before one attempt is let through: `15s`"));

    private static readonly FrozenDictionary<string, Keys> _byType = new Dictionary<string, Keys>(StringComparer.Ordinal)
    {
        [ConnectionTypes.Http] = OfType(
            ConnectionTypes.Http,
            May("url", Shape.Text, "The address below which the steps' paths are; without it, `allow` says where they may go"),
            May("headers", Shape.MapOf(_single), "Sent with every request: `Authorization: \"Bearer ${secret:STOCK_TOKEN}\"`"),
            May("allow", Shape.ListOf(_single), "Further hosts, by name, and ranges of addresses that a step's `url` may name")),
        [ConnectionTypes.Postgres] = OfType(
            ConnectionTypes.Postgres,
            May("url", Shape.Text, "`postgres://user:password@host:port/database?sslmode=...`, instead of `host`, `port` and `database`"),
            May("host", _single, "The server"),
            May("port", Whole(1, 65_535), "Its port: 5432"),
            May("database", _single, "The database"),
            May("user", _single, "Who the runtime is to it"),
            May("password", _single, "A reference: `${secret:LEDGER_PASSWORD}`"),
            May("sslmode", Shape.OneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full"), "`prefer` unless given")),
        [ConnectionTypes.Consul] = OfType(
            ConnectionTypes.Consul,
            May("url", Shape.Text, "Its address, http or https"), May("token", _single, "A reference: `${secret:CONSUL_TOKEN}`"), May("datacenter", _single, "The datacenter")),
        [ConnectionTypes.Vault] = OfType(
            ConnectionTypes.Vault,
            May("url", Shape.Text, "Its address, http or https"), May("token", _single, "A reference: `${secret:VAULT_TOKEN}`"),
            May("namespace", _single, "The namespace"), May("mount", _single, "Where the engine of secrets is mounted")),
        [ConnectionTypes.Redis] = OfType(
            ConnectionTypes.Redis,
            May("url", Shape.Text, "Its address, `redis://` or `rediss://`"), May("user", _single, "Who the runtime is to it"),
            May("password", _single, "A reference: `${secret:CACHE_PASSWORD}`")),
        [ConnectionTypes.Filesystem] = OfType(ConnectionTypes.Filesystem, Must("root", _single, "The directory below which its files are")),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The keys of a connection of that type.</summary>
    public static Keys For(string type) => _byType[type];

    /// <summary>The JSON Schema of files of connections, for editors.</summary>
    public static string EditorSchema() => Contracts.Compiling.EditorSchema.Write("Connections of Onex", File, new OperationCatalogue([]));

    private static Keys OfType(string type, params Key[] own) =>
        Of(type, "a connection", [Must("type", Shape.OneOf(type), $"`{type}`"), .. own, .. _common]);

    private static Keys Of(string name, string where, params Key[] all) => new(name, where, all, [], []);

    private static Key Must(string name, Shape shape, string description) => new(name, shape, description, Required: true);

    private static Key May(string name, Shape shape, string description) => new(name, shape, description, Required: false);

    // A number in quotes is one, too.
    private static Shape.Plain Whole(int least, int most) =>
        new(string.Create(CultureInfo.InvariantCulture, $$"""{ "type": ["integer", "string"], "minimum": {{least}}, "maximum": {{most}} }"""));

    private static Shape.Plain Number(string least, string most) =>
        new($$"""{ "type": ["number", "string"], "minimum": {{least}}, "maximum": {{most}} }""");
}
