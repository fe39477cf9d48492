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
        var changed = EndOfDelay(decision);
        changed |= Contracted(decision);
        changed |= EachItems.Take(decision, timer.Items);
        foreach (var command in due)
        {
            // An earlier part of this wake-up may have ended or interrupted it. The next wake-up looks it up.
            if (!decision.Saga.Outstanding.Contains(command))
            {
                continue;
            }

            changed = true;
            if (command.Phase == AttemptPhase.BackingOff)
            {
                Commands.SendAgain(decision, command, command.Attempt + 1, resent: 0);
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
    /// Those of <see cref="ToLookUp"/> that are cancelled first if they are parked, because the step's retries have no time left.
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

    // Of an interrupted command that may have taken effect in an earlier attempt, only another attempt finds out the outcome.
    private static bool MayBeCancelled(Outstanding command) => command is { Interrupted: true, Happened: Happening.No };

    // Handles the contract's own timers in the order in which they were due, even if all were due while the saga was paused. If a wait
    // ended before a timeout, the timeout is checked in a later decision, after the effects of the wait.
    private static bool Contracted(DecisionBuilder decision)
    {
        var changed = false;
        while (decision.Saga.TimersRun)
        {
            var wait = Branches.Awaited(decision);
            var limit = Earlier(DeadlineAt(decision), decision.Saga.StateDueAt);
            if (limit <= decision.Now && !(wait?.Until < limit))
            {
                if (!changed)
                {
                    decision.Progress();
                    _ = Deadline(decision, limit.Value) || StateTimeout(decision, limit.Value);
                }

                return true;
            }

            if (wait is not { } over)
            {
                return changed;
            }

            changed = true;
            decision.Progress();
            decision.Note(HistoryKind.StepCompleted, over.Step);
            Flow.RunOn(decision, over.Step);
        }

        return changed;
    }

    // Repeated entries into a state without progress are delayed more and more.
    private static bool EndOfDelay(DecisionBuilder decision)
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

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;

    private static bool Deadline(DecisionBuilder decision, DateTimeOffset due)
    {
        var saga = decision.Saga;
        if (DeadlineAt(decision) != due)
        {
            return false;
        }

        var limit = decision.Plan.Deadline!;
        decision.Saga = saga with { DeadlineAt = null };
        decision.Observer?.TransitionTaken(limit);
        Flow.Transition(decision, limit.Next, new Fault(
            StepCodes.DeadlineExceeded,
            $"The saga was in state '{saga.State}' when its deadline was over, {Durations.Describe(limit.After)} after its start.",
            null, decision.Now));
        return true;
    }

    private static bool StateTimeout(DecisionBuilder decision, DateTimeOffset due)
    {
        var saga = decision.Saga;
        if (saga.StateDueAt != due)
        {
            return false;
        }

        var limit = decision.State.Timeout!;
        decision.Saga = saga with { StateDueAt = null };
        decision.Observer?.TransitionTaken(limit);
        Flow.Transition(decision, limit.Next, new Fault(
            StepCodes.StateTimedOut, $"State '{saga.State}' was not left within {Durations.Describe(limit.After)}.", null, decision.Now));
        return true;
    }

    private static bool IsDue(SagaState saga, Outstanding command, DateTimeOffset now) =>
        command.RunsWhile(saga.PausedBy is not null) && command.DueAt <= now;

    private static void LookUpOutcome(DecisionBuilder decision, Outstanding command, Lease? lease)
    {
        switch (lease)
        {
            case { Cancelled: true } when MayBeCancelled(command):
                Interruption.Cancelled(decision, command);
                break;

            // Its connection does not let it begin, which uses up no attempt. Its result arrives by itself; this covers a lost one.
            case { ParkedAt: { } parkedAt }:
                decision.Replace(command with { DueAt = NextInquiry(decision, command, parkedAt) });
                break;

            case { Cancelled: true, Attempt: > 0 }:
                Results.AttemptFailed(
                    decision, command, AttemptReach.NotSent, StepCodes.StepTimedOut,
                    "Its connection did not let it begin in the time that the step has.", retryAfter: null);
                break;

            case null when command.Interrupted && decision.Facts.Step(command.Step).Role == CallRole.Saga:
                Commands.CancelChild(decision, command);
                break;

            // The broker rejected the message and the command was closed in the ledger, but the result of that was lost.
            case { Cancelled: true } when command.Direction == StepDirection.Forward:
                Results.NeverTaken(decision, command, "The broker rejected its message.");
                break;

            // A role holds the lease: look again after it expires. A late role is about to commit.
            case { ValidUntil: { } until }:
                decision.Replace(command with { DueAt = (until > decision.Now ? until : decision.Now) + TimeSpan.FromSeconds(1) });
                break;

            // A role claimed this attempt and never reported its outcome.
            case { } lapsed when lapsed.Attempt >= command.Attempt:
                Results.AttemptFailed(
                    decision, command, AttemptReach.Sent, StepCodes.StepTimedOut,
                    "The process that ran the attempt stopped before it reported a result.", retryAfter: null);
                break;

            // The effects role no longer starts it.
            case var _ when command.NotAfter <= decision.Now && decision.Facts.RoleOf(command) != CallRole.Saga:
                Results.AttemptFailed(
                    decision, command, decision.Facts.RoleOf(command) == CallRole.Remote ? AttemptReach.Sent : AttemptReach.NotSent,
                    StepCodes.StepTimedOut, "No result arrived while the command was valid.",
                    retryAfter: null);
                break;

            case null when Reports.Expire(decision, command):
                break;

            // No role has claimed it: the role is down, or the command waits in its topic. Resending the same attempt uses up none. An
            // interrupted command that could not be cancelled was claimed before, so only its outcome tells whether it took effect.
            default:
                Commands.SendAgain(decision, command, command.Attempt, command.Resent + 1);
                break;
        }
    }

    // Half the time that it has been parked: many parked commands cost few inquiries. The fraction spreads those of one outage.
    private static DateTimeOffset NextInquiry(DecisionBuilder decision, Outstanding command, DateTimeOffset parkedAt)
    {
        var wait = (decision.Now - parkedAt) / 2;
        wait = wait < _firstInquiry ? _firstInquiry : wait > _longestInquiry ? _longestInquiry : wait;
        var next = decision.Now + (wait * (1 + (Identity.Fraction(command.CommandId, command.Attempt) / 4)));
        return EndOfRetries(decision.Plan, decision.Saga, command) is { } end && end > decision.Now && end < next ? end : next;
    }

    // When no further attempt may begin, also one that is parked. Past the pivot a step has no such time.
    private static DateTimeOffset? EndOfRetries(Plan plan, SagaState saga, Outstanding command)
    {
        var step = PlanFacts.For(plan).Step(command.Step);
        var isForward = command.Direction == StepDirection.Forward;
        var retry = isForward ? step.Retry : step.Compensation?.Retry ?? step.Retry;
        return command.Interrupted || (isForward && saga.PastPivot) ? null : (command.RetriedAt ?? command.FirstSentAt) + retry.Within;
    }
}
