using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Engine;

/// <summary>A running <c>each</c> step. Its finished items are rows of their own.</summary>
internal sealed record EachRun(string Step, int Total)
{
    /// <summary>The index of the first item without a command.</summary>
    public int Next { get; init; }

    /// <summary>How many items have completed or were skipped.</summary>
    public int Completed { get; init; }

    public int Failed { get; init; }

    /// <summary>The present values of the aggregates, in their order; empty until the first item has completed.</summary>
    public ImmutableArray<CelValue> Totals { get; init; } = [];

    /// <summary>Why an aggregate could not be computed, or null.</summary>
    public string? AggregateProblem { get; init; }

    /// <summary>The items; null if they can be evaluated again from the input alone.</summary>
    public CelValue? Items { get; init; }

    /// <summary>Whether all items are done and only their rows are needed, to compute what the step saves.</summary>
    public bool Gathering { get; init; }
}
