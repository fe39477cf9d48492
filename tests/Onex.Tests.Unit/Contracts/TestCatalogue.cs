using Onex.Effects;
using Onex.Engine.Examples;
using Onex.Workers;

namespace Onex.Tests.Unit.Contracts;

/// <summary>The operations of Onex, and connections, for the contracts of tests.</summary>
internal static class TestCatalogue
{
    public static OperationCatalogue Operations { get; } = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);

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

    /// <summary>The context of <c>order-fulfilment</c>, which needs one more connection.</summary>
    public static CompilerContext OrderFulfilmentContext { get; } = Context with
    {
        Connections = new Dictionary<string, ConnectionDescriptor>(Connections) { ["fraud"] = new("fraud", "http", null, null) },
    };
}
