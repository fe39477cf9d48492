using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>
/// Handles results (docs/contract-language.md#steps). The rules apply in this order: the operation's own schema, <c>reject</c>, the role's
/// classification, <c>returns</c>, <c>save</c>, the compensation's arguments.
/// </summary>
internal static class Results
{
    public static bool Decide(DecisionBuilder decision, StepResultArrived result)
    {
        var command = decision.Saga.Outstanding.FirstOrDefault(outstanding => outstanding.CommandId == result.CommandId);

        // Completed and rejected are final, whichever attempt reports them, and so is an undeliverable command that nobody can take any
        // more. Failed says nothing about later attempts.
        var isFinal = result.Outcome is StepOutcome.Completed or StepOutcome.Rejected || result.IsClosed;
        if (command is null || (!isFinal && (result.Attempt != command.Attempt || command.Phase != AttemptPhase.InFlight)))
        {
            return false;
        }

        // Duplicate result.
        if (command.Answered && result.Outcome != StepOutcome.Completed)
        {
            return false;
        }

        var step = decision.Facts.Step(command.Step);
        if (result.IsFromWorker && !RunsOnWorkers(step, command.Direction))
        {
            return false;
        }

        if (result.Outcome == StepOutcome.Undeliverable)
        {
            // Nothing was sent since the operator's retry. The ledger is queried for the outcome of earlier attempts.
            if (command.RetriedAt >= command.NotAfter)
            {
                return false;
            }

            Undeliverable(decision, command, result);
            return true;
        }

        if (command.Direction == StepDirection.Compensation)
        {
            decision.Unblock(blockage => blockage.CommandId == command.CommandId);
            Compensated(decision, command, step, result);
            return true;
        }

        var classified = ResultRules.Classify(decision, command, step, result);
        if (classified.Reach == AttemptReach.Done && (classified.Outcome != StepOutcome.Completed || classified.Broken is not null))
        {
            // This is known already, and the attempt in flight, which calls the service again, will report more.
            var isLate = classified.Outcome != StepOutcome.Rejected
                && (result.Attempt != command.Attempt || command.Phase != AttemptPhase.InFlight);
            if (isLate && command.Happened == Happening.Yes)
            {
                return false;
            }

            // If an attempt in flight does not know of it, the ledger answers with this outcome and the attempt never runs.
            (command, classified) = Evaluate(decision, command, step, classified);
        }

        // The outcome has arrived after all, so the command no longer blocks the saga.
        decision.Unblock(blockage => blockage.CommandId == command.CommandId);
        if (classified.Outcome == StepOutcome.Rejected)
        {
            command = Rejected(decision, command, classified);
        }

        if (command.Interrupted)
        {
            Interruption.Resolve(decision, command, step, classified, result.RetryAfter);
        }
        else
        {
            Done(decision, command, step, classified, result.RetryAfter);
        }

        return true;
    }

