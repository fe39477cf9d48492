using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>The configurable limits of contracts and their sagas.</summary>
public sealed record ContractLimits
{
    /// <summary>The default limits.</summary>
    public static ContractLimits Default { get; } = new();

    /// <summary>
    /// The highest values that can be configured. Registered contracts are checked against these, so that they still compile after a
    /// setting was lowered.
    /// </summary>
    public static ContractLimits Highest { get; } = new()
    {
        States = 10_000,
        Steps = 100_000,
        Depth = 128,
        Branches = 1_000,
        Items = 1_000_000,
        BufferedEvents = 10_000,
        IdleEntries = 100_000,
        ExpressionCost = 1_000_000,
    };

    /// <summary>States of one contract.</summary>
    public int States { get; init; } = 500;

    /// <summary>Steps of one contract, all states together.</summary>
    public int Steps { get; init; } = 1_000;

    /// <summary>The nesting depth of a file.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Branches of one <c>parallel</c> step.</summary>
    public int Branches { get; init; } = 100;

    /// <summary>Items of one <c>each</c> step.</summary>
    public int Items { get; init; } = 100_000;

    /// <summary>Buffered events of one saga.</summary>
    public int BufferedEvents { get; init; } = 100;

    /// <summary>Consecutive entries of a saga into a state without an event, a wait or new data in between.</summary>
    public int IdleEntries { get; init; } = 50;

    /// <summary>Cost units of one evaluation of an expression (docs/expressions.md).</summary>
    public int ExpressionCost { get; init; } = ExpressionLimits.Budget;
}
