using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>Makes one call for each item of a list: <c>each</c>.</summary>
public sealed class EachStep : StepPlan
{
    internal EachStep()
    {
    }

    /// <summary>The call per item, with the id of this step. It has no <c>save</c>.</summary>
    public required CallStep Call { get; init; }

    /// <summary>The expression for the list.</summary>
    public required Expression Items { get; init; }

    /// <summary>Whether the list depends only on the input. Then it is not stored, because it can be evaluated again.</summary>
    public required bool ItemsAreInput { get; init; }

    /// <summary>The maximum of calls in flight.</summary>
    public required int AtOnce { get; init; }

    /// <summary>The maximum of items.</summary>
    public required int AtMost { get; init; }

    /// <summary>The number of failed items that the step tolerates; null for any number.</summary>
    public required int? FailuresMax { get; init; }

    /// <summary>The assignments to <c>data</c> when all items are done.</summary>
    public ImmutableArray<Assignment> Save { get; init; } = [];

    /// <summary>Whether these assignments read <c>results</c> or <c>failures</c>.</summary>
    public required bool ReadsItems { get; init; }

    /// <summary>The aggregates of the completed items.</summary>
    public ImmutableArray<AggregatePlan> Aggregates { get; init; } = [];

    /// <summary>
    /// Whether an expression reads <c>steps.&lt;id&gt;</c>: the counts of completed and failed items, and the aggregates.
    /// </summary>
    public bool ResultIsRead { get; internal set; }
}

/// <summary>A value over the completed items of an <c>each</c>, updated item by item.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How items are aggregated.</param>
/// <param name="Of">The expression that is aggregated. It reads <c>item</c> and <c>result</c>, that of the item's call.</param>
/// <param name="IsDouble">Whether the expression is known to be a double.</param>
public sealed record AggregatePlan(string Name, AggregateKind Kind, Expression Of, bool IsDouble);

/// <summary>How an aggregate combines items.</summary>
public enum AggregateKind
{
    /// <summary>The number of items for which the expression holds.</summary>
    Count,

    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The smallest value.</summary>
    Min,

    /// <summary>The largest value.</summary>
    Max,
}