    /// <summary>An attempt failed: schedules the next one, or handles the final error.</summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="command">The command.</param>
    /// <param name="reach">How far the attempt came.</param>
    /// <param name="code">Why it failed.</param>
    /// <param name="message">The same for people.</param>
    /// <param name="retryAfter">The delay that the service requests before the next attempt, or null.</param>
    /// <param name="unevaluated">Why the arguments of the compensation cannot be evaluated from its answer, or null.</param>
    public static void AttemptFailed(
        DecisionBuilder decision, Outstanding command, AttemptReach reach, string code, string message, TimeSpan? retryAfter,
        string? unevaluated = null)
    {
        var report = command.Report?.Describe();
        command = command.After(reach) with { Report = null };
        decision.Replace(command);
        if (StepCall.For(decision, command) is not { } stepCall)
        {
            decision.Block(
                Commands.BlockedByWhat(command), $"Step '{command.Step}' cannot be retried: the values that it needs are gone.",
                command.Step, command);
            return;
        }

        decision.Note(
            HistoryKind.AttemptFailed, command.Step,
            ("attempt", command.Attempt), ("code", code), ("message", message), ("direction", command.Direction.ToText()),
            ("progress", report));

        // It did not take effect, or its effect needs no compensation.
        if (command.Interrupted && (command.Happened == Happening.No || !Interruption.CanBeCompensated(decision, stepCall.Step)))
        {
            Interruption.Finish(decision, command);
            return;
        }

        var attempts = command.Attempt - command.AttemptsBefore;
        var next = decision.Now + RetrySchedule.Delay(stepCall.Retry, command.CommandId, attempts, retryAfter);
        var compensating = command.Direction == StepDirection.Compensation;

        // Past the pivot a step is retried without end, unless a rule catches its final error, or the service did the work and its answer
        // cannot be used, which needs an operator.
        var final = Final(code, reach);
        var isUnusable = reach == AttemptReach.Done;
        var endless = !compensating && decision.Saga.PastPivot && !isUnusable && !Catches(decision, stepCall.Step, final);
        var allowed = endless || RetrySchedule.Allows(stepCall.Retry, attempts, command.RetriedAt ?? command.FirstSentAt, next);

        // Repeating the effect would be worse than an unusable answer.
        allowed &= compensating || !isUnusable || stepCall.Step.IsRepeatable;
        if (command.Interrupted)
        {
            allowed &= command.Attempt - command.InterruptedAt < Interruption.AttemptsMax && Interruption.MayAsk(command, stepCall.Step);
        }

        // No attempt starts after that time.
        var expired = next >= command.NotAfter;
        if (allowed && !expired)
        {
            decision.Replace(command with { Phase = AttemptPhase.BackingOff, DueAt = next, Resent = 0 });
            return;
        }

        decision.Note(HistoryKind.StepFailed, command.Step, ("code", final), ("direction", command.Direction.ToText()));
        var often = command.Attempt == 1 ? "once, with" : $"{command.Attempt} times, the last time with";
        var last = $"it failed {often} {code}: {message}"
            + (expired ? $" Its key is older than {Outstanding.LifeTime.TotalDays} days: no further attempt under it is allowed." : "");
        if (compensating)
        {
            decision.Block(BlockedBy.Compensation, $"Step '{command.Step}' cannot be compensated: {last}", command.Step, command);
        }
        else if (Interruption.RememberPossible(
            decision, command, stepCall.Step, final, $"Step '{command.Step}' did not succeed: {last}", unevaluated))
        {
            if (command.Interrupted)
            {
                Interruption.Finish(decision, command);
            }
            else
            {
                Failed(decision, command, stepCall.Step, final, $"Step '{command.Step}' did not succeed: {last}");
            }
        }
    }

    /// <summary>
    /// The broker rejected the command, and no role can take it any more. Its step fails at once, because another attempt would be rejected
    /// as well.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="command">The command; it is not a compensation.</param>
    /// <param name="reason">Why it was rejected, for people.</param>
    public static void NeverTaken(DecisionBuilder decision, Outstanding command, string reason)
    {
        var message = $"Step '{command.Step}' cannot be sent: {reason}";
        decision.Unblock(blockage => blockage.CommandId == command.CommandId);
        decision.Note(
            HistoryKind.StepFailed, command.Step,
            ("code", StepCodes.Undeliverable), ("message", message), ("direction", command.Direction.ToText()));
        var step = decision.Facts.Step(command.Step);
        if (!Interruption.RememberPossible(decision, command, step, StepCodes.Undeliverable, message))
        {
            return;
        }

        if (command.Interrupted)
        {
            Interruption.Cancelled(decision, command);
        }
        else
        {
            decision.Remove(command);
            Failed(decision, command, step, StepCodes.Undeliverable, message);
        }
    }

    /// <summary>An operator says that a step of unknown outcome was not done: it fails as it would have.</summary>
    public static void NotDone(DecisionBuilder decision, Outstanding command, Blockage blockage) =>
        Failed(
            decision, command, decision.Facts.Step(command.Step), blockage.Code ?? StepCodes.StepFailed,
            blockage.Failure ?? blockage.Reason);

    /// <summary>
    /// Records a completed step for its compensation. False if the arguments for it cannot be evaluated, which blocks the saga.
    /// </summary>
    public static bool Remember(DecisionBuilder decision, Outstanding command, CallStep step, CelValue value)
    {
        if (!Interruption.CanBeCompensated(decision, step))
        {
            return true;
        }

        var compensation = step.Compensation!;
        string? problem = null;
        if (command.ArgumentsIfUnknown is not { } arguments
            && !CallArguments.TryEvaluate(
                compensation.Invocation, AfterSave(decision, command, step, value), out arguments, out _, out problem))
        {
            decision.Block(
                Commands.BlockedByWhat(command),
                $"Step '{step.Id}' completed, but the arguments of its compensation cannot be evaluated: {problem!.TrimEnd('.', ' ')}. "
                + "'skip' continues without compensating it.",
                step.Id, command);
            return false;
        }

        Compensations.Remember(decision, command, step, StoredOrder.Sort(arguments), SagaItemStatus.Completed);
        return true;
    }

