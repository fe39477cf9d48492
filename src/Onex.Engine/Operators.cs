using System.Diagnostics.CodeAnalysis;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>What operators ask for: cancel, terminate, retry, skip, pause, resume.</summary>
internal static class Operators
{
    /// <summary>Why that cannot be asked now, and what can be done instead; null if it can.</summary>
    public static string? Objection(Transition transition, OperatorCommand command)
    {
        var saga = transition.Saga;
        if (saga.EndedAt is not null)
        {
            return $"It has ended ({saga.Status.ToText()}): nothing can be asked of it any more.";
        }

        return command switch
        {
            OperatorCommand.Cancel => ObjectionToCancel(transition),
            OperatorCommand.Retry when saga.Blockage is null => $"It is not blocked but {saga.Status.ToText()}: it retries by itself. {Instead(saga)}",
            OperatorCommand.Skip when saga.Blockage is null && !saga.Outstanding.Any(IsBeingResolved) => $"It is not blocked but {saga.Status.ToText()}: there is nothing to skip. {Instead(saga)}",
            OperatorCommand.Skip when saga.Blockage is { Kind: BlockedBy.Way or BlockedBy.Handling } =>
                $"There is nothing to pass over: {saga.BlockedBecause} 'retry' tries that again{(saga.PastPivot ? "." : ", 'cancel' takes back what was done.")}",
            OperatorCommand.Skip when IsDeadEnd(transition, saga.Blockage) =>
                $"Step '{saga.Blockage.Step}' is the last of state '{saga.State}', and nothing leads on behind it. 'retry' tries it again, 'terminate' ends the saga.",
            OperatorCommand.Pause when saga.Blockage is not null => "It is blocked, so it sends nothing. 'retry' or 'skip' what it is blocked by.",
            OperatorCommand.Pause when saga.PausedBy is { } request => $"{request.By} has paused it already. 'resume' lets it go on.",
            OperatorCommand.Resume when saga.PausedBy is null => $"It is not paused but {saga.Status.ToText()}. {Instead(saga)}",
            _ => null,
        };
    }

    /// <summary>Does it. There must be no objection.</summary>
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

    private static string? ObjectionToCancel(Transition transition)
    {
        var saga = transition.Saga;
        if (saga.PastPivot)
        {
            return "It is past the pivot: nothing is taken back any more. "
                + (saga.Blockage is null ? "'pause' stops it for a while" : "'retry' or 'skip' what it is blocked by")
                + "; 'terminate' ends it as it is.";
        }

        return saga.CancelledBy is { } request && transition.State.Kind == StateKind.Compensating
            ? $"{request.By} has cancelled it already; it is taking back what was done"
                + (saga.Blockage is null ? "." : $", and is blocked by that: {saga.BlockedBecause} 'retry' tries it again, 'skip' goes on without it.")
            : null;
    }

    // A `fail` that nothing catches past the pivot, behind which its state has no way on.
    private static bool IsDeadEnd(Transition transition, [NotNullWhen(true)] Blockage? blockage) =>
        blockage is { Kind: BlockedBy.Step, Step: { } step, CommandId: null }
        && transition.Facts.At(step) is FailStep
        && transition.State is { Choices.IsEmpty: true } state
        && state.Steps[^1].Id == step;

    private static void Cancel(Transition transition, OperatorRequest request)
    {
        // Whoever cancels a saga that was paused wants it to go on to its end.
        transition.Saga = transition.Saga with { CancelledBy = request, PausedBy = null };
        if (transition.State.Kind == StateKind.Compensating)
        {
            // It is where it has to be, and only goes elsewhere from there.
            transition.Unblock(blockage => blockage.Kind == BlockedBy.Way);
            transition.Saga = transition.Saga with { Leaving = null };
            Commands.Release(transition);
            transition.Continue();
            return;
        }

        // What is taken back already, and blocked by that, stays an operator's affair.
        transition.Unblock(blockage => blockage.Kind != BlockedBy.Compensation);
        transition.Move(transition.Plan.CancelState, Endings.Cancelled(transition.Saga));
        Commands.Release(transition);
    }

