using System.Diagnostics.CodeAnalysis;
using Onex.Contracts.Plans;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>The operator commands: cancel, terminate, retry, skip, pause, resume.</summary>
internal static class Operators
{
    /// <summary>Why a command is not allowed now, and what can be done instead; null if it is allowed.</summary>
    public static string? WhyNotAllowed(DecisionBuilder decision, OperatorCommand command)
    {
        var saga = decision.Saga;
        if (saga.EndedAt is not null)
        {
            return $"It has ended ({saga.Status.ToText()}): no command is allowed any more.";
        }

        return command switch
        {
            OperatorCommand.Cancel => WhyNotCancellable(decision),
            OperatorCommand.Retry when saga.Blockage is null =>
                $"It is not blocked but {saga.Status.ToText()}: it retries by itself. {AlternativeTo(saga)}",
            OperatorCommand.Skip when saga.Blockage is null && !saga.Outstanding.Any(IsBeingResolved) =>
                $"It is not blocked but {saga.Status.ToText()}: there is nothing to skip. {AlternativeTo(saga)}",
            OperatorCommand.Skip when saga.Blockage is { Kind: BlockedBy.Transition or BlockedBy.Handling } =>
                $"There is nothing to skip: {saga.BlockedBecause} 'retry' tries it again"
                    + (saga.PastPivot ? "." : ", 'cancel' compensates what was done."),
            OperatorCommand.Skip when IsDeadEnd(decision, saga.Blockage) =>
                $"Step '{saga.Blockage.Step}' is the last of state '{saga.State}', and no transition follows it. 'retry' tries it again, "
                    + "'terminate' ends the saga.",
            OperatorCommand.Pause when saga.Blockage is not null =>
                "It is blocked, so it sends nothing. 'retry' or 'skip' what it is blocked by.",
            OperatorCommand.Pause when saga.PausedBy is { } request => $"{request.By} has paused it already. 'resume' continues it.",
            OperatorCommand.Resume when saga.PausedBy is null => $"It is not paused but {saga.Status.ToText()}. {AlternativeTo(saga)}",
            _ => null,
        };
    }

    /// <summary>Carries out a command that is allowed.</summary>
    public static bool Decide(DecisionBuilder decision, OperatorRequested requested)
    {
        var request = new OperatorRequest(requested.By, requested.Reason, decision.Now);
        decision.ResetIdleEntries();
        if (requested.Command == OperatorCommand.Terminate)
        {
            Endings.Terminate(decision, request);
            return true;
        }

        var step = decision.Saga.Blockage?.Step
            ?? (requested.Command == OperatorCommand.Skip ? decision.Saga.Outstanding.FirstOrDefault(IsBeingResolved)?.Step : null);
        decision.Note(KindOf(requested.Command), step, ("by", requested.By), ("reason", requested.Reason));
        switch (requested.Command)
        {
            case OperatorCommand.Cancel:
                Cancel(decision, request);
                break;
            case OperatorCommand.Retry:
                Retry(decision);
                break;
            case OperatorCommand.Skip:
                Skip(decision);
                break;
            case OperatorCommand.Pause:
                decision.Saga = decision.Saga with { PausedBy = request };
                break;
            case OperatorCommand.Resume:
                Resume(decision);
                break;
        }

        return true;
    }

    private static string? WhyNotCancellable(DecisionBuilder decision)
    {
        var saga = decision.Saga;
        if (saga.PastPivot)
        {
            return "It is past the pivot: nothing is compensated any more. "
                + (saga.Blockage is null ? "'pause' stops it for a while" : "'retry' or 'skip' what it is blocked by")
                + "; 'terminate' ends it as it is.";
        }

        return saga.CancelledBy is { } request && decision.State.Kind == StateKind.Compensating
            ? $"{request.By} has cancelled it already; it is compensating what was done"
                + (saga.Blockage is null
                    ? "."
                    : $", and is blocked by that: {saga.BlockedBecause} 'retry' tries it again, 'skip' continues without it.")
            : null;
    }

    // A `fail` step that nothing catches past the pivot, with no transition after it.
    private static bool IsDeadEnd(DecisionBuilder decision, [NotNullWhen(true)] Blockage? blockage) =>
        blockage is { Kind: BlockedBy.Step, Step: { } step, CommandId: null }
        && decision.Facts.Step(step) is FailStep
        && decision.State is { Choices.IsEmpty: true } state
        && state.Steps[^1].Id == step;

