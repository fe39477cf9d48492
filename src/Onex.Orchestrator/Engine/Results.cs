using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Engine;

/// <summary>
/// What a result means (contract-language, 3): the operation's own schema, <c>reject</c>, the role's classification, <c>returns</c>,
/// <c>save</c>, the compensation's arguments, in this order.
/// </summary>
internal static class Results
{
    public static Decision Decide(Transition transition, StepResultArrived result)
    {
        var saga = transition.Saga;
        var command = saga.Outstanding.FirstOrDefault(outstanding => outstanding.CommandId == result.CommandId);

        // Completed and rejected count from any attempt: it did happen. Failed says nothing about an attempt that came after it.
        if (command is null
            || (result.Outcome == StepOutcome.Failed && (result.Attempt != command.Attempt || command.Phase != AttemptPhase.InFlight)))
        {
            return Decision.Nothing(saga);
        }

        if (result.Outcome == StepOutcome.Undeliverable)
        {
            transition.Block($"Step '{command.Step}' cannot be sent: {result.Message}");
            return transition.Decide();
        }

        var step = PlanFacts.Of(transition.Plan).Step(command.Step);
        if (command.Direction == StepDirections.Compensate)
        {
            Compensated(transition, command, step, result);
        }
        else
        {
            Done(transition, command, step, result);
        }

        return transition.Decide();
    }

    /// <summary>An attempt came to nothing: the next one after a while, or the final error.</summary>
    public static void AttemptFailed(Transition transition, Outstanding command, string code, string message, TimeSpan? retryAfter)
    {
        if (Callee.Of(transition, command) is not { } callee)
        {
            transition.Block($"Step '{command.Step}' cannot be tried again: what it needs is gone.");
            return;
        }

        transition.Note(
            HistoryKinds.AttemptFailed, command.Step,
            ("attempt", command.Attempt), ("code", code), ("message", message), ("direction", command.Direction));
        var next = transition.Now + RetrySchedule.Delay(callee.Retry, command.CommandId, command.Attempt, retryAfter);
        var compensating = command.Direction == StepDirections.Compensate;

        // Past the pivot a step is only retried: its attempts have no end, unless it catches that end itself.
        var endless = !compensating && transition.Saga.PastPivot && !Catches(transition, callee.Step, Final(code));
        if (endless || RetrySchedule.Allows(callee.Retry, command.Attempt, command.FirstSentAt, next))
        {
            transition.Replace(command with { Phase = AttemptPhase.BackingOff, DueAt = next, Resent = 0 });
            return;
        }

        transition.Note(HistoryKinds.StepFailed, command.Step, ("code", Final(code)), ("direction", command.Direction));
        if (compensating)
        {
            transition.Block($"Taking back step '{command.Step}' failed {command.Attempt} times, the last time with {code}: {message}");
            return;
        }

        transition.Remove(command);
        transition.Fail(callee.Step, Final(code), $"Step '{command.Step}' failed {command.Attempt} times, the last time with {code}: {message}");
    }

    private static void Done(Transition transition, Outstanding command, CallStep step, StepResultArrived result)
    {
        var value = result.Result ?? CelValue.Map([]);
        if (result.Result is { } raw)
        {
            if (!step.ResultType.TryConvert(raw, out value, out var problem))
            {
                AttemptFailed(
                    transition, command, EngineCodes.ResultInvalid, $"The operation's result: {problem!.Pointer} {problem.Problem}", result.RetryAfter);
                return;
            }

            foreach (var rule in step.Reject)
            {
                var holds = rule.When.Evaluate(new SagaScope(transition.Plan, transition.Saga, transition.Now, value));
                if (holds.Kind != CelKind.Bool)
                {
                    FailedHere(transition, command, step, $"The reject guard for '{rule.Code}': {Why(holds)}");
                    return;
                }

                if (holds.AsBool())
                {
                    Rejected(transition, command, step, rule.Code, $"Step '{step.Id}' was rejected: {rule.Code}.");
                    return;
                }
            }
        }

        switch (result.Outcome)
        {
            case StepOutcome.Rejected:
                Rejected(transition, command, step, result.Code ?? EngineCodes.StepFailed, result.Message ?? "The other side said no.");
                return;
            case StepOutcome.Failed:
                AttemptFailed(transition, command, result.Code ?? EngineCodes.StepFailed, result.Message ?? "No reason was given.", result.RetryAfter);
                return;
        }

        if (step.Returns is { } returns)
        {
            if (!returns.TryConvert(value, out value, out var problem))
            {
                AttemptFailed(
                    transition, command, EngineCodes.ResultInvalid, $"What the step returns: {problem!.Pointer} {problem.Problem}", result.RetryAfter);
                return;
            }
        }

        Completed(transition, command, step, value);
    }

