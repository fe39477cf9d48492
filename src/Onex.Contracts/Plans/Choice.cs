using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>A transition of a state once its steps are done.</summary>
/// <param name="When">The guard, or null if it always holds.</param>
/// <param name="Next">The target state.</param>
/// <param name="Fault">The code of the fault that it sets, or null.</param>
public sealed record Choice(Expression? When, string Next, string? Fault);
