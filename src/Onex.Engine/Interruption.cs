using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Interruption (docs/contract-language.md#compensation): commands are resolved when a saga leaves their state or branch. One that took no
/// effect is removed, a completed one is recorded for its compensation. If the outcome is unknown, the same command is sent a few more
/// times to find out (<see cref="AttemptsMax"/>); after that, the contract's <c>when_unknown</c> or an operator decides.
/// </summary>
internal static class Interruption
{
    /// <summary>
    /// The maximum number of further attempts that find out the outcome of an interrupted step. A smaller limit of its retry policy takes
    /// precedence. After them the outcome stays unknown.
    /// </summary>
    public const int AttemptsMax = 3;

    /// <summary>Interrupts all commands of steps. The next wake-up follows at once and cancels effects that no role has claimed.</summary>
    public static void Interrupt(DecisionBuilder decision) => Interrupt(decision, _ => true);

    /// <summary>Interrupts some of the commands of steps.</summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="which">Selects the commands.</param>
    /// <param name="kept">Whether effects that took place are kept.</param>
    public static void Interrupt(DecisionBuilder decision, Func<Outstanding, bool> which, bool kept = false)
    {
        FreezeArguments(decision, always: true);

        // The outcome of commands that were interrupted before and are stuck is looked up again.
        var stuck = decision.Saga.Outstanding.Where(
            command => command is { Phase: AttemptPhase.Stuck, Interrupted: true } && which(command)).ToList();
        foreach (var command in decision.Saga.Outstanding.Where(
            command => command is { Direction: StepDirection.Forward, Interrupted: false } && which(command)))
        {
            decision.Note(
                HistoryKind.StepInterrupted, command.Step, ("attempt", command.Attempt), ("progress", command.Report?.Describe()));
            var step = decision.Facts.Call(command.Step);

            // Nothing is left to find out: it is a computation, was never sent, has a final answer, or its last attempt has ended and it
            // did not take effect or cannot be compensated.
            if (step.Role == CallRole.Compute
                || command.NeverSent
                || command.IsFinal
                || (command.IsIdle && (command.TookEffect == TookEffect.No || !CanBeCompensated(decision, step))))
            {
                decision.Remove(command);
                continue;
            }

            var interrupted = command with
            {
                Interrupted = true,
                Kept = kept,

                // A remote worker has no ledger to look up: its result is awaited until the attempt is due.
                DueAt = step.Role == CallRole.Remote && command.Phase == AttemptPhase.InFlight ? command.DueAt : decision.Now,
                Phase = command.Phase == AttemptPhase.Held ? AttemptPhase.InFlight : command.Phase,
                InterruptedAttempt = command.Attempt,
                ItemValue = EachItems.ValueOf(decision, command),
            };
            decision.Replace(interrupted);
            if (interrupted.Phase == AttemptPhase.Stuck || (interrupted.IsIdle && !AnotherAttemptHelps(interrupted, step)))
            {
                stuck.Add(interrupted);
            }
        }

        foreach (var command in stuck)
        {
            var step = decision.Facts.Call(command.Step);
            decision.Unblock(blockage => blockage.CommandId == command.CommandId);
            if (AnotherAttemptHelps(command, step) || !command.IsIdle)
            {
                decision.Replace(command with
                {
                    // If the latest attempt has ended, the next one follows at once. Otherwise, or if none may follow, the ledger is
                    // queried first.
                    Phase = command.IsIdle && command.NotAfter > decision.Now ? AttemptPhase.BackingOff : AttemptPhase.InFlight,
                    DueAt = decision.Now,
                    AttemptsBefore = command.Attempt,
                    InterruptedAttempt = command.Attempt,
                    RetriedAt = decision.Now,
                });
            }
            else if (RecordPossibleEffect(decision, command, step, StepCodes.ResultInvalid, "its answer was not understood"))
            {
                decision.Remove(command);
            }
        }
    }

    /// <summary>
    /// Stores the arguments of commands in flight before the values that they are computed from change, so that every attempt under one key
    /// has the same arguments.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="always">Whether the commands are interrupted, so that any of those values may be removed altogether.</param>
    public static void FreezeArguments(DecisionBuilder decision, bool always = false)
    {
        foreach (var command in decision.Saga.Outstanding)
        {
            if (command.Direction == StepDirection.Forward && command.Arguments is null
                && (always || decision.Facts.ReadsChangingValues(command.Step)) && StepCall.For(decision, command) is { } stepCall)
            {
                decision.Replace(command with
                {
                    Arguments = stepCall.Arguments,
                    ArgumentsIfUnknown = stepCall.Step.Compensation is { WhenUnknown: WhenUnknown.Run }
                        && TryArgumentsIfUnknown(decision, command, stepCall.Step, out var arguments, out _)
                        ? arguments
                        : null,
                });
            }
        }
    }

    /// <summary>Whether a step can be compensated: it has a compensation, and the saga is before the pivot.</summary>
    public static bool CanBeCompensated(DecisionBuilder decision, CallStep step) =>
        step.Compensation is not null && !decision.Saga.PastPivot;

    /// <summary>
    /// Whether another attempt can find out more about an interrupted command: whether it took effect, or an answer from which the
    /// arguments of its compensation can be evaluated.
    /// </summary>
    public static bool AnotherAttemptHelps(Outstanding command, CallStep step) => command.TookEffect != TookEffect.Yes
        || (step.IsRepeatable && command.ArgumentsIfDone is null && step.Compensation is { WhenUnknown: WhenUnknown.Block });

    /// <summary>Handles the result of an interrupted command.</summary>
    public static void Resolve(
        DecisionBuilder decision, Outstanding command, CallStep step, ClassifiedResult classified, TimeSpan? retryAfter)
    {
        switch (classified.Outcome)
        {
            case StepOutcome.Completed:
                decision.Note(HistoryKind.StepCompleted, step.Id, ("attempt", command.Attempt), ("interrupted", true));
                if (Results.RecordForCompensation(decision, command, step, classified.Value))
                {
                    Finish(decision, command);
                }

                break;
            case StepOutcome.Rejected:
                decision.Note(
                    HistoryKind.StepRejected, step.Id, ("code", classified.Code), ("message", classified.Message), ("interrupted", true));
                if (RecordPossibleEffect(decision, command, step, classified.Code, classified.Message, classified.ArgumentsProblem))
                {
                    Finish(decision, command);
                }

                break;
            default:
                Results.FailAttempt(
                    decision, command, classified.Reach, classified.Code, classified.Message, retryAfter, classified.ArgumentsProblem);
                break;
        }
    }

    /// <summary>Handles an interrupted command that was cancelled or closed before any attempt of it could begin.</summary>
    public static void HandleCancelled(DecisionBuilder decision, Outstanding command)
    {
        decision.Note(HistoryKind.StepCancelled, command.Step, ("attempt", command.Attempt));
        Finish(decision, command);
    }

    /// <summary>Removes a command whose outcome is resolved, and continues the saga.</summary>
    public static void Finish(DecisionBuilder decision, Outstanding command)
    {
        decision.Remove(command);
        Flow.Continue(decision);
    }

    /// <summary>
    /// Handles the last attempt of a step. If the step took effect or may have, and can be compensated, records it for its compensation.
    /// If the arguments for that are not known, treats it as not done or blocks the saga, as <c>when_unknown</c> says. True if it can end.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="command">The command, including the last attempt.</param>
    /// <param name="step">Its step.</param>
    /// <param name="code">The code with which the step fails.</param>
    /// <param name="lastOutcome">The outcome of its last attempt, for people.</param>
    /// <param name="argumentsProblem">Why the arguments of its compensation could not be evaluated from its answer, or null.</param>
    public static bool RecordPossibleEffect(
        DecisionBuilder decision, Outstanding command, CallStep step, string code, string lastOutcome, string? argumentsProblem = null)
    {
        if (command.TookEffect == TookEffect.No || step.Role == CallRole.Compute || !CanBeCompensated(decision, step))
        {
            return true;
        }

        var (policy, problem) = (step.Compensation!.WhenUnknown, argumentsProblem);
        RawJson? arguments = null;
        if (policy == WhenUnknown.Run)
        {
            arguments = command.ArgumentsIfUnknown
                ?? (TryArgumentsIfUnknown(decision, command, step, out var evaluated, out problem) ? evaluated : null);
        }
        else if (command.TookEffect == TookEffect.Yes)
        {
            arguments = command.ArgumentsIfDone;
        }

        if (arguments is { } known)
        {
            var outcome = command.TookEffect == TookEffect.Yes && command.Interrupted ? SagaItemStatus.Completed : SagaItemStatus.Unknown;
            Compensations.Record(decision, command, step, known, outcome);
            return true;
        }

        if (policy == WhenUnknown.AssumeNotDone)
        {
            return true;
        }

        var what = (policy, command.TookEffect) switch
        {
            (WhenUnknown.Run, _) =>
                $"Step '{step.Id}' may have taken effect, but the arguments of its compensation cannot be evaluated: {problem}",
            (_, TookEffect.Yes) =>
                $"Step '{step.Id}' took effect, but its answer cannot be used, so it cannot be compensated: {problem ?? lastOutcome}",
            _ => $"It is unknown whether the {(command.Interrupted ? "interrupted " : "")}step '{step.Id}' took effect: {lastOutcome}",
        };
        decision.Block(
            command.Interrupted ? BlockedBy.Interrupted : BlockedBy.Unknown,
            $"{what.TrimEnd('.', ' ')}. Find out at the service; then 'retry' sends it again under the same key, and 'skip' treats it as "
                + "not done.",
            step.Id, command, code, lastOutcome);
        return false;
    }

    private static bool TryArgumentsIfUnknown(
        DecisionBuilder decision, Outstanding command, CallStep step, out RawJson arguments, out string? problem)
    {
        var scope = EachItems.ScopeOf(decision, command, command.FirstSentAt, commandId: command.CommandId);
        if (!CallArguments.TryEvaluate(step.Compensation!.Invocation, scope, out arguments, out _, out problem))
        {
            return false;
        }

        arguments = StoredOrder.Sort(arguments);
        return true;
    }
}
