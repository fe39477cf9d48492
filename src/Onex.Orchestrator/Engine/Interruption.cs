using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Engine;

/// <summary>
/// Interruption (contract-language, 6): what was in flight when a saga left is resolved. Cancelled or rejected: nothing to take back. Completed:
/// taken back. Unknown: the same command is sent again until its outcome is known, or its retry policy is used up.
/// </summary>
internal static class Interruption
{
    /// <summary>Interrupts what is in flight. The wake-up that follows at once asks the ledger to cancel it.</summary>
    public static void Interrupt(Transition transition) => Interrupt(transition, _ => true);

    /// <summary>The same for some of it.</summary>
    /// <param name="transition">The decision in the making.</param>
    /// <param name="which">Which of it.</param>
    /// <param name="kept">Whether what of it has happened stays done.</param>
    public static void Interrupt(Transition transition, Func<Outstanding, bool> which, bool kept = false)
    {
        Freeze(transition, always: true);
        foreach (var command in transition.Saga.Outstanding.Where(command => command is { Direction: StepDirections.Do, Interrupted: false } && which(command)))
        {
            transition.Note(HistoryKinds.StepInterrupted, command.Step, ("attempt", command.Attempt));
            var step = transition.Facts.Step(command.Step);

            // A computation changes nothing. What never left, and what has failed and could not be taken back anyway, concerns nobody any more.
            if (step.Kind == StepKind.Compute
                || command.NeverSent
                || command.Answered
                || (command.Phase == AttemptPhase.BackingOff && !CanBeTakenBack(transition, step)))
            {
                transition.Remove(command);
                continue;
            }

            transition.Replace(command with
            {
                Interrupted = true,
                Kept = kept,
                DueAt = transition.Now,
                Phase = Awake(command.Phase),
                ItemValue = EachItems.ValueOf(transition, command),
            });
        }

        // Interrupted before or just now: its retry policy begins anew.
        foreach (var stuck in transition.Saga.Outstanding.Where(command => command is { Phase: AttemptPhase.Stuck, Interrupted: true } && which(command)))
        {
            transition.Unblock(blockage => blockage.CommandId == stuck.CommandId);
            transition.Replace(stuck with
            {
                Phase = AttemptPhase.InFlight,
                DueAt = transition.Now,
                AttemptsBefore = stuck.Attempt,
                RetriedAt = transition.Now,
            });
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
                && (always || transition.Facts.ReadsChanging(command.Step)) && Callee.Of(transition, command) is { } callee)
            {
                transition.Replace(command with
                {
                    Arguments = callee.Arguments,
                    ArgumentsIfUnknown = callee.Step.Compensation is { WhenUnknown: true }
                        && TryArgumentsIfUnknown(transition, command, callee.Step, out var arguments, out _)
                        ? arguments
                        : null,
                });
            }
        }
    }

    /// <summary>Whether a step is taken back at all: not without a compensation, and not past the pivot.</summary>
    public static bool CanBeTakenBack(Transition transition, CallStep step) => step.Compensation is not null && !transition.Saga.PastPivot;

    /// <summary>What the result of an interrupted command means.</summary>
    public static void Resolve(Transition transition, Outstanding command, CallStep step, Verdict verdict, TimeSpan? retryAfter)
    {
        switch (verdict.Outcome)
        {
            case StepOutcome.Completed:
                transition.Note(HistoryKinds.StepCompleted, step.Id, ("attempt", command.Attempt), ("interrupted", true));
                if (Results.Remember(transition, command, step, verdict.Value))
                {
                    Settle(transition, command);
                }

                break;
            case StepOutcome.Rejected:
                transition.Note(
                    HistoryKinds.StepRejected, step.Id, ("code", verdict.Code), ("message", verdict.Message), ("interrupted", true));
                Settle(transition, command);
                break;
            default:
                Results.AttemptFailed(transition, command, verdict.Code, verdict.Message, retryAfter);
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
        transition.GoOn();
    }

    /// <summary>The retry policy of an interrupted command is used up, and nobody can tell whether it happened.</summary>
    public static void StillUnknown(Transition transition, Outstanding command, CallStep step, string last)
    {
        if (step.Compensation is not { WhenUnknown: true })
        {
            transition.Block(
                BlockedBy.Interrupted,
                $"Nobody can tell whether step '{step.Id}', which was interrupted, has happened: {last.TrimEnd('.')}. "
                + "Find out on the other side; then 'retry' asks once more, and 'skip' takes it as not done.",
                step.Id, command);
        }
        else if (RememberUnknown(transition, command, step))
        {
            Settle(transition, command);
        }
    }

    /// <summary>
    /// A step that finally failed may have happened all the same: with <c>when_unknown: run</c> it is taken back as if it had. False if that blocks.
    /// </summary>
    public static bool RememberUnknown(Transition transition, Outstanding command, CallStep step)
    {
        if (!CanBeTakenBack(transition, step) || !step.Compensation!.WhenUnknown)
        {
            return true;
        }

        var problem = "";
        if (command.ArgumentsIfUnknown is not { } arguments && !TryArgumentsIfUnknown(transition, command, step, out arguments, out problem))
        {
            transition.Block(
                Commands.BlockedByWhat(command),
                $"Step '{step.Id}' may have happened, but the arguments of its compensation cannot be worked out: {problem} "
                + "'skip' goes on without taking it back.",
                step.Id, command);
            return false;
        }

        Compensations.Remember(transition, command, step, arguments, SagaItemStatus.Unknown);
        return true;
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
