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

        // A completed or rejected result counts for any attempt, and so does the closing of an undeliverable command. A failed result
        // says nothing about later attempts.
        var countsForAnyAttempt = result.Outcome is StepOutcome.Completed or StepOutcome.Rejected || result.IsClosed;
        if (command is null || (!countsForAnyAttempt && (result.Attempt != command.Attempt || command.Phase != AttemptPhase.InFlight)))
        {
            return false;
        }

        // A final command has its answer or cannot be sent, so a further rejection or failure changes nothing. A completion that an
        // earlier attempt reports still counts.
        if (command.IsFinal && result.Outcome != StepOutcome.Completed)
        {
            return false;
        }

        var step = decision.Facts.Call(command.Step);

        // Remote workers may write to the topic of the workers' results. They must not decide what happens to effects of Onex or to
        // children.
        if (result.IsFromWorker && decision.Facts.RoleOf(command) is not (CallRole.Compute or CallRole.Remote))
        {
            return false;
        }

        if (result.Outcome == StepOutcome.Undeliverable)
        {
            // The command was already too old to be sent when it was retried or interrupted. The wake-up set then queries the ledger for
            // the outcome of earlier attempts; this result changes nothing.
            if (command.RetriedAt >= command.NotAfter)
            {
                return false;
            }

            HandleUndeliverable(decision, command, result);
            return true;
        }

        if (command.Direction == StepDirection.Compensation)
        {
            decision.Unblock(blockage => blockage.CommandId == command.CommandId);
            HandleCompensated(decision, command, step, result);
            return true;
        }

        var classified = ResultRules.Classify(decision, command, step, result);
        if (classified.Reach == AttemptReach.Done && (classified.Outcome != StepOutcome.Completed || classified.RuleProblem is not null))
        {
            // The saga knows already that the step took effect. An attempt that was sent since then calls the service again, and its
            // result counts instead.
            var isLate = classified.Outcome != StepOutcome.Rejected
                && (result.Attempt != command.Attempt || command.Phase != AttemptPhase.InFlight);
            if (isLate && command.TookEffect == TookEffect.Yes)
            {
                return false;
            }

            // An effect's attempt that was sent before this result arrived does not call the service: the ledger answers it. So the
            // arguments of the compensation must come from this answer.
            (command, classified) = WithCompensationArguments(decision, command, step, classified);
        }

        // The outcome has arrived after all, so the command no longer blocks the saga.
        decision.Unblock(blockage => blockage.CommandId == command.CommandId);
        if (classified.Outcome == StepOutcome.Rejected)
        {
            command = RecordRejection(decision, command, classified);
        }

        if (command.Interrupted)
        {
            Interruption.Resolve(decision, command, step, classified, result.RetryAfter);
        }
        else
        {
            HandleOutcome(decision, command, step, classified, result.RetryAfter);
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
    /// <param name="argumentsProblem">Why the arguments of the compensation cannot be evaluated from its answer, or null.</param>
    public static void FailAttempt(
        DecisionBuilder decision, Outstanding command, AttemptReach reach, string code, string message, TimeSpan? retryAfter,
        string? argumentsProblem = null)
    {
        var report = command.Report?.Describe();
        command = command.After(reach) with { Report = null };
        decision.Replace(command);
        if (StepCall.For(decision, command) is not { } stepCall)
        {
            decision.Block(
                Commands.BlockageKindOf(command), $"Step '{command.Step}' cannot be retried: the values that it needs are gone.",
                command.Step, command);
            return;
        }

        decision.Note(
            HistoryKind.AttemptFailed, command.Step,
            ("attempt", command.Attempt), ("code", code), ("message", message), ("direction", command.Direction.ToText()),
            ("progress", report));

        // The interrupted command did not take effect, or its effect needs no compensation.
        if (command.Interrupted && (command.TookEffect == TookEffect.No || !Interruption.CanBeCompensated(decision, stepCall.Step)))
        {
            Interruption.Finish(decision, command);
            return;
        }

        var attempts = command.Attempt - command.AttemptsBefore;
        var next = decision.Now + RetrySchedule.Delay(stepCall.Retry, command.CommandId, attempts, retryAfter);
        var isCompensation = command.Direction == StepDirection.Compensation;

        // Past the pivot a step is retried until its key expires, and not as its policy says, unless the contract handles its final error,
        // or the service did the work and its answer cannot be used.
        var final = FinalCode(code, reach);
        var isUnusable = reach == AttemptReach.Done;
        var isEndless = !isCompensation && decision.Saga.PastPivot && !isUnusable && !Catches(decision, stepCall.Step, final);
        var isAllowed = isEndless || RetrySchedule.Allows(stepCall.Retry, attempts, command.RetriedAt ?? command.FirstSentAt, next);

        // After an unusable answer only a repeatable step is called again, because a second effect would be worse than no answer.
        isAllowed &= isCompensation || !isUnusable || stepCall.Step.IsRepeatable;
        if (command.Interrupted)
        {
            isAllowed &= command.Attempt - command.InterruptedAttempt < Interruption.AttemptsMax
                && Interruption.AnotherAttemptHelps(command, stepCall.Step);
        }

        var isExpired = next >= command.NotAfter;
        if (isAllowed && !isExpired)
        {
            decision.Replace(command with { Phase = AttemptPhase.BackingOff, DueAt = next, Resends = 0 });
            return;
        }

        decision.Note(HistoryKind.StepFailed, command.Step, ("code", final), ("direction", command.Direction.ToText()));
        var howOften = command.Attempt == 1 ? "once, with" : $"{command.Attempt} times, the last time with";
        var last = $"it failed {howOften} {code}: {message}"
            + (isExpired ? $" No further attempt is allowed: its key is valid for {Outstanding.LifeTime.TotalDays} days." : "");
        if (isCompensation)
        {
            decision.Block(BlockedBy.Compensation, $"Step '{command.Step}' cannot be compensated: {last}", command.Step, command);
        }
        else if (Interruption.RecordPossibleEffect(
            decision, command, stepCall.Step, final, $"Step '{command.Step}' did not succeed: {last}", argumentsProblem))
        {
            if (command.Interrupted)
            {
                Interruption.Finish(decision, command);
            }
            else
            {
                HandleFailed(decision, command, stepCall.Step, final, $"Step '{command.Step}' did not succeed: {last}");
            }
        }
    }

    /// <summary>
    /// The broker rejected the command, and nothing more can be found out about it. Its step fails at once, because another attempt would
    /// be rejected as well.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="command">The command; it is not a compensation.</param>
    /// <param name="reason">Why the broker rejected it, for people.</param>
    public static void FailUndeliverable(DecisionBuilder decision, Outstanding command, string reason)
    {
        var message = $"Step '{command.Step}' cannot be sent: {reason}";
        decision.Unblock(blockage => blockage.CommandId == command.CommandId);
        decision.Note(
            HistoryKind.StepFailed, command.Step,
            ("code", StepCodes.Undeliverable), ("message", message), ("direction", command.Direction.ToText()));
        var step = decision.Facts.Call(command.Step);
        if (!Interruption.RecordPossibleEffect(decision, command, step, StepCodes.Undeliverable, message))
        {
            return;
        }

        if (command.Interrupted)
        {
            Interruption.HandleCancelled(decision, command);
        }
        else
        {
            decision.Remove(command);
            HandleFailed(decision, command, step, StepCodes.Undeliverable, message);
        }
    }

    /// <summary>Fails a step of unknown outcome with the failure of its last attempt, because an operator treats it as not done.</summary>
    public static void FailAsNotDone(DecisionBuilder decision, Outstanding command, Blockage blockage) =>
        HandleFailed(
            decision, command, decision.Facts.Call(command.Step), blockage.Code ?? StepCodes.StepFailed,
            blockage.Failure ?? blockage.Reason);

    /// <summary>
    /// Records a completed step for its compensation, if it can be compensated. False if the arguments for that cannot be evaluated, which
    /// blocks the saga.
    /// </summary>
    public static bool RecordForCompensation(DecisionBuilder decision, Outstanding command, CallStep step, CelValue value)
    {
        if (!Interruption.CanBeCompensated(decision, step))
        {
            return true;
        }

        var compensation = step.Compensation!;
        string? problem = null;

        // `when_unknown: run` fixed the arguments before the outcome was known; they apply to a completed step, too.
        if (command.ArgumentsIfUnknown is not { } arguments
            && !CallArguments.TryEvaluate(
                compensation.Invocation, AfterSave(decision, command, step, value), out arguments, out _, out problem))
        {
            decision.Block(
                Commands.BlockageKindOf(command),
                $"Step '{step.Id}' completed, but the arguments of its compensation cannot be evaluated: {problem!.TrimEnd('.', ' ')}. "
                + "'skip' continues without compensating it.",
                step.Id, command);
            return false;
        }

        Compensations.Record(decision, command, step, StoredOrder.Sort(arguments), SagaItemStatus.Completed);
        return true;
    }

    // `data` as the step saves it, even if the step was interrupted and nothing of it is kept. If one field cannot be saved, none of the
    // step's fields can be read, because their earlier values belong to another call.
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

    // The service did the work, but its answer cannot be used. The answer may still provide the arguments of the compensation.
    private static (Outstanding Command, ClassifiedResult Classified) WithCompensationArguments(
        DecisionBuilder decision, Outstanding command, CallStep step, ClassifiedResult classified)
    {
        if (!Interruption.CanBeCompensated(decision, step) || step.Compensation is { WhenUnknown: WhenUnknown.Run })
        {
            return (command, classified);
        }

        var scope = AfterSave(decision, command, step, classified.Value);
        return CallArguments.TryEvaluate(step.Compensation!.Invocation, scope, out var arguments, out _, out var problem)
            ? (command with { ArgumentsIfDone = StoredOrder.Sort(arguments) }, classified)
            : (command, classified with { ArgumentsProblem = problem });
    }

    // A service's rejection holds for every attempt under the key. One before anything was sent says nothing about earlier attempts.
    private static Outstanding RecordRejection(DecisionBuilder decision, Outstanding command, ClassifiedResult classified)
    {
        var rejected = command.After(classified.Reach);
        if (classified.Reach == AttemptReach.Answered && rejected.TookEffect == TookEffect.Unknown)
        {
            rejected = rejected with { TookEffect = TookEffect.No };
        }

        decision.Replace(rejected);
        return rejected;
    }

    private static void HandleOutcome(
        DecisionBuilder decision, Outstanding command, CallStep step, ClassifiedResult classified, TimeSpan? retryAfter)
    {
        if (classified.RuleProblem is { } ruleProblem)
        {
            decision.Note(HistoryKind.StepFailed, step.Id, ("code", StepCodes.ExpressionFailed), ("message", ruleProblem));
            command = command.After(classified.Reach);
            decision.Replace(command);
            if (Interruption.RecordPossibleEffect(
                decision, command, step, StepCodes.ExpressionFailed, ruleProblem, classified.ArgumentsProblem))
            {
                HandleFailed(decision, command, step, StepCodes.ExpressionFailed, ruleProblem);
            }

            return;
        }

        switch (classified.Outcome)
        {
            case StepOutcome.Completed:
                HandleCompleted(decision, command, step, classified.Value);
                break;
            case StepOutcome.Rejected:
                // The answer is final: a retry needs a new command.
                decision.Note(HistoryKind.StepRejected, step.Id, ("code", classified.Code), ("message", classified.Message));
                if (Interruption.RecordPossibleEffect(
                    decision, command, step, classified.Code, classified.Message, classified.ArgumentsProblem))
                {
                    decision.Remove(command);
                    HandleFailed(decision, command, step, classified.Code, classified.Message);
                }

                break;
            default:
                FailAttempt(
                    decision, command, classified.Reach, classified.Code, classified.Message, retryAfter, classified.ArgumentsProblem);
                break;
        }
    }

    // Handles the final failure of a step or of one of its items.
    private static void HandleFailed(DecisionBuilder decision, Outstanding command, CallStep step, string code, string message)
    {
        if (command.Item is null)
        {
            Flow.Fail(decision, step.Catch, step.Id, code, message, command);
        }
        else
        {
            EachItems.HandleFailed(decision, command, code, message);
        }
    }

    private static void HandleCompleted(DecisionBuilder decision, Outstanding command, CallStep step, CelValue value)
    {
        if (command.Item is not null)
        {
            EachItems.HandleCompleted(decision, command, step, value);
            return;
        }

        decision.Note(HistoryKind.StepCompleted, step.Id, ("attempt", command.Attempt));
        var before = new SagaScope(decision.Plan, decision.Saga, decision.Now, value);
        var saves = Assignments.TryApply(step.Save, before, decision.Saga.Data, out var saved, out var problem);

        // The step took effect, so it can be compensated even if its result cannot be saved.
        if (!RecordForCompensation(decision, command, step, value))
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
        Interruption.FreezeArguments(decision);
        var saga = decision.Saga;
        decision.Saga = saga with
        {
            Data = saved,
            Results = step.ResultIsRead
                ? saga.Results.SetItem(step.Id, StoredOrder.Sort(Pruning.Keep(value, step.ResultPaths)))
                : saga.Results,
        };
        Flow.RunNext(decision, step.Id);
    }

    private static void HandleCompensated(DecisionBuilder decision, Outstanding command, CallStep step, StepResultArrived result)
    {
        switch (result.Outcome)
        {
            case StepOutcome.Failed when result.Reached != AttemptReach.Done:
                FailAttempt(
                    decision,
                    command,
                    result.Reached,
                    result.Code ?? StepCodes.StepFailed,
                    result.Message ?? "No reason was given.",
                    result.RetryAfter);
                return;
            case StepOutcome.Rejected:
                decision.Note(HistoryKind.StepRejected, step.Id, ("code", result.Code), ("direction", StepDirection.Compensation.ToText()));
                var rejected = command with { IsFinal = true };
                decision.Replace(rejected);
                decision.Block(
                    BlockedBy.Compensation,
                    $"Step '{step.Id}' cannot be compensated: the compensation was rejected with {result.Code}: {result.Message}",
                    step.Id, rejected);
                return;
        }

        // Also if it failed with `Done`: it took effect, and nobody reads its answer.
        Compensations.Finish(decision, command, SagaItemStatus.Compensated);
    }

    // The broker rejects this copy. A closed command fails, a child that no copy can have started is cancelled, and an interrupted command
    // that was sent only once is looked up or cancelled in the ledger by the next wake-up. Any other command blocks the saga.
    private static void HandleUndeliverable(DecisionBuilder decision, Outstanding command, StepResultArrived result)
    {
        if (result.IsClosed)
        {
            // An earlier copy of the command may have reached the remote worker.
            var isUncertain = command.Resends > 0 && decision.Facts.Call(command.Step).Role == CallRole.Remote;
            command = isUncertain ? command.After(AttemptReach.Sent) : command;
            FailUndeliverable(decision, command, result.Message ?? "No reason was given.");
            return;
        }

        // The broker rejected the start of a child. Its cancellation is small, because it has no input; it cancels the child before start,
        // and the child's response ends the step.
        if (command is { Direction: StepDirection.Forward, Interrupted: false, Attempt: 1, Resends: 0 }
            && decision.Facts.Call(command.Step).Role == CallRole.Saga)
        {
            decision.Note(
                HistoryKind.AttemptFailed, command.Step,
                ("attempt", command.Attempt), ("code", StepCodes.Undeliverable), ("message", result.Message),
                ("direction", command.Direction.ToText()));
            Commands.CancelChild(decision, command);
            return;
        }

        if (command is { Interrupted: true, Attempt: 1, Resends: 0 })
        {
            decision.Replace(command with { DueAt = decision.Now });
            return;
        }

        decision.Block(
            Commands.BlockageKindOf(command), $"Step '{command.Step}' cannot be sent: {result.Message}", command.Step, command);
    }

    // A contract catches the failure of the last attempt by one of four codes. The codes of single attempts are only in the history. A
    // command that cannot be sent fails with a fifth code, `undeliverable` (FailUndeliverable).
    private static string FinalCode(string code, AttemptReach reach) =>
        reach == AttemptReach.Done && code != StepCodes.ExpressionFailed ? StepCodes.ResultInvalid
        : code is StepCodes.StepTimedOut or StepCodes.ResultInvalid or StepCodes.ExpressionFailed ? code : StepCodes.StepFailed;

    private static bool Catches(DecisionBuilder decision, CallStep step, string code)
    {
        if (step.Catch.Concat(decision.State.Catch).Any(rule => rule.Covers(code))
            || decision.Facts.Step(step.Id) is EachStep { FailuresMax: not 0 })
        {
            return true;
        }

        // The join may do without the branch, or the parallel step has a rule that covers the code.
        return decision.Facts.SequenceOf(step.Id).EnclosingBranches
            .Select(branch => decision.Facts.Parallel(branch.Parallel))
            .Any(parallel => parallel.Join != Join.All || parallel.Catch.Any(rule => rule.Covers(code)));
    }
}
