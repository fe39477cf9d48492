using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>The operation that a command invokes, and how: the step itself, or its compensation.</summary>
internal sealed record StepCall(CallStep Step, CallRole Role, Invocation Invocation, RawJson Arguments, RetryPolicy Retry, TimeSpan Timeout)
{
    /// <summary>How long a computation may be silent after it has begun, or null.</summary>
    public TimeSpan? Heartbeat { get; init; }

    /// <summary>The step itself, with these arguments.</summary>
    public static StepCall ForStep(CallStep step, RawJson arguments) =>
        new(step, step.Role, step.Invocation, arguments, step.Retry, step.Timeout) { Heartbeat = step.HeartbeatTimeout };

    /// <summary>The compensation of a step that has one, with these arguments.</summary>
    public static StepCall ForCompensation(CallStep step, RawJson arguments)
    {
        var compensation = step.Compensation!;
        return new StepCall(step, compensation.Role, compensation.Invocation, arguments, compensation.Retry, compensation.Timeout);
    }

    /// <summary>The call of a command; null if its arguments can no longer be evaluated.</summary>
    public static StepCall? For(DecisionBuilder decision, Outstanding command)
    {
        var saga = decision.Saga;
        var step = decision.Facts.Call(command.Step);
        if (command.Direction == StepDirection.Forward)
        {
            return ArgumentsOf(decision, command, step) is { } arguments ? ForStep(step, arguments) : null;
        }

        var compensation = saga.Compensables.LastOrDefault(entry => entry.CompensationId == command.CommandId);
        return (compensation?.Arguments ?? command.Arguments) is { } stored && step.Compensation is not null
            ? ForCompensation(step, stored)
            : null;
    }

    // As of the first attempt, so that every attempt under one key has the same arguments.
    private static RawJson? ArgumentsOf(DecisionBuilder decision, Outstanding command, CallStep step) =>
        command.Arguments is { } frozen ? frozen
        : ValueJson.TryEvaluate(
            step.Invocation.Arguments, EachItems.ScopeOf(decision, command, command.FirstSentAt), out var arguments, out _) ? arguments
        : null;
}