    // `data` as the step saves it, even if the step was interrupted and nothing of it is kept. A field that cannot be saved cannot be read
    // either, because its earlier value belongs to another call.
    private static SagaScope AfterSave(DecisionBuilder decision, Outstanding command, CallStep step, CelValue value)
    {
        var id = step.Compensation!.WhenUnknown == WhenUnknown.Run ? command.CommandId : (CommandId?)null;
        var saga = decision.Saga;
        var saves = Assignments.TryApply(
            step.Save, EachItems.ScopeOf(decision, command, decision.Now, value, id), saga.Data, out var saved, out _);
        return EachItems.ScopeOf(
            decision, command, decision.Now, value, id, saga with { Data = saves ? saved : saga.Data },
            unreadable: saves ? [] : step.Save);
    }

    // Remote workers may write to the topic of the workers' results. They must not decide what happens to effects of Onex or to children.
    private static bool RunsOnWorkers(CallStep step, StepDirection direction) =>
        (direction == StepDirection.Forward ? step.Role : step.Compensation?.Role) is CallRole.Compute or CallRole.Remote;

    // The service did the work, but its answer cannot be used. The answer may still provide the arguments of the compensation.
    private static (Outstanding Command, ClassifiedResult Classified) Evaluate(
        DecisionBuilder decision, Outstanding command, CallStep step, ClassifiedResult classified)
    {
        if (!Interruption.CanBeCompensated(decision, step) || step.Compensation is { WhenUnknown: WhenUnknown.Run })
        {
            return (command, classified);
        }

        var scope = AfterSave(decision, command, step, classified.Value);
        return CallArguments.TryEvaluate(step.Compensation!.Invocation, scope, out var arguments, out _, out var problem)
            ? (command with { ArgumentsIfDone = StoredOrder.Sort(arguments) }, classified)
            : (command, classified with { Unevaluated = problem });
    }

    // A service's rejection is the outcome of every attempt under the key. An attempt that was not sent says nothing about those before it.
    private static Outstanding Rejected(DecisionBuilder decision, Outstanding command, ClassifiedResult classified)
    {
        var answered = command.After(classified.Reach);
        answered = classified.Reach == AttemptReach.Answered && answered.Happened == Happening.Unknown
            ? answered with { Happened = Happening.No }
            : answered;
        decision.Replace(answered);
        return answered;
    }

    private static void Done(
        DecisionBuilder decision, Outstanding command, CallStep step, ClassifiedResult classified, TimeSpan? retryAfter)
    {
        if (classified.Broken is { } broken)
        {
            decision.Note(HistoryKind.StepFailed, step.Id, ("code", StepCodes.ExpressionFailed), ("message", broken));
            command = command.After(classified.Reach);
            decision.Replace(command);
            if (Interruption.RememberPossible(decision, command, step, StepCodes.ExpressionFailed, broken, classified.Unevaluated))
            {
                Failed(decision, command, step, StepCodes.ExpressionFailed, broken);
            }

            return;
        }

        switch (classified.Outcome)
        {
            case StepOutcome.Completed:
                Completed(decision, command, step, classified.Value);
                break;
            case StepOutcome.Rejected:
                // The answer is final: a retry needs a new command.
                decision.Note(HistoryKind.StepRejected, step.Id, ("code", classified.Code), ("message", classified.Message));
                if (Interruption.RememberPossible(decision, command, step, classified.Code, classified.Message, classified.Unevaluated))
                {
                    decision.Remove(command);
                    Failed(decision, command, step, classified.Code, classified.Message);
                }

                break;
            default:
                AttemptFailed(
                    decision, command, classified.Reach, classified.Code, classified.Message, retryAfter, classified.Unevaluated);
                break;
        }
    }

    // The final failure of the step, or of one of its items.
    private static void Failed(DecisionBuilder decision, Outstanding command, CallStep step, string code, string message)
    {
        if (command.Item is null)
        {
            Flow.Fail(decision, step.Catch, step.Id, code, message, command);
        }
        else
        {
            EachItems.Failed(decision, command, code, message);
        }
    }

