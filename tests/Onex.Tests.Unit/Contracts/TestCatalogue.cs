using Onex.Contracts;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Effects;
using Onex.Engine.Examples;
using Onex.Workers;

namespace Onex.Tests.Unit.Contracts;

/// <summary>A small catalogue of operations with the shapes of the real ones.</summary>
internal static class TestCatalogue
{
    public static OperationCatalogue Operations { get; } = new(
    [
        Http("get", changesWorld: false),
        Http("post", changesWorld: true),
        Http("put", changesWorld: true),
        Http("patch", changesWorld: true),
        Http("delete", changesWorld: true),
        Http("head", changesWorld: false),
        new OperationDescriptor(
            "db.query",
            OperationRole.Effect,
            "postgres",
            ChangesWorld: false,
            [
                new ArgumentDescriptor("sql", true, "string", ArgumentFilling.Constant, "The statement."),
                new ArgumentDescriptor("parameters", false, "list(any)", ArgumentFilling.Value, "Its parameters."),
            ],
            AnyArguments: false,
            new Dictionary<string, string> { ["rows"] = "list(any)", ["row_count"] = "int" },
            "Queries a database."),
        new OperationDescriptor(
            "hash.sha256",
            OperationRole.Compute,
            null,
            ChangesWorld: false,
            [new ArgumentDescriptor("text", true, "string", ArgumentFilling.Value, "The text.")],
            AnyArguments: false,
            new Dictionary<string, string> { ["hex"] = "string" },
            "Hashes text."),
        new OperationDescriptor(
            "transform", OperationRole.Compute, null, ChangesWorld: false, [], AnyArguments: true, new Dictionary<string, string>(), "Gives its values."),
        new OperationDescriptor(
            "delay",
            OperationRole.Compute,
            null,
            ChangesWorld: false,
            [new ArgumentDescriptor("milliseconds", true, "int", ArgumentFilling.Value, "How long.")],
            AnyArguments: false,
            new Dictionary<string, string>(),
            "Waits."),
    ]);

    public static Dictionary<string, ConnectionDescriptor> Connections { get; } =
        new ConnectionDescriptor[]
        {
            new("stock", "http", new RetryPolicy(3, TimeSpan.FromSeconds(1), 3, TimeSpan.FromSeconds(9), Jitter.None, null), 7000),
            new("warehouse", "http", null, null),
            new("payments", "http", null, null),
            new("notices", "http", null, null),
            new("ledger", "postgres", null, null),
        }.ToDictionary(connection => connection.Name);

    public static CompilerContext Context { get; } = new(Operations, Connections) { Examples = ContractExamples.Problems };

    /// <summary>What the example of the language is checked against: all operations that there are, and its connections.</summary>
    public static CompilerContext OfTheExample { get; } = Context with
    {
        Operations = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]),
        Connections = new Dictionary<string, ConnectionDescriptor>(Connections) { ["fraud"] = new("fraud", "http", null, null) },
    };

    private static OperationDescriptor Http(string method, bool changesWorld) => new(
        $"http.{method}",
        OperationRole.Effect,
        "http",
        changesWorld,
        [
            new ArgumentDescriptor("url", false, "string", ArgumentFilling.Value, "The whole address."),
            new ArgumentDescriptor("path", false, "string", ArgumentFilling.PercentEncoded, "The path below the connection's address."),
            new ArgumentDescriptor(
                "headers", false, "map(string)", ArgumentFilling.Value, "Headers.") { ReservedKeys = ["Host", "Idempotency-Key"] },
            new ArgumentDescriptor("query", false, "map(any)", ArgumentFilling.Value, "Query parameters."),
            new ArgumentDescriptor("body", false, "any", ArgumentFilling.Value, "The body."),
        ],
        AnyArguments: false,
        new Dictionary<string, string> { ["status_code"] = "int", ["headers"] = "map(string)", ["body"] = "any" },
        $"Calls {method}.")
    {
        Ignored = method is "get" or "head" ? ["body"] : [],
    };
}
