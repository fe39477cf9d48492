using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Interruption (docs/contract-language.md#compensation): what was in flight when a saga left is resolved. Cancelled or rejected: nothing to take back. Completed:
/// taken back. Not sent: over at once. Unknown: the same command is sent a few times more to find out (<see cref="AttemptsMax"/>), then it stays
/// unknown, and the contract's <c>when_unknown</c> or an operator decides.
/// </summary>
internal static class Interruption
{
    /// <summary>
    /// How many further attempts find out the outcome of a step that was interrupted, at most; fewer if its retry policy allows fewer. Then it stays
    /// unknown.
    /// </summary>
    public const int AttemptsMax = 3;

    /// <summary>Interrupts what is in flight. The wake-up that follows at once asks the ledger to cancel it.</summary>
    public static void Interrupt(Transition transition) => Interrupt(transition, _ => true);

    /// <summary>The same for some of it.</summary>
    /// <param name="transition">The decision in the making.</param>
    /// <param name="which">Which of it.</param>
    /// <param name="kept">Whether what of it has happened stays done.</param>
    public static void Interrupt(Transition transition, Func<Outstanding, bool> which, bool kept = false)
    {
        Freeze(transition, always: true);

        // Interrupted before, and stuck: its outcome is looked for anew.
        var stuck = transition.Saga.Outstanding.Where(command => command is { Phase: AttemptPhase.Stuck, Interrupted: true } && which(command)).ToList();
        foreach (var command in transition.Saga.Outstanding.Where(command => command is { Direction: StepDirections.Do, Interrupted: false } && which(command)))
        {
            transition.Note(HistoryKinds.StepInterrupted, command.Step, ("attempt", command.Attempt));
            var step = transition.Facts.Step(command.Step);

            // A computation changes nothing. What never left or has not happened, and what has ended and could not be compensated anyway, concerns
            // nobody any more.
            if (step.Kind == StepKind.Compute
                || command.NeverSent
                || command.Answered
                || (command.IsIdle && (command.Happened == Happening.No || !CanBeCompensated(transition, step))))
            {
                transition.Remove(command);
                continue;
            }

            var interrupted = command with
            {
                Interrupted = true,
                Kept = kept,
                DueAt = transition.Now,
                Phase = Awake(command.Phase),
                InterruptedAt = command.Attempt,
                ItemValue = EachItems.ValueOf(transition, command),
            };
            transition.Replace(interrupted);
            if (interrupted.Phase == AttemptPhase.Stuck || (interrupted.IsIdle && !MayAsk(interrupted, step)))
            {
                stuck.Add(interrupted);
            }
        }

        foreach (var command in stuck)
        {
            var step = transition.Facts.Step(command.Step);
            transition.Unblock(blockage => blockage.CommandId == command.CommandId);
            if (MayAsk(command, step) || !command.IsIdle)
            {
                transition.Replace(command with
                {
                    // One that has ended is followed by another at once; of any other, or where none may follow, the ledger is asked first.
                    Phase = command.IsIdle && command.NotAfter > transition.Now ? AttemptPhase.BackingOff : AttemptPhase.InFlight,
                    DueAt = transition.Now,
                    AttemptsBefore = command.Attempt,
                    InterruptedAt = command.Attempt,
                    RetriedAt = transition.Now,
                });
            }
            else if (RememberPossible(transition, command, step, StepCodes.ResultInvalid, "its answer was not understood"))
            {
                transition.Remove(command);
            }
        }
    }

    /// <summary>
    /// Before anything changes that arguments are worked out from: those of what is in flight are kept, so that every attempt under the one key
    /// goes on saying the same.
    /// </summary>
    /// <param name="transition">The decision in the making.</param>
    /// <param name="always">Whether the saga leaves, so that what they are worked out from may be gone altogether.</param>
    public static void Freeze(Transition transition, bool always = false)
    {
        foreach (var command in transition.Saga.Outstanding)
        {
            if (command.Direction == StepDirections.Do && command.Arguments is null
                && (always || transition.Facts.ReadsChanging(command.Step)) && StepCall.Of(transition, command) is { } stepCall)
            {
                transition.Replace(command with
                {
                    Arguments = stepCall.Arguments,
                    ArgumentsIfUnknown = stepCall.Step.Compensation is { WhenUnknown: WhenUnknown.Run }
                        && TryArgumentsIfUnknown(transition, command, stepCall.Step, out var arguments, out _)
                        ? arguments
                        : null,
                });
            }
        }
    }

    /// <summary>Whether a step is taken back at all: not without a compensation, and not past the pivot.</summary>
    public static bool CanBeCompensated(Transition transition, CallStep step) => step.Compensation is not null && !transition.Saga.PastPivot;

    /// <summary>
    /// Whether another attempt can tell more of an interrupted command: whether it happened, or an answer from which the arguments of its compensation
    /// can be evaluated.
    /// </summary>
    public static bool MayAsk(Outstanding command, CallStep step) => command.Happened != Happening.Yes
        || (step.IsRepeatable && command.ArgumentsIfDone is null && step.Compensation is { WhenUnknown: WhenUnknown.Block });

    /// <summary>What the result of an interrupted command means.</summary>
    public static void Resolve(Transition transition, Outstanding command, CallStep step, ClassifiedResult classified, TimeSpan? retryAfter)
    {
        switch (classified.Outcome)
        {
            case StepOutcome.Completed:
                transition.Note(HistoryKinds.StepCompleted, step.Id, ("attempt", command.Attempt), ("interrupted", true));
                if (Results.Remember(transition, command, step, classified.Value))
                {
                    Settle(transition, command);
                }

                break;
            case StepOutcome.Rejected:
                transition.Note(
                    HistoryKinds.StepRejected, step.Id, ("code", classified.Code), ("message", classified.Message), ("interrupted", true));
                if (RememberPossible(transition, command, step, classified.Code, classified.Message, classified.Unevaluated))
                {
                    Settle(transition, command);
                }

                break;
            default:
                Results.AttemptFailed(transition, command, classified.Reach, classified.Code, classified.Message, retryAfter, classified.Unevaluated);
                break;
        }
    }

    /// <summary>The ledger cancelled it before anyone took it: it has not happened and never will.</summary>
    public static void Cancelled(Transition transition, Outstanding command)
    {
        transition.Note(HistoryKinds.StepCancelled, command.Step, ("attempt", command.Attempt));
        Settle(transition, command);
    }

    /// <summary>It is resolved: there is nothing more to find out.</summary>
    public static void Settle(Transition transition, Outstanding command)
    {
        transition.Remove(command);
        transition.Continue();
    }

    /// <summary>
    /// No further attempt is made. A step that happened, or may have, is remembered for its compensation, as far as <c>when_unknown</c> and the
    /// compensation's arguments allow; else the saga is blocked. True if that is settled: the step can end.
    /// </summary>
    /// <param name="transition">The decision in the making.</param>
    /// <param name="command">The command, with what is known of its attempts.</param>
    /// <param name="step">Its step.</param>
    /// <param name="code">How the step fails.</param>
    /// <param name="last">What its last attempt came to, for people.</param>
    /// <param name="unevaluated">Why the arguments of its compensation could not be evaluated from its answer, or null.</param>
    public static bool RememberPossible(
        Transition transition, Outstanding command, CallStep step, string code, string last, string? unevaluated = null)
    {
        if (command.Happened == Happening.No || step.Kind == StepKind.Compute || !CanBeCompensated(transition, step))
        {
            return true;
        }

        var (policy, problem) = (step.Compensation!.WhenUnknown, unevaluated);
        RawJson? arguments = null;
        if (policy == WhenUnknown.Run)
        {
            arguments = command.ArgumentsIfUnknown ?? (TryArgumentsIfUnknown(transition, command, step, out var evaluated, out problem) ? evaluated : null);
        }
        else if (command.Happened == Happening.Yes)
        {
            arguments = command.ArgumentsIfDone;
        }

        if (arguments is { } known)
        {
            var outcome = command.Happened == Happening.Yes && command.Interrupted ? SagaItemStatus.Completed : SagaItemStatus.Unknown;
            Compensations.Remember(transition, command, step, known, outcome);
            return true;
        }

        if (policy == WhenUnknown.AssumeNotDone)
        {
            return true;
        }

        var what = (policy, command.Happened) switch
        {
            (WhenUnknown.Run, _) => $"Step '{step.Id}' may have happened, but the arguments of its compensation cannot be evaluated: {problem}",
            (_, Happening.Yes) => $"Step '{step.Id}' happened, but its answer cannot be used, so that it cannot be compensated: {problem ?? last}",
            _ => $"Nobody can tell whether step '{step.Id}'{(command.Interrupted ? ", which was interrupted," : "")} has happened: {last}",
        };
        transition.Block(
            command.Interrupted ? BlockedBy.Interrupted : BlockedBy.Unknown,
            $"{what.TrimEnd('.', ' ')}. Find out on the other side; then 'retry' asks once more under the same key, and 'skip' takes it as not done.",
            step.Id, command, code, last);
        return false;
    }

    private static AttemptPhase Awake(AttemptPhase phase) => phase == AttemptPhase.Held ? AttemptPhase.InFlight : phase;

    private static bool TryArgumentsIfUnknown(
        Transition transition, Outstanding command, CallStep step, out RawJson arguments, out string? problem)
    {
        var scope = EachItems.ScopeOf(transition, command, command.FirstSentAt, commandId: command.CommandId);
        if (!ValueJson.TryEvaluate(step.Compensation!.Invocation.Arguments, scope, out arguments, out problem))
        {
            return false;
        }

        arguments = StoredOrder.Of(arguments);
        return true;
    }
}
