using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>
/// Handles a wake-up: the deadline, the state's timeout, the end of a wait, the next attempt, or a look-up of the outcome of an overdue
/// attempt (docs/architecture.md#8-the-result-leads-to-the-next-transition).
/// </summary>
internal static class Timers
{
    private static readonly TimeSpan _firstInquiry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestInquiry = TimeSpan.FromMinutes(10);

    public static bool Decide(DecisionBuilder decision, TimerFired timer)
    {
        var due = decision.Saga.Outstanding.Where(command => IsDue(decision.Saga, command, decision.Now))
            .OrderBy(command => command.DueAt)
            .ToList();
        var changed = EndDelay(decision);
        changed |= FireContractTimers(decision);
        changed |= EachItems.HandleItems(decision, timer.Items);
        foreach (var command in due)
        {
            // An earlier part of this wake-up, or a result that the ledger had, may have ended or interrupted it. The next one looks it up.
            if (!decision.Saga.Outstanding.Contains(command) || (!timer.Queried.IsEmpty && !timer.Queried.Contains(command)))
            {
                continue;
            }

            changed = true;
            if (command.Phase == AttemptPhase.BackingOff)
            {
                Commands.SendAgain(decision, command, command.Attempt + 1, resends: 0);
            }
            else
            {
                LookUpOutcome(decision, command, timer.Leases.GetValueOrDefault(command.CommandId));
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
        where command.Phase == AttemptPhase.InFlight && command.DueAt <= now && !MayBeCancelled(command)
        where PlanFacts.For(plan).RoleOf(command) == CallRole.Effect
        select command.CommandId;

    /// <summary>
    /// Those of <see cref="ToLookUp"/> that are cancelled first if they are parked, because the time for the step's retries is over.
    /// </summary>
    public static IEnumerable<CommandId> ToCancelIfParked(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command is { Phase: AttemptPhase.InFlight, Interrupted: false } && command.DueAt <= now
        where PlanFacts.For(plan).RoleOf(command) == CallRole.Effect && EndOfRetries(plan, saga, command) <= now
        select command.CommandId;

    /// <summary>The interrupted effects that a wake-up at that time cancels in the ledger if no role has claimed them.</summary>
    public static IEnumerable<CommandId> ToCancel(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command.Phase == AttemptPhase.InFlight && command.DueAt <= now && MayBeCancelled(command)
        where PlanFacts.For(plan).RoleOf(command) == CallRole.Effect
        select command.CommandId;

    // If an earlier attempt may have taken effect, only another attempt finds out the outcome.
    private static bool MayBeCancelled(Outstanding command) => command is { Interrupted: true, TookEffect: TookEffect.No };

    // Handles the contract's own timers in the order in which they were due, even if all were due while the saga was paused. If a wait
    // ended before a timeout, the timeout is checked in a later decision, after the effects of the wait.
    private static bool FireContractTimers(DecisionBuilder decision)
    {
        var changed = false;
        while (decision.Saga.TimersRun)
        {
            var wait = Branches.ElapsedWait(decision);
            var limit = Times.Earlier(DeadlineAt(decision), decision.Saga.StateDueAt);
            if (limit <= decision.Now && !(wait?.Until < limit))
            {
                if (!changed)
                {
                    decision.ResetIdleEntries();
                    FireLimit(decision, limit.Value);
                }

                return true;
            }

            if (wait is not { } ended)
            {
                return changed;
            }

            changed = true;
            decision.ResetIdleEntries();
            decision.Note(HistoryKind.StepCompleted, ended.Step);
            Flow.RunNext(decision, ended.Step);
        }

        return changed;
    }

    // Enters the next state if its entry was delayed because of a cycle without progress and the delay is over.
    private static bool EndDelay(DecisionBuilder decision)
    {
        if (decision.Saga is { Leaving.At: { } at, PausedBy: null, Blockage: null, Outstanding.IsEmpty: true } && at <= decision.Now)
        {
            Flow.Continue(decision);
            return true;
        }

        return false;
    }

    // The deadline applies in ordinary states before the pivot, and once.
    private static DateTimeOffset? DeadlineAt(DecisionBuilder decision) =>
        decision.State.Kind == StateKind.Ordinary ? decision.Saga.DeadlineAt : null;

    private static void FireLimit(DecisionBuilder decision, DateTimeOffset due)
    {
        if (DeadlineAt(decision) == due)
        {
            FireDeadline(decision);
        }
        else
        {
            FireStateTimeout(decision);
        }
    }

    private static void FireDeadline(DecisionBuilder decision)
    {
        var saga = decision.Saga;
        var limit = decision.Plan.Deadline!;
        decision.Saga = saga with { DeadlineAt = null };
        decision.Observer?.TransitionTaken(limit);
        Flow.Transition(decision, limit.Next, new Fault(
            StepCodes.DeadlineExceeded,
            $"The saga was in state '{saga.State}' when its deadline was over, {Durations.Describe(limit.After)} after its start.",
            null, decision.Now));
    }

    private static void FireStateTimeout(DecisionBuilder decision)
    {
        var saga = decision.Saga;
        var limit = decision.State.Timeout!;
        decision.Saga = saga with { StateDueAt = null };
        decision.Observer?.TransitionTaken(limit);
        Flow.Transition(decision, limit.Next, new Fault(
            StepCodes.StateTimedOut, $"State '{saga.State}' was not left within {Durations.Describe(limit.After)}.", null, decision.Now));
    }

    private static bool IsDue(SagaState saga, Outstanding command, DateTimeOffset now) =>
        command.DueTimeApplies(saga.PausedBy is not null) && command.DueAt <= now;

    private static void LookUpOutcome(DecisionBuilder decision, Outstanding command, Lease? lease)
    {
        switch (lease)
        {
            case { Cancelled: true } when MayBeCancelled(command):
                Interruption.HandleCancelled(decision, command);
                break;

            // The command is parked, which uses up no attempt. Its result arrives by itself unless it is lost, so it is looked up again.
            case { ParkedAt: { } parkedAt }:
                decision.Replace(command with { DueAt = NextInquiry(decision, command, parkedAt) });
                break;

            case { Cancelled: true, Attempt: > 0 }:
                Results.FailAttempt(
                    decision, command, AttemptReach.NotSent, StepCodes.StepTimedOut,
                    "Its connection did not let it begin in the time that the step has.", retryAfter: null);
                break;

            case null when command.Interrupted && decision.Facts.Call(command.Step).Role == CallRole.Saga:
                Commands.CancelChild(decision, command);
                break;

            // The broker rejected the message and the command was closed in the ledger, but the result of that was lost.
            case { Cancelled: true } when command.Direction == StepDirection.Forward:
                Results.FailUndeliverable(decision, command, "The broker rejected its message.");
                break;

            // A role holds the lease: look it up a second after it has expired, because a late role may be about to commit.
            case { ValidUntil: { } until }:
                decision.Replace(command with { DueAt = (until > decision.Now ? until : decision.Now) + TimeSpan.FromSeconds(1) });
                break;

            // A role claimed this attempt and never reported its outcome.
            case { } lapsed when lapsed.Attempt >= command.Attempt:
                Results.FailAttempt(
                    decision, command, AttemptReach.Sent, StepCodes.StepTimedOut,
                    "The process that ran the attempt stopped before it reported a result.", retryAfter: null);
                break;

            // The command is too old: no role starts it any more.
            case var _ when command.NotAfter <= decision.Now && decision.Facts.RoleOf(command) != CallRole.Saga:
                Results.FailAttempt(
                    decision, command, decision.Facts.RoleOf(command) == CallRole.Remote ? AttemptReach.Sent : AttemptReach.NotSent,
                    StepCodes.StepTimedOut, "No result arrived while the command was valid.",
                    retryAfter: null);
                break;

            case null when Reports.FailIfSilent(decision, command):
                break;

            // No role has claimed it: the role is down, or the command waits in its topic. Resending the same attempt uses up none. If an
            // interrupted command could not be cancelled, an earlier attempt was claimed, and only its outcome says whether it took effect.
            default:
                Commands.SendAgain(decision, command, command.Attempt, command.Resends + 1);
                break;
        }
    }

    // Half as long as the command has been parked, within limits, so that many parked commands cost few inquiries. The fraction spreads
    // those of one outage over time.
    private static DateTimeOffset NextInquiry(DecisionBuilder decision, Outstanding command, DateTimeOffset parkedAt)
    {
        var wait = (decision.Now - parkedAt) / 2;
        wait = wait < _firstInquiry ? _firstInquiry : wait > _longestInquiry ? _longestInquiry : wait;
        var next = decision.Now + (wait * (1 + (Identity.Fraction(command.CommandId, command.Attempt) / 4)));
        return EndOfRetries(decision.Plan, decision.Saga, command) is { } end && end > decision.Now && end < next ? end : next;
    }

    // The time after which no attempt may begin, not even a parked one; null if there is none: without `within`, past the pivot for a
    // step, and for an interrupted command.
    private static DateTimeOffset? EndOfRetries(Plan plan, SagaState saga, Outstanding command)
    {
        var step = PlanFacts.For(plan).Call(command.Step);
        var isForward = command.Direction == StepDirection.Forward;
        var retry = isForward ? step.Retry : step.Compensation?.Retry ?? step.Retry;
        return command.Interrupted || (isForward && saga.PastPivot) ? null : (command.RetriedAt ?? command.FirstSentAt) + retry.Within;
    }
}
