namespace Onex.Engine;

/// <summary>The codes of faults that the engine itself sets (docs/contract-language.md#steps).</summary>
internal static class EngineCodes
{
    public const string StepFailed = "step_failed";
    public const string StepTimedOut = "step_timed_out";
    public const string ResultInvalid = "result_invalid";
    public const string ExpressionFailed = "expression_failed";
    public const string OutputInvalid = "output_invalid";
    public const string StateTimedOut = "state_timed_out";
    public const string DeadlineExceeded = "deadline_exceeded";
    public const string Cancelled = "cancelled";
    public const string Terminated = "terminated";
    public const string JoinFailed = "join_failed";
    public const string Undeliverable = "undeliverable";
    public const string TooManyItems = "too_many_items";
}
