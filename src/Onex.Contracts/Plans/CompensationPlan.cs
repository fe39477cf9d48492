namespace Onex.Contracts.Plans;

/// <summary>How a completed step is taken back.</summary>
/// <param name="Kind">Which role runs it.</param>
/// <param name="Invocation">What is called; its arguments are evaluated when the step completes, over <c>result</c> too.</param>
/// <param name="Retry">How failures are retried.</param>
/// <param name="Timeout">Run time of one attempt.</param>
/// <param name="WhenUnknown">What becomes of a step of which nobody can tell whether it happened.</param>
public sealed record CompensationPlan(StepKind Kind, Invocation Invocation, RetryPolicy Retry, TimeSpan Timeout, WhenUnknown WhenUnknown);

/// <summary>What becomes of a step of which nobody can tell, after its last attempt, whether it happened: <c>when_unknown</c>.</summary>
public enum WhenUnknown
{
    /// <summary>The saga is blocked, and an operator decides.</summary>
    Block,

    /// <summary>
    /// It is compensated as if it had happened. The arguments of the compensation then read only <c>input</c>, <c>data</c> as of before the step, and
    /// <c>command_id</c>, and no <c>result</c>.
    /// </summary>
    Run,

    /// <summary>It counts as not done.</summary>
    AssumeNotDone,
}