    // A kept event first, so that nothing is sent in vain; then what was sent before the rest.
    private static void Resume(Transition transition)
    {
        var held = transition.Saga.Held;
        transition.Saga = transition.Saga with { PausedBy = null, Held = [] };
        var entered = transition.StatesEntered;
        Events.Settle(transition);
        Commands.Release(transition);

        // Outer ones first: what an operator has had done anew opens the branches that those within it belong to.
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
        if (blockage.Kind == BlockedBy.Handling || (GivesWay(blockage) && Events.TakeKept(transition)))
        {
            // What was set aside goes on where it was: what it needs to be told it asks for when it wakes up, which is at once.
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
            // Its outcome is unknown, so it is the same command that is sent again; the ledger and the other side know it by its key.
            // Of an attempt that never told what came of it nobody can tell.
            var again = (stuck.IsIdle ? stuck : stuck.After(AttemptReach.Sent)) with { AttemptsBefore = stuck.Attempt, RetriedAt = transition.Now };
            if (stuck.NotAfter > transition.Now)
            {
                Commands.SendAgain(transition, again, stuck.Attempt + 1, resent: 0);
                return;
            }

            // Too old to be sent again, but the ledger may know what came of it. Once it was asked in vain, only a new command helps.
            if (stuck.Interrupted || !(stuck.RetriedAt >= stuck.NotAfter))
            {
                transition.Replace(again with { Phase = AttemptPhase.InFlight, DueAt = transition.Now });
                return;
            }

            if (stuck.Item is not null || stuck.Direction == StepDirections.Compensate)
            {
                RetryAnswered(transition, stuck);
                return;
            }

            transition.Remove(stuck);
        }

        Continue(transition, blockage, blockage.CommandId is null ? 0 : blockage.RetryPass + 1);
    }

    // The answer to its key is final: what is wanted of it is asked under another one.
    private static void RetryAnswered(Transition transition, Outstanding stuck)
    {
        if (stuck.Direction == StepDirections.Do)
        {
            EachItems.Retry(transition, stuck);
            return;
        }

        transition.Remove(stuck);
        if (transition.Saga.Undo.Any(undo => undo.CompensationId == stuck.CommandId))
        {
            transition.Saga = transition.Saga with
            {
                Undo = [.. transition.Saga.Undo.Select(undo => undo.CompensationId == stuck.CommandId ? undo with { RetryPass = undo.RetryPass + 1 } : undo)],
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
            // An event that was kept may lead away from it as well as its failure does.
            stuck = stuck with { Happened = Happening.No };
            transition.Replace(stuck);
            if (!Events.TakeKept(transition))
            {
                Results.NotDone(transition, stuck, blockage);
            }

            return;
        }

        if (stuck is not null)
        {
            transition.Remove(stuck);
        }

        if (GivesWay(blockage) && Events.TakeKept(transition))
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
                Pass(transition, blockage.Step!);
                break;
        }

        Continue(transition, blockage, retryPass: 0);
    }

    // What was interrupted and is being resolved counts as not done.
    private static void SkipResolving(Transition transition)
    {
        foreach (var command in transition.Saga.Outstanding.Where(IsBeingResolved))
        {
            transition.Remove(command);
        }

        transition.Continue();
    }

    private static bool IsBeingResolved(Outstanding command) => command is { Interrupted: true, Direction: StepDirections.Do };

    // The step in hand counts as completed, without a result: not with one of an earlier visit either.
    private static void Pass(Transition transition, string id)
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

    // What was interrupted or taken back, the step, or the way out of the state.
    private static void Continue(Transition transition, Blockage blockage, int retryPass)
    {
        if (transition.Saga.Leaving is not null || transition.State.Kind == StateKind.Compensating || blockage.Kind is BlockedBy.Compensation or BlockedBy.Interrupted)
        {
            transition.Continue();
        }
        else
        {
            transition.Run(blockage.Step is { } step ? transition.Facts.SequenceOf(step) : transition.Facts.Root(transition.Saga.State), retryPass);
        }
    }

    // A step gives way to an event that was kept; what is resolved or taken back has to be, wherever that leads.
    private static bool GivesWay(Blockage blockage) => blockage.Kind is BlockedBy.Step or BlockedBy.Unknown or BlockedBy.Way;

    private static string KindOf(OperatorCommand command) => command switch
    {
        OperatorCommand.Cancel => HistoryKinds.CancelAsked,
        OperatorCommand.Retry => HistoryKinds.RetriedByOperator,
        OperatorCommand.Skip => HistoryKinds.SkippedByOperator,
        OperatorCommand.Pause => HistoryKinds.Paused,
        _ => HistoryKinds.Resumed,
    };

    private static string Instead(SagaState saga) =>
        saga.PausedBy is not null ? "'resume' lets it go on." : saga.PastPivot ? "'pause' stops it for a while." : "'cancel' takes back what was done.";
}
