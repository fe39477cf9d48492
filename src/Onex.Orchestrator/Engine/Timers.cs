using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Engine;

/// <summary>What a wake-up means (architecture, "Who retries"): the next attempt, or a look at what became of one that never came back.</summary>
internal static class Timers
{
    public static Decision Decide(Transition transition, TimerFired timer)
    {
        var due = transition.Saga.Outstanding.Where(command => command.DueAt <= transition.Now).ToList();
        if (due.Count == 0)
        {
            return Decision.Nothing(transition.Saga);
        }

        foreach (var command in due)
        {
            // What went before in this very wake-up may have ended it.
            if (!transition.Saga.Outstanding.Contains(command))
            {
                continue;
            }

            if (command.Phase == AttemptPhase.BackingOff)
            {
                transition.SendAgain(command, command.Attempt + 1, resent: 0);
            }
            else
            {
                AskAfter(transition, command, timer.Leases.GetValueOrDefault(command.CommandId));
            }
        }

        return transition.Decide();
    }

    private static void AskAfter(Transition transition, Outstanding command, Lease? lease)
    {
        switch (lease)
        {
            // Someone works on it: ask again when they must have finished.
            case { ValidUntil: { } until }:
                transition.Replace(command with { DueAt = until + TimeSpan.FromSeconds(1) });
                break;

            // Someone took this attempt and never told what came of it.
            case { } lapsed when lapsed.Attempt >= command.Attempt:
                Results.AttemptFailed(
                    transition, command, EngineCodes.StepTimedOut, "The process that ran the attempt went away.", retryAfter: null);
                break;

            // Effects never start it any more.
            case null when command.NotAfter <= transition.Now:
                Results.AttemptFailed(
                    transition, command, EngineCodes.StepTimedOut, "Nobody took the command while it was valid.", retryAfter: null);
                break;

            // Nobody has taken it: the role is down, or the command waits in its topic. The same attempt again burns nothing.
            default:
                transition.SendAgain(command, command.Attempt, command.Resent + 1);
                break;
        }
    }

    /// <summary>The effects whose ledger entry a wake-up at that time must know.</summary>
    public static IEnumerable<Guid> InNeedOfLedger(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command.Phase == AttemptPhase.InFlight && command.DueAt <= now
        let step = PlanFacts.Of(plan).Step(command.Step)
        let kind = command.Direction == StepDirections.Do ? step.Kind : step.Compensation?.Kind
        where kind == StepKind.Effect
        select command.CommandId;

    /// <summary>
    /// The interrupted effects that a wake-up at that time finds unresolved: those that nobody has taken are cancelled through the ledger.
    /// </summary>
    public static IEnumerable<Guid> ToCancel(Plan plan, SagaState saga, DateTimeOffset now) =>
        from command in saga.Outstanding
        where command.Interrupted && command.DueAt <= now
        where PlanFacts.Of(plan).Step(command.Step).Kind == StepKind.Effect
        select command.CommandId;
}
