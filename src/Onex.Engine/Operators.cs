using System.Diagnostics.CodeAnalysis;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>The operator commands: cancel, terminate, retry, skip, pause, resume.</summary>
internal static class Operators
{
    /// <summary>Why a command is not allowed now, and what can be done instead; null if it is allowed.</summary>
    public static string? WhyNotAllowed(Transition transition, OperatorCommand command)
    {
        var saga = transition.Saga;
        if (saga.EndedAt is not null)
        {
            return $"It has ended ({saga.Status.ToText()}): no command is allowed any more.";
        }

        return command switch
        {
            OperatorCommand.Cancel => WhyNotCancellable(transition),
            OperatorCommand.Retry when saga.Blockage is null =>
                $"It is not blocked but {saga.Status.ToText()}: it retries by itself. {Instead(saga)}",
            OperatorCommand.Skip when saga.Blockage is null && !saga.Outstanding.Any(IsBeingResolved) =>
                $"It is not blocked but {saga.Status.ToText()}: there is nothing to skip. {Instead(saga)}",
            OperatorCommand.Skip when saga.Blockage is { Kind: BlockedBy.Way or BlockedBy.Handling } =>
                $"There is nothing to skip: {saga.BlockedBecause} 'retry' tries it again"
                    + (saga.PastPivot ? "." : ", 'cancel' compensates what was done."),
            OperatorCommand.Skip when IsDeadEnd(transition, saga.Blockage) =>
                $"Step '{saga.Blockage.Step}' is the last of state '{saga.State}', and no transition follows it. 'retry' tries it again, "
                    + "'terminate' ends the saga.",
            OperatorCommand.Pause when saga.Blockage is not null =>
                "It is blocked, so it sends nothing. 'retry' or 'skip' what it is blocked by.",
            OperatorCommand.Pause when saga.PausedBy is { } request => $"{request.By} has paused it already. 'resume' continues it.",
            OperatorCommand.Resume when saga.PausedBy is null => $"It is not paused but {saga.Status.ToText()}. {Instead(saga)}",
            _ => null,
        };
    }

    /// <summary>Carries out a command that is allowed.</summary>
    public static bool Decide(Transition transition, OperatorRequested requested)
    {
        var request = new OperatorRequest(requested.By, requested.Reason, transition.Now);
        transition.Progress();
        if (requested.Command == OperatorCommand.Terminate)
        {
            Endings.Terminate(transition, request);
            return true;
        }

        var about = transition.Saga.Blockage?.Step
            ?? (requested.Command == OperatorCommand.Skip ? transition.Saga.Outstanding.FirstOrDefault(IsBeingResolved)?.Step : null);
        transition.Note(KindOf(requested.Command), about, ("by", requested.By), ("reason", requested.Reason));
        switch (requested.Command)
        {
            case OperatorCommand.Cancel:
                Cancel(transition, request);
                break;
            case OperatorCommand.Retry:
                Retry(transition);
                break;
            case OperatorCommand.Skip:
                Skip(transition);
                break;
            case OperatorCommand.Pause:
                transition.Saga = transition.Saga with { PausedBy = request };
                break;
            case OperatorCommand.Resume:
                Resume(transition);
                break;
        }

        return true;
    }

    private static string? WhyNotCancellable(Transition transition)
    {
        var saga = transition.Saga;
        if (saga.PastPivot)
        {
            return "It is past the pivot: nothing is compensated any more. "
                + (saga.Blockage is null ? "'pause' stops it for a while" : "'retry' or 'skip' what it is blocked by")
                + "; 'terminate' ends it as it is.";
        }

        return saga.CancelledBy is { } request && transition.State.Kind == StateKind.Compensating
            ? $"{request.By} has cancelled it already; it is compensating what was done"
                + (saga.Blockage is null
                    ? "."
                    : $", and is blocked by that: {saga.BlockedBecause} 'retry' tries it again, 'skip' continues without it.")
            : null;
    }

    // A `fail` step that nothing catches past the pivot, with no transition after it.
    private static bool IsDeadEnd(Transition transition, [NotNullWhen(true)] Blockage? blockage) =>
        blockage is { Kind: BlockedBy.Step, Step: { } step, CommandId: null }
        && transition.Facts.At(step) is FailStep
        && transition.State is { Choices.IsEmpty: true } state
        && state.Steps[^1].Id == step;

