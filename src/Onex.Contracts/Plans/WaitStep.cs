using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>Waits on a stored timer: <c>wait: 5m</c>, <c>wait: { until: data.start_at }</c>.</summary>
public sealed class WaitStep : StepPlan
{
    internal WaitStep()
    {
    }

    /// <summary>The time to wait; null with <see cref="Until"/>.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>The expression for the timestamp to wait for; null with <see cref="For"/>.</summary>
    public Expression? Until { get; init; }
}
