namespace Onex.Contracts.Plans;

/// <summary>A time limit and its target: a state's <c>timeout</c>, a contract's <c>deadline</c>.</summary>
/// <param name="After">The time from the entry into the state, or from the start of the saga.</param>
/// <param name="Next">The target state.</param>
public sealed record TimeLimit(TimeSpan After, string Next);
