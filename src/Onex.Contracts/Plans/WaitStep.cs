using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>Waits, durably: <c>wait: 5m</c>, <c>wait: { until: data.start_at }</c>.</summary>
public sealed class WaitStep : StepPlan
{
    internal WaitStep()
    {
    }

    /// <summary>How long, or null.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>The expression for the timestamp to wait for; null with <see cref="For"/>.</summary>
    public Expression? Until { get; init; }
}