    private static void Completed(Transition transition, Outstanding command, CallStep step, CelValue value)
    {
        transition.Note(HistoryKinds.StepCompleted, step.Id, ("attempt", command.Attempt));
        var before = new SagaScope(transition.Plan, transition.Saga, transition.Now, value);
        var saved = transition.Saga.Data;
        string? failed = null;
        foreach (var assignment in step.Save)
        {
            var computed = assignment.Value.Evaluate(before);
            string? reason = null;
            if (computed.IsError)
            {
                reason = computed.AsError();
            }
            else if (!assignment.Type.TryConvert(computed, out computed, out var mismatch))
            {
                reason = $"{mismatch!.Pointer} {mismatch.Problem}";
            }
            else if (ValueJson.TryWrite(computed, out var json, out reason) && computed.Kind is CelKind.Map or CelKind.List)
            {
                // As it will be when the row is read again, so that nothing depends on whether it was.
                _ = assignment.Type.TryConvert(StoredOrder.Of(CelValue.FromJson(json.Utf8.Span)), out computed, out _);
            }

            if (reason is not null)
            {
                failed = $"What step '{step.Id}' saves as '{assignment.Field}': {reason}";
                break;
            }

            saved = saved.SetItem(assignment.Field, computed);
        }

        // It did happen, so it can be taken back even if what it returned cannot be saved.
        if (!Remember(transition, command, step, before))
        {
            return;
        }

        transition.Remove(command);
        if (failed is not null)
        {
            transition.Fail(step, EngineCodes.ExpressionFailed, failed);
            return;
        }

        var saga = transition.Saga;
        transition.Saga = saga with
        {
            Data = saved,
            StepIndex = saga.StepIndex + 1,
            Results = step.ResultIsRead ? saga.Results.SetItem(step.Id, StoredOrder.Of(Pruning.Keep(value, step.ResultPaths))) : saga.Results,
        };
        transition.RunNext(transition.Plan.State(transition.Saga.State));
    }

    private static bool Remember(Transition transition, Outstanding command, CallStep step, SagaScope scope)
    {
        if (step.Compensation is not { } compensation || transition.Saga.PastPivot)
        {
            return true;
        }

        if (!ValueJson.TryEvaluate(compensation.Invocation.Arguments, scope, out var arguments, out var problem))
        {
            transition.Block($"Step '{step.Id}' completed, but the arguments of its compensation cannot be worked out: {problem}");
            return false;
        }

        transition.Saga = transition.Saga with
        {
            Undo = transition.Saga.Undo.Add(new Undoable(step.Id, transition.Saga.State, command.CommandId, StoredOrder.Of(arguments))),
        };
        return true;
    }

    private static void Rejected(Transition transition, Outstanding command, CallStep step, string code, string message)
    {
        transition.Note(HistoryKinds.StepRejected, step.Id, ("code", code), ("message", message));
        transition.Remove(command);
        transition.Fail(step, code, message);
    }

    private static void FailedHere(Transition transition, Outstanding command, CallStep step, string message)
    {
        transition.Note(HistoryKinds.StepFailed, step.Id, ("code", EngineCodes.ExpressionFailed), ("message", message));
        transition.Remove(command);
        transition.Fail(step, EngineCodes.ExpressionFailed, message);
    }

    private static void Compensated(Transition transition, Outstanding command, CallStep step, StepResultArrived result)
    {
        switch (result.Outcome)
        {
            case StepOutcome.Failed:
                AttemptFailed(transition, command, result.Code ?? EngineCodes.StepFailed, result.Message ?? "No reason was given.", result.RetryAfter);
                return;
            case StepOutcome.Rejected:
                transition.Note(HistoryKinds.StepRejected, step.Id, ("code", result.Code), ("direction", StepDirections.Compensate));
                transition.Block($"Taking back step '{step.Id}' was rejected with {result.Code}: {result.Message}");
                return;
        }

        transition.Note(HistoryKinds.CompensationCompleted, step.Id, ("attempt", command.Attempt));
        transition.Remove(command);
        transition.Saga = transition.Saga with
        {
            Undo = transition.Saga.Undo.RemoveAll(entry => Identity.Compensation(entry.CommandId) == command.CommandId),
        };
        transition.CompensateNext(transition.Plan.State(transition.Saga.State));
    }

    // What a contract catches: the reasons of single attempts are in the history, the step's end has one of four names.
    private static string Final(string code) =>
        code is EngineCodes.StepTimedOut or EngineCodes.ResultInvalid or EngineCodes.ExpressionFailed ? code : EngineCodes.StepFailed;

    private static bool Catches(Transition transition, CallStep step, string code) =>
        step.Catch.Concat(transition.Plan.State(transition.Saga.State).Catch).Any(rule => rule.Covers(code));

    private static string Why(CelValue value) => value.IsError ? value.AsError() : $"a bool is wanted, not {value.Kind}.";
}