    private static void Cancel(DecisionBuilder decision, OperatorRequest request)
    {
        // An operator who cancels a paused saga wants it to run to its end.
        decision.Saga = decision.Saga with { CancelledBy = request, PausedBy = null };
        if (decision.State.Kind == StateKind.Compensating)
        {
            // It compensates already. It goes on, and then leaves the state for the cancelled end.
            decision.Unblock(blockage => blockage.Kind == BlockedBy.Transition);
            decision.Saga = decision.Saga with { Leaving = null };
            Commands.Release(decision);
            Flow.Continue(decision);
            return;
        }

        // A blocked compensation still needs an operator.
        decision.Unblock(blockage => blockage.Kind != BlockedBy.Compensation);
        Flow.Transition(decision, decision.Plan.CancelState, Endings.CancellationFault(decision.Saga));
        Commands.Release(decision);
    }

    // Buffered events come first, because they may make commands superfluous; then the held commands; then the held states and branches.
    private static void Resume(DecisionBuilder decision)
    {
        var held = decision.Saga.Held;
        decision.Saga = decision.Saga with { PausedBy = null, Held = [] };
        var statesBefore = decision.StatesEntered;
        Events.HandleBuffered(decision);
        Commands.Release(decision);

        // Outer sequences first: a retry opens the branches that the inner ones belong to.
        foreach (var (key, retryPass) in held.OrderBy(sequence => decision.Facts.SequenceAt(sequence.Key).EnclosingBranches.Length))
        {
            if (decision.StatesEntered != statesBefore || decision.Saga is { Leaving: not null } or { EndedAt: not null })
            {
                break;
            }

            var sequence = decision.Facts.SequenceAt(key);
            if (Branches.Position(decision.Saga, sequence) is not null)
            {
                Flow.Run(decision, sequence, retryPass);
            }
        }

        if (decision.Saga.EndedAt is null)
        {
            Flow.Continue(decision);
        }
    }

    private static void Retry(DecisionBuilder decision)
    {
        var blockage = decision.Saga.Blockage!;
        decision.Unblock(other => other == blockage);
        if (blockage.Kind == BlockedBy.Handling || (MayBeReplacedByEvent(blockage) && Events.AcceptBuffered(decision)))
        {
            // A saga with a message that could not be handled continues where it was: its timers wake it. Otherwise a buffered event has
            // led elsewhere.
            return;
        }

        var stuck = decision.Saga.Outstanding.FirstOrDefault(command => command.CommandId == blockage.CommandId);
        if (stuck is { IsFinal: true })
        {
            RetryUnderNewKey(decision, stuck);
            return;
        }

        if (stuck is not null)
        {
            // Its outcome is unknown, so the same command is sent again: the ledger and the service know it by its key. An attempt whose
            // outcome was never reported may have taken effect.
            var retried = (stuck.IsIdle ? stuck : stuck.After(AttemptReach.Sent)) with
            {
                AttemptsBefore = stuck.Attempt,
                RetriedAt = decision.Now,
            };
            if (stuck.NotAfter > decision.Now)
            {
                Commands.SendAgain(decision, retried, stuck.Attempt + 1, resends: 0);
                return;
            }

            // It is too old to be sent again, but the ledger may know its outcome. If the ledger does not, only a new command helps.
            if (stuck.Interrupted || !(stuck.RetriedAt >= stuck.NotAfter))
            {
                decision.Replace(retried with { Phase = AttemptPhase.InFlight, DueAt = decision.Now });
                return;
            }

            if (stuck.Item is not null || stuck.Direction == StepDirection.Compensation)
            {
                RetryUnderNewKey(decision, stuck);
                return;
            }

            decision.Remove(stuck);
        }

        Continue(decision, blockage, blockage.CommandId is null ? 0 : blockage.RetryPass + 1);
    }

    // The answer under its key is final, or the key is too old, so the work is requested under a new key.
    private static void RetryUnderNewKey(DecisionBuilder decision, Outstanding stuck)
    {
        if (stuck.Direction == StepDirection.Forward)
        {
            EachItems.Retry(decision, stuck);
            return;
        }

        decision.Remove(stuck);
        if (decision.Saga.Compensables.Any(compensable => compensable.CompensationId == stuck.CommandId))
        {
            decision.Saga = decision.Saga with
            {
                Compensables =
                [
                    .. decision.Saga.Compensables.Select(compensable =>
                        compensable.CompensationId == stuck.CommandId
                            ? compensable with { RetryPass = compensable.RetryPass + 1 }
                            : compensable),
                ],
            };
            Flow.Continue(decision);
        }
        else
        {
            EachItems.CompensateAgain(decision, stuck);
        }
    }

