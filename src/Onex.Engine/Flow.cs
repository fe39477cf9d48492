using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Continues a saga: from step to step, from state to state, and through compensations.</summary>
internal static class Flow
{
    // A longer path through states without a call or a wait counts as a cycle.
    private const int StatesPerDecision = 100;

    /// <summary>
    /// Goes to another state. Commands in flight are interrupted. A compensating state is entered at once and waits for them; any other
    /// state is entered when all of them are resolved and, if they completed, compensated.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="next">The state.</param>
    /// <param name="fault">The fault that leads there, or null.</param>
    /// <param name="failed">Whether a failure leads there, and not an event, a timeout or an operator.</param>
    public static void Transition(DecisionBuilder decision, string next, Fault? fault = null, bool failed = false)
    {
        Interruption.Interrupt(decision);

        // Leaving the state clears the blockages by its steps and transitions, except those of commands that are still outstanding.
        decision.Unblock(blockage => blockage.Kind is BlockedBy.Step or BlockedBy.Unknown or BlockedBy.Transition
            && !decision.Saga.Outstanding.Any(command => command.CommandId == blockage.CommandId));
        if (fault is not null)
        {
            decision.SetFault(fault);
        }

        var isResolved = decision.Saga.Outstanding.IsEmpty;
        if ((isResolved && !decision.Saga.Compensables.Any(compensable => compensable.MustCompensate))
            || decision.Plan.State(next).Kind == StateKind.Compensating)
        {
            Enter(decision, next, failed);
            return;
        }

        Depart(decision, new Departure(next) { Failed = failed });
        if (isResolved)
        {
            Continue(decision);
        }
    }

    /// <summary>Leaves the state for one that is entered later.</summary>
    public static void Depart(DecisionBuilder decision, Departure departure) => decision.Saga = decision.Saga with
    {
        Leaving = departure,
        StateDueAt = null,
        WaitUntil = null,
        Branches = [],
        EachRuns = [],
        Held = [],
    };

    /// <summary>Enters a state and runs it until it must wait for something.</summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="name">The state.</param>
    /// <param name="failed">Whether a failure leads there.</param>
    /// <param name="isDelayed">Whether the entry was delayed because of a cycle, and so was counted already.</param>
    public static void Enter(DecisionBuilder decision, string name, bool failed = false, bool isDelayed = false)
    {
        var state = decision.Plan.State(name);

        // A paused saga neither sends responses nor starts steps.
        if (decision.Saga.PausedBy is not null && state.Kind != StateKind.Compensating)
        {
            Depart(decision, new Departure(name) { Failed = failed });
            return;
        }

        if (++decision.StatesEntered > StatesPerDecision)
        {
            Depart(decision, new Departure(name) { Failed = failed });
            decision.Block(BlockedBy.Transition, $"The contract went through {StatesPerDecision} states without a call or a wait.");
            return;
        }

        if (!isDelayed && Cycles.DelayOrBlock(decision, state, failed))
        {
            return;
        }

        var entered = AfterEntering(decision, state);
        if (state.Kind == StateKind.End)
        {
            Endings.Enter(decision, state, entered);
            return;
        }

        // Past the pivot nothing is compensated, and no deadline applies.
        decision.Saga = entered.PastPivot ? entered with { Compensables = [], DeadlineAt = null } : entered;
        decision.Note(HistoryKind.StateEntered);
        if (state.Kind == StateKind.Compensating)
        {
            Continue(decision);
        }
        else if (!Events.AcceptBuffered(decision))
        {
            Run(decision, decision.Facts.SequenceOfState(name));
        }
    }

    /// <summary>The saga as it is after it has entered a state.</summary>
    public static SagaState AfterEntering(DecisionBuilder decision, StatePlan state) => decision.Saga with
    {
        State = state.Name,
        StepIndex = 0,
        Visits = decision.Saga.Visits.SetItem(state.Name, decision.Saga.Visits.GetValueOrDefault(state.Name) + 1),
        PastPivot = decision.Saga.PastPivot || state.Pivot,
        Fault = decision.Saga.Fault is not null && decision.Facts.CanReadFault(state.Name) ? decision.Saga.Fault : null,
        EnteredAt = decision.Now,
        StateDueAt = state is { Kind: StateKind.Ordinary, Timeout: { } limit } ? Times.After(decision.Now, limit.After) : null,
        WaitUntil = null,
        Leaving = null,
        Branches = [],
        EachRuns = [],
        Held = [],
    };

    /// <summary>
    /// Runs the steps of a state or branch from the current one on, until one of them must be awaited. After the last step the branch is
    /// done, or the saga leaves the state.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="sequence">The steps.</param>
    /// <param name="retryPass">The retry pass of the current step: above 0 if an operator retried it.</param>
    public static void Run(DecisionBuilder decision, Sequence sequence, int retryPass = 0)
    {
        Branches.RaiseRetryPass(decision, sequence, retryPass);
        if (decision.Saga.PausedBy is not null)
        {
            decision.Saga = decision.Saga with
            {
                Held = decision.Saga.Held.RemoveAll(held => held.Key == sequence.Key).Add(new HeldSequence(sequence.Key, retryPass)),
            };
            return;
        }

        while (Branches.Position(decision.Saga, sequence) is { } index && index < sequence.Steps.Length)
        {
            if (!Steps.Run(decision, sequence, sequence.Steps[index], retryPass))
            {
                return;
            }

            retryPass = 0;
            Branches.Advance(decision, sequence);
        }

        if (sequence.Parallel is null)
        {
            Leave(decision, decision.State);
        }
        else
        {
            Branches.HandleCompleted(decision, sequence);
        }
    }

