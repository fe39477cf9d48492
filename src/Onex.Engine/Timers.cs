using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// Handles a wake-up: the deadline, the state's timeout, the end of a wait, the next attempt, or a look-up of the outcome of an overdue
/// attempt (docs/architecture.md#8-the-result-moves-the-saga).
/// </summary>
internal static class Timers
{
    public static bool Decide(Transition transition, TimerFired timer)
    {
        var due = transition.Saga.Outstanding.Where(command => IsDue(transition.Saga, command, transition.Now))
            .OrderBy(command => command.DueAt)
            .ToList();
        var changed = EndOfDelay(transition);
        changed |= Contracted(transition);
        changed |= EachItems.Take(transition, timer.Items);
        foreach (var command in due)
        {
            // An earlier part of this wake-up may have ended or interrupted it. The next wake-up looks it up.
            if (!transition.Saga.Outstanding.Contains(command))
            {
                continue;
            }

            changed = true;
            if (command.Phase == AttemptPhase.BackingOff)
            {
                Commands.SendAgain(transition, command, command.Attempt + 1, resent: 0);
            }
            else
            {
                LookUpOutcome(transition, command, timer.Leases.GetValueOrDefault(command.CommandId));
            }
        }

        return changed;
    }

    /// <summary>
    /// The effects whose ledger entry a wake-up at that time needs. Those of <see cref="ToCancel"/> are excluded, because the cancellation
    /// returns the entry.
    /// </summary>
    public static IEnumerable<CommandId> ToLookUp(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command is { Phase: AttemptPhase.InFlight, Interrupted: false } && command.DueAt <= now
        let step = PlanFacts.Of(plan).Step(command.Step)
        let role = command.Direction == StepDirections.Do ? step.Role : step.Compensation?.Role
        where role == CallRole.Effect
        select command.CommandId;

    /// <summary>The interrupted effects that a wake-up at that time cancels in the ledger if no role has claimed them.</summary>
    public static IEnumerable<CommandId> ToCancel(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command is { Phase: AttemptPhase.InFlight, Interrupted: true } && command.DueAt <= now
        where PlanFacts.Of(plan).Step(command.Step).Role == CallRole.Effect
        select command.CommandId;

    // Handles the contract's own timers in the order in which they were due, even if all were due while the saga was paused. If a wait
    // ended before a timeout, the timeout is checked in a later decision, after the effects of the wait.
    private static bool Contracted(Transition transition)
    {
        var changed = false;
        while (transition.Saga.TimersRun)
        {
            var wait = Branches.Awaited(transition);
            var limit = Earlier(DeadlineAt(transition), transition.Saga.StateDueAt);
            if (limit <= transition.Now && !(wait?.Until < limit))
            {
                if (!changed)
                {
                    transition.Progress();
                    _ = Deadline(transition, limit.Value) || StateTimeout(transition, limit.Value);
                }

                return true;
            }

            if (wait is not { } over)
            {
                return changed;
            }

            changed = true;
            transition.Progress();
            transition.Note(HistoryKinds.StepCompleted, over.Step);
            transition.RunOn(over.Step);
        }

        return changed;
    }

    // Repeated entries into a state without progress are delayed more and more.
    private static bool EndOfDelay(Transition transition)
    {
        if (transition.Saga is { Leaving.At: { } at, PausedBy: null, Blockage: null, Outstanding.IsEmpty: true } && at <= transition.Now)
        {
            transition.Continue();
            return true;
        }

        return false;
    }

    // The deadline applies in ordinary states before the pivot, and once.
    private static DateTimeOffset? DeadlineAt(Transition transition) =>
        transition.State.Kind == StateKind.Ordinary ? transition.Saga.DeadlineAt : null;

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;

    private static bool Deadline(Transition transition, DateTimeOffset due)
    {
        var saga = transition.Saga;
        if (DeadlineAt(transition) != due)
        {
            return false;
        }

        var limit = transition.Plan.Deadline!;
        transition.Saga = saga with { DeadlineAt = null };
        transition.Observer?.TransitionTaken(limit);
        transition.Move(limit.Next, new Fault(
            StepCodes.DeadlineExceeded,
            $"The saga was in state '{saga.State}' when its deadline passed, {Durations.Describe(limit.After)} after its start.",
            null, transition.Now));
        return true;
    }

    private static bool StateTimeout(Transition transition, DateTimeOffset due)
    {
        var saga = transition.Saga;
        if (saga.StateDueAt != due)
        {
            return false;
        }

        var limit = transition.State.Timeout!;
        transition.Saga = saga with { StateDueAt = null };
        transition.Observer?.TransitionTaken(limit);
        transition.Move(limit.Next, new Fault(
            StepCodes.StateTimedOut, $"State '{saga.State}' was not left within {Durations.Describe(limit.After)}.", null, transition.Now));
        return true;
    }

    private static bool IsDue(SagaState saga, Outstanding command, DateTimeOffset now) =>
        command.RunsWhile(saga.PausedBy is not null) && command.DueAt <= now;

    private static void LookUpOutcome(Transition transition, Outstanding command, Lease? lease)
    {
        switch (lease)
        {
            case { Cancelled: true } when command.Interrupted:
                Interruption.Cancelled(transition, command);
                break;

            case null when command.Interrupted && transition.Facts.Step(command.Step).Role == CallRole.Saga:
                Commands.CancelChild(transition, command);
                break;

            // The broker rejected the message and the command was closed in the ledger, but the result of that was lost.
            case { Cancelled: true } when command.Direction == StepDirections.Do:
                Results.NeverTaken(transition, command, "The broker rejected its message.");
                break;

            // A role holds the lease: look again after it expires. A late role is about to commit.
            case { ValidUntil: { } until }:
                transition.Replace(command with { DueAt = (until > transition.Now ? until : transition.Now) + TimeSpan.FromSeconds(1) });
                break;

            // A role claimed this attempt and never reported its outcome.
            case { } lapsed when lapsed.Attempt >= command.Attempt:
                Results.AttemptFailed(
                    transition, command, AttemptReach.Sent, StepCodes.StepTimedOut,
                    "The process that ran the attempt stopped before it reported a result.", retryAfter: null);
                break;

            // The effects role no longer starts it.
            case var _ when command.NotAfter <= transition.Now && RoleOf(transition, command) != CallRole.Saga:
                Results.AttemptFailed(
                    transition, command, AttemptReach.NotSent, StepCodes.StepTimedOut, "No role claimed the command before it expired.",
                    retryAfter: null);
                break;

            // No role has claimed it: the role is down, or the command waits in its topic. Resending the same attempt uses up none. An
            // interrupted command that could not be cancelled was claimed before, so only its outcome tells whether it took effect.
            default:
                Commands.SendAgain(transition, command, command.Attempt, command.Resent + 1);
                break;
        }
    }

    private static CallRole? RoleOf(Transition transition, Outstanding command)
    {
        var step = transition.Facts.Step(command.Step);
        return command.Direction == StepDirections.Do ? step.Role : step.Compensation?.Role;
    }
}
