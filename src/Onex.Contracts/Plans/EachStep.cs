using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>Makes one call for each item of a list: <c>each</c>.</summary>
public sealed class EachStep : StepPlan
{
    internal EachStep()
    {
    }

    /// <summary>What is called for an item, under the id of this step; it saves nothing.</summary>
    public required CallStep Call { get; init; }

    /// <summary>The expression that gives the list.</summary>
    public required Expression Items { get; init; }

    /// <summary>Whether the list can be worked out again at any time, because it comes from the input alone.</summary>
    public required bool ItemsAreInput { get; init; }

    /// <summary>How many calls are in flight at most.</summary>
    public required int AtOnce { get; init; }

    /// <summary>How many items there may be.</summary>
    public required int AtMost { get; init; }

    /// <summary>How many items may fail; one more ends it. Null: any number.</summary>
    public required int? FailuresMax { get; init; }

    /// <summary>What is written into <c>data</c> from <c>results</c> and <c>failures</c> when all items are done.</summary>
    public ImmutableArray<Assignment> Save { get; init; } = [];

    /// <summary>Whether that reads the items' results or failures.</summary>
    public required bool ReadsItems { get; init; }

    /// <summary>What its completed items come to.</summary>
    public ImmutableArray<AggregatePlan> Aggregates { get; init; } = [];

    /// <summary>Whether some expression reads <c>steps.&lt;id&gt;</c>: how many items completed and failed, and the aggregates.</summary>
    public bool ResultIsRead { get; internal set; }
}

/// <summary>What the completed items of an <c>each</c> come to, worked out item by item.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How items are put together.</param>
/// <param name="Of">What is looked at of each.</param>
/// <param name="IsDouble">Whether that is known to be a double.</param>
public sealed record AggregatePlan(string Name, AggregateKind Kind, Expression Of, bool IsDouble);

/// <summary>How an aggregate puts items together.</summary>
public enum AggregateKind
{
    /// <summary>How many it held for.</summary>
    Count,

    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The least.</summary>
    Min,

    /// <summary>The greatest.</summary>
    Max,
}