    private static void Completed(DecisionBuilder decision, Outstanding command, CallStep step, CelValue value)
    {
        if (command.Item is not null)
        {
            EachItems.Completed(decision, command, step, value);
            return;
        }

        decision.Note(HistoryKind.StepCompleted, step.Id, ("attempt", command.Attempt));
        var before = new SagaScope(decision.Plan, decision.Saga, decision.Now, value);
        var saves = Assignments.TryApply(step.Save, before, decision.Saga.Data, out var saved, out var problem);

        // It took effect, so it can be compensated even if its result cannot be saved.
        if (!Remember(decision, command, step, value))
        {
            return;
        }

        if (!saves)
        {
            command = command.After(AttemptReach.Done);
            decision.Replace(command);
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' saves as {problem}", command);
            return;
        }

        decision.Remove(command);
        Interruption.Freeze(decision);
        var saga = decision.Saga;
        decision.Saga = saga with
        {
            Data = saved,
            Results = step.ResultIsRead
                ? saga.Results.SetItem(step.Id, StoredOrder.Sort(Pruning.Keep(value, step.ResultPaths)))
                : saga.Results,
        };
        Flow.RunOn(decision, step.Id);
    }

    private static void Compensated(DecisionBuilder decision, Outstanding command, CallStep step, StepResultArrived result)
    {
        switch (result.Outcome)
        {
            case StepOutcome.Failed when result.Reached != AttemptReach.Done:
                AttemptFailed(
                    decision,
                    command,
                    result.Reached,
                    result.Code ?? StepCodes.StepFailed,
                    result.Message ?? "No reason was given.",
                    result.RetryAfter);
                return;
            case StepOutcome.Rejected:
                decision.Note(HistoryKind.StepRejected, step.Id, ("code", result.Code), ("direction", StepDirection.Compensation.ToText()));
                var answered = command with { Answered = true };
                decision.Replace(answered);
                decision.Block(
                    BlockedBy.Compensation,
                    $"Step '{step.Id}' cannot be compensated: the compensation was rejected with {result.Code}: {result.Message}",
                    step.Id, answered);
                return;
        }

        Compensations.Done(decision, command, SagaItemStatus.Compensated);
    }

    // The broker rejects this copy. If the command is interrupted and was sent only once, the next wake-up queries the ledger or cancels it
    // there.
    private static void Undeliverable(DecisionBuilder decision, Outstanding command, StepResultArrived result)
    {
        if (result.IsClosed)
        {
            // An earlier copy of the command may have reached the remote worker.
            var isUncertain = command.Resent > 0 && decision.Facts.Step(command.Step).Role == CallRole.Remote;
            command = isUncertain ? command.After(AttemptReach.Sent) : command;
            NeverTaken(decision, command, result.Message ?? "No reason was given.");
            return;
        }

        // A child has no ledger entry: it is cancelled before it starts, reports that, and so ends the step.
        if (command is { Direction: StepDirection.Forward, Interrupted: false, Attempt: 1, Resent: 0 }
            && decision.Facts.Step(command.Step).Role == CallRole.Saga)
        {
            decision.Note(
                HistoryKind.AttemptFailed, command.Step,
                ("attempt", command.Attempt), ("code", StepCodes.Undeliverable), ("message", result.Message),
                ("direction", command.Direction.ToText()));
            Commands.CancelChild(decision, command);
            return;
        }

        if (command is { Interrupted: true, Attempt: 1, Resent: 0 })
        {
            decision.Replace(command with { DueAt = decision.Now });
            return;
        }

        decision.Block(
            Commands.BlockedByWhat(command), $"Step '{command.Step}' cannot be sent: {result.Message}", command.Step, command);
    }

    // The codes that a contract catches: causes of single attempts are in the history; the final failure has one of four names.
    private static string Final(string code, AttemptReach reach) =>
        reach == AttemptReach.Done && code != StepCodes.ExpressionFailed ? StepCodes.ResultInvalid
        : code is StepCodes.StepTimedOut or StepCodes.ResultInvalid or StepCodes.ExpressionFailed ? code : StepCodes.StepFailed;

    private static bool Catches(DecisionBuilder decision, CallStep step, string code)
    {
        if (step.Catch.Concat(decision.State.Catch).Any(rule => rule.Covers(code))
            || decision.Facts.At(step.Id) is EachStep { FailuresMax: not 0 })
        {
            return true;
        }

        // The join may do without the branch, or the parallel step has a rule that covers the code.
        return decision.Facts.SequenceOf(step.Id).Lanes
            .Select(lane => decision.Facts.Parallel(lane.Parallel))
            .Any(parallel => parallel.Join != Join.All || parallel.Catch.Any(rule => rule.Covers(code)));
    }
}
