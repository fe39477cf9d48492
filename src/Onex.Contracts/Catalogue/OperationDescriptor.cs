using Onex.Operations;

namespace Onex.Contracts.Catalogue;

/// <summary>The kind of an operation. Unless it is remote, it is also the role that runs it.</summary>
public enum OperationRole
{
    /// <summary>The effects role: external I/O.</summary>
    Effect,

    /// <summary>A worker: pure computation.</summary>
    Compute,
}

/// <summary>One argument of an operation.</summary>
/// <param name="Name">Its key under <c>with</c>.</param>
/// <param name="Required">Whether it is required.</param>
/// <param name="Type">Its JSON type in the short form: <c>string</c>, <c>int</c>, <c>map(string)</c>, <c>any</c>.</param>
/// <param name="Filling">How values may be inserted into it.</param>
/// <param name="Description">One sentence, for editors and documents.</param>
public sealed record ArgumentDescriptor(
    string Name, bool Required, string Type, ArgumentFilling Filling, string Description)
{
    /// <summary>Its default, or null.</summary>
    public string? Default { get; init; }

    /// <summary>The names that its expressions may read, if it holds expressions.</summary>
    public IReadOnlyList<string> Reads { get; init; } = [];

    /// <summary>The argument whose items are <c>item</c> in its expressions, or null.</summary>
    public string? ItemsOf { get; init; }

    /// <summary>If it is a list of maps: the keys whose values must be constant.</summary>
    public IReadOnlyList<string> ConstantKeys { get; init; } = [];

    /// <summary>If it is a map: the keys that the runtime sets, so that a step cannot, whether in upper or lower case.</summary>
    public IReadOnlyList<string> ReservedKeys { get; init; } = [];
}

/// <summary>Describes an operation without the code that runs it, so the orchestrator can check contracts.</summary>
/// <param name="Name"><c>http.post</c>, <c>hash.sha256</c>.</param>
/// <param name="Role">Its kind.</param>
/// <param name="ConnectionType">The type of connection that it goes through (<c>http</c>), or null if it takes none.</param>
/// <param name="ChangesWorld">Whether it changes something, so a step must say how it is compensated, or why it is not.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="AnyArguments">Whether it takes arguments beyond those (<c>transform</c>).</param>
/// <param name="Result">The types of its result's fields in the short form, by field name; empty if the fields are unknown.</param>
/// <param name="Description">One sentence, for editors and documents.</param>
public sealed record OperationDescriptor(
    string Name,
    OperationRole Role,
    string? ConnectionType,
    bool ChangesWorld,
    IReadOnlyList<ArgumentDescriptor> Arguments,
    bool AnyArguments,
    IReadOnlyDictionary<string, string> Result,
    string Description)
{
    /// <summary>What the fields of its result mean, by field name.</summary>
    public IReadOnlyDictionary<string, string> ResultMeanings { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it is idempotent although it changes the world (<c>http.put</c>).</summary>
    public bool Idempotent { get; init; }

    /// <summary>Whether it also runs without a connection (<c>kafka.produce</c>).</summary>
    public bool IsConnectionOptional { get; init; }

    /// <summary>Arguments that cause a warning, because services ignore or reject them (the body of a GET).</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>The plug-in that contains it; null if it is built in or remote.</summary>
    public string? Package { get; init; }

    /// <summary>The codes with which an operation of a plug-in is rejected; null if they are not known.</summary>
    public IReadOnlyList<string>? Rejections { get; init; }

    /// <summary>The topic of its commands and its time limit if a worker outside of Onex runs it, else null.</summary>
    public RemoteOperation? Remote { get; init; }

    /// <summary>Whether another attempt may follow one that took effect, but whose result cannot be used.</summary>
    public bool IsRepeatable => !ChangesWorld || Idempotent;
}

/// <summary>Every operation that contracts may name.</summary>
public sealed class OperationCatalogue(IEnumerable<OperationDescriptor> operations)
{
    private readonly Dictionary<string, OperationDescriptor> _byName =
        operations.ToDictionary(operation => operation.Name, StringComparer.Ordinal);

    /// <summary>All operations, in order of their names.</summary>
    public IEnumerable<OperationDescriptor> All => _byName.Values.OrderBy(operation => operation.Name, StringComparer.Ordinal);

    /// <summary>A catalogue of these operations and the others. Of equal names the first among the others wins.</summary>
    public OperationCatalogue With(IReadOnlyCollection<OperationDescriptor> others) => others.Count == 0
        ? this
        : new OperationCatalogue(_byName.Values.ExceptBy(others.Select(other => other.Name), each => each.Name).Concat(
            others.DistinctBy(other => other.Name)));

    /// <summary>The operation of that name or alias, or null.</summary>
    public OperationDescriptor? Find(string name) => _byName.GetValueOrDefault(OperationAliases.Resolve(name));
}

/// <summary>The prefixes of operation names, and their aliases. Names are stored and sent without aliases.</summary>
public static class OperationAliases
{
    private static readonly string[] _effectPrefixes = ["consul", "database", "db", "filesystem", "http", "kafka", "redis", "vault"];

    /// <summary>Whether the name of a built-in effect operation, or of an operation in the catalogue, begins with the prefix.</summary>
    public static bool IsPrefix(string prefix, OperationCatalogue operations) =>
        _effectPrefixes.Contains(prefix, StringComparer.Ordinal)
        || operations.All.Any(operation => operation.Name.StartsWith(prefix + ".", StringComparison.Ordinal));

    /// <summary>The name that an alias stands for (<c>db.query</c> for <c>database.query</c>); any other name unchanged.</summary>
    public static string Resolve(string name) =>
        name.StartsWith("database.", StringComparison.Ordinal) ? "db" + name["database".Length..] : name;

    /// <summary>A name and its aliases.</summary>
    public static IEnumerable<string> For(string name) =>
        name.StartsWith("db.", StringComparison.Ordinal) ? [name, "database" + name["db".Length..]] : [name];

    /// <summary>The prefix that an alias stands for: <c>db</c> for <c>database</c>; any other prefix unchanged.</summary>
    public static string ResolvePrefix(string prefix) => prefix == "database" ? "db" : prefix;
}

/// <summary>The part of a connection that contracts depend on.</summary>
/// <param name="Name">The name that contracts use.</param>
/// <param name="Type"><c>http</c>, <c>postgres</c>, ...</param>
/// <param name="Retry">The default policy of its steps, or null.</param>
/// <param name="TimeoutMs">The default time limit of an attempt, or null.</param>
public sealed record ConnectionDescriptor(string Name, string Type, Plans.RetryPolicy? Retry, int? TimeoutMs)
{
    /// <summary>The properties that expressions may read, by name; never an address or a secret.</summary>
    public Expressions.CelValue Public { get; init; } = Expressions.CelValue.Map([]);

    /// <summary>A template over a saga's input; the connection's limits apply to each of its values separately. Null if unset.</summary>
    public string? LimitKey { get; init; }

    /// <summary>Whether it has errors. They are reported where it is declared, and not again for the contracts that use it.</summary>
    public bool IsFaulty { get; init; }
}
