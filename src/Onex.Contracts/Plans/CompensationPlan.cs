namespace Onex.Contracts.Plans;

/// <summary>How a step is compensated.</summary>
/// <param name="Role">Who runs the compensation.</param>
/// <param name="Invocation">The operation; its arguments may read <c>result</c>, except with <c>when_unknown: run</c>.</param>
/// <param name="Retry">How failures are retried.</param>
/// <param name="Timeout">The time limit of an attempt.</param>
/// <param name="WhenUnknown">What follows if it is unknown whether the step took effect.</param>
public sealed record CompensationPlan(CallRole Role, Invocation Invocation, RetryPolicy Retry, TimeSpan Timeout, WhenUnknown WhenUnknown);

/// <summary>What follows if it is unknown, after the last attempt, whether a step took effect: <c>when_unknown</c>.</summary>
public enum WhenUnknown
{
    /// <summary>The saga is blocked until an operator decides.</summary>
    Block,

    /// <summary>
    /// The step is compensated as if it had taken effect. So the arguments of its compensation may read <c>input</c>, <c>command_id</c> and
    /// the <c>data</c> before the step, but not <c>result</c>.
    /// </summary>
    Run,

    /// <summary>The step counts as not done, so it is not compensated.</summary>
    AssumeNotDone,
}
