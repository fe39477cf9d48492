using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>One way out of a state.</summary>
/// <param name="When">The guard, or null if it always holds.</param>
/// <param name="Next">The state it leads to.</param>
/// <param name="Fault">The code of the fault that it sets, or null.</param>
public sealed record Choice(Expression? When, string Next, string? Fault);