    private static void Skip(DecisionBuilder decision)
    {
        if (decision.Saga.Blockage is not { } blockage)
        {
            SkipInterrupted(decision);
            return;
        }

        decision.Unblock(other => other == blockage);
        var stuck = decision.Saga.Outstanding.FirstOrDefault(command => command.CommandId == blockage.CommandId);
        if (stuck is not null && blockage.Kind == BlockedBy.Unknown)
        {
            // A buffered event may lead out of the state just as the failure would.
            stuck = stuck with { TookEffect = TookEffect.No };
            decision.Replace(stuck);
            if (!Events.AcceptBuffered(decision))
            {
                Results.FailAsNotDone(decision, stuck, blockage);
            }

            return;
        }

        if (stuck is not null)
        {
            decision.Remove(stuck);
        }

        if (MayBeReplacedByEvent(blockage) && Events.AcceptBuffered(decision))
        {
            return;
        }

        switch (blockage.Kind)
        {
            case BlockedBy.Compensation when stuck is not null:
                Compensations.Finish(decision, stuck, SagaItemStatus.Skipped);
                return;
            case BlockedBy.Step when stuck is { Item: not null }:
                EachItems.Skip(decision, stuck);
                return;
            case BlockedBy.Step when decision.Facts.Step(blockage.Step!) is ParallelStep parallel:
                Branches.Drop(decision, parallel);
                return;
            case BlockedBy.Step:
                MarkSkipped(decision, blockage.Step!);
                break;
        }

        Continue(decision, blockage, retryPass: 0);
    }

    // All interrupted commands that are being resolved count as not done.
    private static void SkipInterrupted(DecisionBuilder decision)
    {
        foreach (var command in decision.Saga.Outstanding.Where(IsBeingResolved))
        {
            decision.Remove(command);
        }

        Flow.Continue(decision);
    }

    private static bool IsBeingResolved(Outstanding command) => command is { Interrupted: true, Direction: StepDirection.Forward };

    // The current step counts as completed without a result. A result of an earlier visit is removed as well.
    private static void MarkSkipped(DecisionBuilder decision, string id)
    {
        var saga = decision.Saga;
        decision.Saga = saga with
        {
            EachRuns = saga.EachRuns.RemoveAll(run => run.Step == id),
            Results = saga.Results.Remove(id),
            Skipped = saga.Skipped.Add(id),
        };
        Branches.Advance(decision, decision.Facts.SequenceOf(id));
    }

    // Continues with the interrupted commands or compensations, the step, or the transition out of the state.
    private static void Continue(DecisionBuilder decision, Blockage blockage, int retryPass)
    {
        if (decision.Saga.Leaving is not null
            || decision.State.Kind == StateKind.Compensating
            || blockage.Kind is BlockedBy.Compensation or BlockedBy.Interrupted)
        {
            Flow.Continue(decision);
        }
        else
        {
            Flow.Run(
                decision,
                blockage.Step is { } step ? decision.Facts.SequenceOf(step) : decision.Facts.SequenceOfState(decision.Saga.State),
                retryPass);
        }
    }

    // A buffered event may replace a blocked step. Commands that are resolved or compensated must be finished, whatever state follows.
    private static bool MayBeReplacedByEvent(Blockage blockage) =>
        blockage.Kind is BlockedBy.Step or BlockedBy.Unknown or BlockedBy.Transition;

    private static HistoryKind KindOf(OperatorCommand command) => command switch
    {
        OperatorCommand.Cancel => HistoryKind.CancelRequested,
        OperatorCommand.Retry => HistoryKind.RetriedByOperator,
        OperatorCommand.Skip => HistoryKind.SkippedByOperator,
        OperatorCommand.Pause => HistoryKind.Paused,
        _ => HistoryKind.Resumed,
    };

    private static string AlternativeTo(SagaState saga) =>
        saga.PausedBy is not null ? "'resume' continues it."
        : saga.PastPivot ? "'pause' stops it for a while."
        : "'cancel' compensates what was done.";
}