    /// <summary>Continues after a step with the next one of its state or branch.</summary>
    public static void RunNext(DecisionBuilder decision, string step)
    {
        var sequence = decision.Facts.SequenceOf(step);
        Branches.Advance(decision, sequence);
        Run(decision, sequence);
    }

    /// <summary>
    /// Continues after a command was resolved or compensated: starts the next compensation, or goes to the next state if none is left.
    /// Waits while the saga is blocked or any command has an unknown outcome, so that steps are compensated in order. In an ordinary state
    /// that the saga does not leave, only satisfied joins continue. Does nothing while the saga is paused.
    /// </summary>
    public static void Continue(DecisionBuilder decision)
    {
        if (decision.Saga.PausedBy is not null)
        {
            return;
        }

        if (decision.Saga.Leaving is null && decision.State.Kind == StateKind.Ordinary)
        {
            Branches.ContinueAfterJoin(decision);
            return;
        }

        if (decision.Saga.Blockage is not null
            || decision.Saga.Outstanding.Any(command => command.Direction == StepDirection.Forward)
            || Compensations.Compensate(decision, compensable => compensable.MustCompensate || decision.Saga.Leaving is null))
        {
            return;
        }

        if (decision.Saga.Leaving is { } leaving)
        {
            if (!(leaving.At > decision.Now))
            {
                Enter(decision, leaving.Next, leaving.Failed, isDelayed: leaving.At is not null);
            }
        }
        else
        {
            Leave(decision, decision.State);
        }
    }

    /// <summary>
    /// Handles the final error of a step or a state. The rules apply in this order: the step's <c>catch</c>, that of each enclosing
    /// <c>parallel</c> step, the state's, then <c>on_failure</c> in an ordinary state before the pivot. If no rule applies, the saga
    /// is blocked. In a branch with another join than <c>all</c> the search ends: only the branch fails, and then perhaps its join.
    /// </summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="stepRules">The step's own rules.</param>
    /// <param name="step">The step's id, or null.</param>
    /// <param name="code">The fault's code.</param>
    /// <param name="message">The fault's message.</param>
    /// <param name="command">The step's command, if it has one. If no rule applies, an operator can retry or skip it.</param>
    public static void Fail(
        DecisionBuilder decision, ImmutableArray<CatchRule> stepRules, string? step, string code, string message,
        Outstanding? command = null)
    {
        var state = decision.State;
        var fault = new Fault(code, message, step, decision.Now);
        var rule = stepRules.FirstOrDefault(candidate => candidate.Covers(code));
        for (var sequence = step is null ? null : decision.Facts.SequenceOf(step);
            rule is null && sequence?.Parallel is { } parallel;
            sequence = decision.Facts.SequenceOf(parallel.Id))
        {
            if (parallel.Join != Join.All)
            {
                Branches.HandleFailed(decision, sequence, fault, command);
                return;
            }

            rule = parallel.Catch.FirstOrDefault(candidate => candidate.Covers(code));
        }

        rule ??= state.Catch.FirstOrDefault(candidate => candidate.Covers(code));
        var next = rule?.Next ?? (decision.Saga.PastPivot || state.Kind != StateKind.Ordinary ? null : decision.Plan.OnFailure);
        if (next is null)
        {
            decision.SetFault(fault);
            decision.Block(step is null ? BlockedBy.Transition : BlockedBy.Step, message, step, command);
            return;
        }

        if (command is not null)
        {
            decision.Remove(command);
        }

        decision.Observer?.TransitionTaken(rule ?? (object)decision.Plan);
        Transition(decision, next, fault, failed: true);
    }

    // A state without transitions waits for its events or its timeout. A cancelled saga goes from its compensating state to its end.
    private static void Leave(DecisionBuilder decision, StatePlan state)
    {
        if (decision.Saga.CancelledBy is not null && state.Kind == StateKind.Compensating)
        {
            Enter(
                decision,
                state.Choices is [var only] && decision.Plan.State(only.Next).End == EndKind.Failed ? only.Next : decision.Plan.CancelEnd);
            return;
        }

        if (state.Choices.IsEmpty)
        {
            decision.Note(HistoryKind.Waiting);
            return;
        }

        foreach (var choice in state.Choices)
        {
            if (choice.When is { } guard)
            {
                var holds = guard.Evaluate(new SagaScope(decision.Plan, decision.Saga, decision.Now));
                if (holds.Kind != CelKind.Bool)
                {
                    Fail(
                        decision, [], null, StepCodes.ExpressionFailed,
                        $"The guard of state '{state.Name}' that leads to '{choice.Next}': {SagaScope.WhyNoBool(holds)}");
                    return;
                }

                decision.Observer?.GuardEvaluated(guard, holds.AsBool());
                if (!holds.AsBool())
                {
                    continue;
                }
            }

            decision.Observer?.TransitionTaken(choice);
            if (choice.Fault is { } code)
            {
                decision.SetFault(new Fault(code, $"State '{state.Name}' led to '{choice.Next}'.", null, decision.Now));
            }

            Enter(decision, choice.Next);
            return;
        }

        decision.Block(BlockedBy.Transition, $"No transition out of state '{state.Name}' holds.");
    }
}
