namespace Onex.Contracts.Catalogue;

/// <summary>The codes of faults and of failed attempts that do not depend on the operation.</summary>
public static class StepCodes
{
    /// <summary>
    /// An attempt failed without a code; or a step failed, whatever the code of its last attempt, except <see cref="StepTimedOut"/>,
    /// <see cref="ResultInvalid"/> and <see cref="ExpressionFailed"/>.
    /// </summary>
    public const string StepFailed = "step_failed";

    /// <summary>The attempt exceeded its time limit or its heartbeat timeout.</summary>
    public const string StepTimedOut = "step_timed_out";

    /// <summary>The result cannot be read or stored, or does not have the type that the operation or the contract declares.</summary>
    public const string ResultInvalid = "result_invalid";

    /// <summary>The result is larger than allowed.</summary>
    public const string ResultTooLarge = "result_too_large";

    /// <summary>An expression of the contract could not be evaluated.</summary>
    public const string ExpressionFailed = "expression_failed";

    /// <summary>The output of a completed end cannot be evaluated or stored, or does not match the contract's <c>output</c>.</summary>
    public const string OutputInvalid = "output_invalid";

    /// <summary>The state's <c>timeout</c> has passed.</summary>
    public const string StateTimedOut = "state_timed_out";

    /// <summary>The contract's <c>deadline</c> has passed.</summary>
    public const string DeadlineExceeded = "deadline_exceeded";

    /// <summary>An operator, or the parent saga, cancelled the saga.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>An operator ended the saga at once, without compensation.</summary>
    public const string Terminated = "terminated";

    /// <summary>The branches of a <c>parallel</c> step do not meet its join.</summary>
    public const string JoinFailed = "join_failed";

    /// <summary>The broker rejects the command permanently.</summary>
    public const string Undeliverable = "undeliverable";

    /// <summary>An <c>each</c> step has more items than its <c>at_most</c> allows.</summary>
    public const string TooManyItems = "too_many_items";

    /// <summary>The arguments have the wrong type or value.</summary>
    public const string ArgumentsInvalid = "arguments_invalid";

    /// <summary>The arguments of the command were stored, but are not found.</summary>
    public const string ArgumentsMissing = "arguments_missing";

    /// <summary>The arguments are larger than a command to a remote worker may be.</summary>
    public const string ArgumentsTooLarge = "arguments_too_large";

    /// <summary>The arguments hold the handle of a secret, which is never sent to a remote worker.</summary>
    public const string SecretNotSent = "secret_not_sent";

    /// <summary>The role does not have the operation.</summary>
    public const string OperationUnknown = "operation_unknown";

    /// <summary>The operation threw an exception.</summary>
    public const string OperationFailed = "operation_failed";

    /// <summary>Too many earlier attempts of an operation of a plug-in still run after their time limit.</summary>
    public const string OperationStuck = "operation_stuck";

    /// <summary>The arguments, or the items that they name, are stored in a database that the role has no connection to.</summary>
    public const string StoreMissing = "store_missing";
}