    private static void Cancel(Transition transition, OperatorRequest request)
    {
        // An operator who cancels a paused saga wants it to run to its end.
        transition.Saga = transition.Saga with { CancelledBy = request, PausedBy = null };
        if (transition.State.Kind == StateKind.Compensating)
        {
            // It is in the compensating state already and only leaves it from there.
            transition.Unblock(blockage => blockage.Kind == BlockedBy.Way);
            transition.Saga = transition.Saga with { Leaving = null };
            Commands.Release(transition);
            transition.Continue();
            return;
        }

        // A blocked compensation still needs an operator.
        transition.Unblock(blockage => blockage.Kind != BlockedBy.Compensation);
        transition.Move(transition.Plan.CancelState, Endings.Cancelled(transition.Saga));
        Commands.Release(transition);
    }

    // A buffered event comes first, because it may make commands superfluous; then the commands that were held back; then the rest.
    private static void Resume(Transition transition)
    {
        var held = transition.Saga.Held;
        transition.Saga = transition.Saga with { PausedBy = null, Held = [] };
        var entered = transition.StatesEntered;
        Events.HandleBuffered(transition);
        Commands.Release(transition);

        // Outer sequences first: a retry opens the branches that the inner ones belong to.
        foreach (var (key, retryPass) in held.OrderBy(sequence => transition.Facts.SequenceAt(sequence.Key).Lanes.Length))
        {
            if (transition.StatesEntered != entered || transition.Saga is { Leaving: not null } or { EndedAt: not null })
            {
                break;
            }

            var sequence = transition.Facts.SequenceAt(key);
            if (Branches.Position(transition.Saga, sequence) is not null)
            {
                transition.Run(sequence, retryPass);
            }
        }

        if (transition.Saga.EndedAt is null)
        {
            transition.Continue();
        }
    }

    private static void Retry(Transition transition)
    {
        var blockage = transition.Saga.Blockage!;
        transition.Unblock(other => other == blockage);
        if (blockage.Kind == BlockedBy.Handling || (GivesWay(blockage) && Events.AcceptBuffered(transition)))
        {
            // A saga that was set aside continues where it was. It wakes up at once and queries what it needs.
            return;
        }

        var stuck = transition.Saga.Outstanding.FirstOrDefault(command => command.CommandId == blockage.CommandId);
        if (stuck is { Answered: true })
        {
            RetryAnswered(transition, stuck);
            return;
        }

        if (stuck is not null)
        {
            // Its outcome is unknown, so the same command is sent again: the ledger and the service know it by its key. The outcome of an
            // attempt that was never reported counts as unknown.
            var again = (stuck.IsIdle ? stuck : stuck.After(AttemptReach.Sent)) with
            {
                AttemptsBefore = stuck.Attempt,
                RetriedAt = transition.Now,
            };
            if (stuck.NotAfter > transition.Now)
            {
                Commands.SendAgain(transition, again, stuck.Attempt + 1, resent: 0);
                return;
            }

            // It is too old to be sent again, but the ledger may know its outcome. If the ledger does not, only a new command helps.
            if (stuck.Interrupted || !(stuck.RetriedAt >= stuck.NotAfter))
            {
                transition.Replace(again with { Phase = AttemptPhase.InFlight, DueAt = transition.Now });
                return;
            }

            if (stuck.Item is not null || stuck.Direction == StepDirection.Compensation)
            {
                RetryAnswered(transition, stuck);
                return;
            }

            transition.Remove(stuck);
        }

        Continue(transition, blockage, blockage.CommandId is null ? 0 : blockage.RetryPass + 1);
    }

    // The answer under its key is final, so the work is requested under a new key.
    private static void RetryAnswered(Transition transition, Outstanding stuck)
    {
        if (stuck.Direction == StepDirection.Forward)
        {
            EachItems.Retry(transition, stuck);
            return;
        }

        transition.Remove(stuck);
        if (transition.Saga.Undo.Any(undo => undo.CompensationId == stuck.CommandId))
        {
            transition.Saga = transition.Saga with
            {
                Undo =
                [
                    .. transition.Saga.Undo.Select(undo =>
                        undo.CompensationId == stuck.CommandId ? undo with { RetryPass = undo.RetryPass + 1 } : undo),
                ],
            };
            transition.Continue();
        }
        else
        {
            EachItems.CompensateAgain(transition, stuck);
        }
    }

