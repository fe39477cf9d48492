using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// What a wake-up means: the deadline, the state's timeout, the end of a wait; the next attempt, or a look at what became of one that never came
/// back (docs/architecture.md#8-the-result-moves-the-saga).
/// </summary>
internal static class Timers
{
    public static bool Decide(Transition transition, TimerFired timer)
    {
        var due = transition.Saga.Outstanding.Where(command => IsDue(transition.Saga, command, transition.Now)).OrderBy(command => command.DueAt).ToList();
        var changed = EndOfDelay(transition);
        changed |= Contracted(transition);
        changed |= EachItems.Take(transition, timer.Items);
        foreach (var command in due)
        {
            // What went before in this very wake-up may have ended it, or interrupted it: then the next one asks after it.
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
                AskAfter(transition, command, timer.Leases.GetValueOrDefault(command.CommandId));
            }
        }

        return changed;
    }

    /// <summary>
    /// The effects whose ledger entry a wake-up at that time must know. Those of <see cref="ToCancel"/> are not among them: to cancel answers the
    /// same.
    /// </summary>
    public static IEnumerable<CommandId> InNeedOfLedger(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command is { Phase: AttemptPhase.InFlight, Interrupted: false } && command.DueAt <= now
        let step = PlanFacts.Of(plan).Step(command.Step)
        let kind = command.Direction == StepDirections.Do ? step.Kind : step.Compensation?.Kind
        where kind == StepKind.Effect
        select command.CommandId;

    /// <summary>The effects that were interrupted, which a wake-up at that time cancels in the ledger if nobody has taken them.</summary>
    public static IEnumerable<CommandId> ToCancel(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command is { Phase: AttemptPhase.InFlight, Interrupted: true } && command.DueAt <= now
        where PlanFacts.Of(plan).Step(command.Step).Kind == StepKind.Effect
        select command.CommandId;

    // The contract's own times in the order in which they fell due, even if all of them did while the saga was paused: a time limit of which a
    // wait was over before is looked at again in a decision of its own, after what followed from the wait.
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

    // A state that is entered again and again for nothing is entered later each time.
    private static bool EndOfDelay(Transition transition)
    {
        if (transition.Saga is { Leaving.At: { } at, PausedBy: null, Blockage: null, Outstanding.IsEmpty: true } && at <= transition.Now)
        {
            transition.Continue();
            return true;
        }

        return false;
    }

    // Applies in ordinary states before the pivot, and once.
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
            StepCodes.DeadlineExceeded, $"The saga was in state '{saga.State}' when its deadline was over, {Durations.Describe(limit.After)} after its start.",
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

    private static void AskAfter(Transition transition, Outstanding command, Lease? lease)
    {
        switch (lease)
        {
            case { Cancelled: true } when command.Interrupted:
                Interruption.Cancelled(transition, command);
                break;

            case null when command.Interrupted && transition.Facts.Step(command.Step).Kind == StepKind.Saga:
                Commands.CancelChild(transition, command);
                break;

            // Its message was refused and it was closed, and whoever was to tell the saga went away before that.
            case { Cancelled: true } when command.Direction == StepDirections.Do:
                Results.NeverTaken(transition, command, "The broker refused its message.");
                break;

            // Someone works on it: ask again when they must have finished. Who is late is about to commit.
            case { ValidUntil: { } until }:
                transition.Replace(command with { DueAt = (until > transition.Now ? until : transition.Now) + TimeSpan.FromSeconds(1) });
                break;

            // Someone took this attempt and never told what came of it.
            case { } lapsed when lapsed.Attempt >= command.Attempt:
                Results.AttemptFailed(
                    transition, command, AttemptReach.Sent, StepCodes.StepTimedOut, "The process that ran the attempt went away.", retryAfter: null);
                break;

            // Effects never start it any more.
            case var _ when command.NotAfter <= transition.Now && KindOf(transition, command) != StepKind.Saga:
                Results.AttemptFailed(
                    transition, command, AttemptReach.NotSent, StepCodes.StepTimedOut, "Nobody took the command while it was valid.", retryAfter: null);
                break;

            // Nobody has taken it: the role is down, or the command waits in its topic. The same attempt again burns nothing. An interrupted one
            // that could not be cancelled was taken before, so that only an outcome tells whether it happened.
            default:
                Commands.SendAgain(transition, command, command.Attempt, command.Resent + 1);
                break;
        }
    }

    private static StepKind? KindOf(Transition transition, Outstanding command)
    {
        var step = transition.Facts.Step(command.Step);
        return command.Direction == StepDirections.Do ? step.Kind : step.Compensation?.Kind;
    }
}
