using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>
/// What is allowed to contracts and to their sagas, as far as who runs them may choose. What nobody chooses is fixed in the compiler; all of
/// it is far above what a process needs, and low enough that no file can stall the start.
/// </summary>
public sealed record ContractLimits
{
    /// <summary>What is allowed unless something else is chosen.</summary>
    public static ContractLimits Default { get; } = new();

    /// <summary>The most that may be chosen, and what a contract that is registered already is read with.</summary>
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

    /// <summary>Maps and lists in one another, in a file.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Branches of one <c>parallel</c> step.</summary>
    public int Branches { get; init; } = 100;

    /// <summary>Items of one <c>each</c> step.</summary>
    public int Items { get; init; } = 100_000;

    /// <summary>Events that wait for one saga to want them.</summary>
    public int BufferedEvents { get; init; } = 100;

    /// <summary>Entries of one saga into a state, one after the other, without an event, a wait or new data in between.</summary>
    public int IdleEntries { get; init; } = 50;

    /// <summary>Cost units of one evaluation of an expression (docs/expressions.md).</summary>
    public int ExpressionCost { get; init; } = ExpressionLimits.Budget;
}