    private static void Skip(Transition transition)
    {
        if (transition.Saga.Blockage is not { } blockage)
        {
            SkipResolving(transition);
            return;
        }

        transition.Unblock(other => other == blockage);
        var stuck = transition.Saga.Outstanding.FirstOrDefault(command => command.CommandId == blockage.CommandId);
        if (stuck is not null && blockage.Kind == BlockedBy.Unknown)
        {
            // A buffered event may lead out of the state just as the failure would.
            stuck = stuck with { Happened = Happening.No };
            transition.Replace(stuck);
            if (!Events.AcceptBuffered(transition))
            {
                Results.NotDone(transition, stuck, blockage);
            }

            return;
        }

        if (stuck is not null)
        {
            transition.Remove(stuck);
        }

        if (GivesWay(blockage) && Events.AcceptBuffered(transition))
        {
            return;
        }

        switch (blockage.Kind)
        {
            case BlockedBy.Compensation when stuck is not null:
                Compensations.Done(transition, stuck, SagaItemStatus.Skipped);
                return;
            case BlockedBy.Step when stuck is { Item: not null }:
                EachItems.Skip(transition, stuck);
                return;
            case BlockedBy.Step when transition.Facts.At(blockage.Step!) is ParallelStep parallel:
                Branches.Drop(transition, parallel);
                return;
            case BlockedBy.Step:
                MarkSkipped(transition, blockage.Step!);
                break;
        }

        Continue(transition, blockage, retryPass: 0);
    }

    // An interrupted command that is being resolved counts as not done.
    private static void SkipResolving(Transition transition)
    {
        foreach (var command in transition.Saga.Outstanding.Where(IsBeingResolved))
        {
            transition.Remove(command);
        }

        transition.Continue();
    }

    private static bool IsBeingResolved(Outstanding command) => command is { Interrupted: true, Direction: StepDirection.Forward };

    // The current step counts as completed without a result. A result of an earlier visit is removed as well.
    private static void MarkSkipped(Transition transition, string id)
    {
        var saga = transition.Saga;
        transition.Saga = saga with
        {
            Eaches = saga.Eaches.RemoveAll(run => run.Step == id),
            Results = saga.Results.Remove(id),
            Skipped = saga.Skipped.Add(id),
        };
        Branches.Advance(transition, transition.Facts.SequenceOf(id));
    }

    // Continues with the interrupted commands or compensations, the step, or the transition out of the state.
    private static void Continue(Transition transition, Blockage blockage, int retryPass)
    {
        if (transition.Saga.Leaving is not null
            || transition.State.Kind == StateKind.Compensating
            || blockage.Kind is BlockedBy.Compensation or BlockedBy.Interrupted)
        {
            transition.Continue();
        }
        else
        {
            transition.Run(
                blockage.Step is { } step ? transition.Facts.SequenceOf(step) : transition.Facts.Root(transition.Saga.State), retryPass);
        }
    }

    // A buffered event may replace a blocked step. Commands that are resolved or compensated must be finished, whatever state follows.
    private static bool GivesWay(Blockage blockage) => blockage.Kind is BlockedBy.Step or BlockedBy.Unknown or BlockedBy.Way;

    private static HistoryKind KindOf(OperatorCommand command) => command switch
    {
        OperatorCommand.Cancel => HistoryKind.CancelRequested,
        OperatorCommand.Retry => HistoryKind.RetriedByOperator,
        OperatorCommand.Skip => HistoryKind.SkippedByOperator,
        OperatorCommand.Pause => HistoryKind.Paused,
        _ => HistoryKind.Resumed,
    };

    private static string Instead(SagaState saga) =>
        saga.PausedBy is not null ? "'resume' continues it."
        : saga.PastPivot ? "'pause' stops it for a while."
        : "'cancel' compensates what was done.";
}
