namespace Onex.Contracts.Plans;

/// <summary>A time after which something else happens: a state's <c>timeout</c>, a contract's <c>deadline</c>.</summary>
/// <param name="After">How long, from the entry into the state, or from the saga's start.</param>
/// <param name="Next">The state it leads to.</param>
public sealed record TimeLimit(TimeSpan After, string Next);
