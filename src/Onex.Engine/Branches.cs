using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// Parallel branches (docs/contract-language.md#parallel-branches). Each branch has its own position. The join decides when the step is
/// done; branches that it does not wait for are interrupted, resolved and, unless the branch keeps its effects, compensated before the saga
/// continues.
/// </summary>
internal static class Branches
{
    /// <summary>The index of the current step of a state or branch; null if the branch no longer runs.</summary>
    public static int? Position(SagaState saga, Sequence sequence) =>
        sequence.Parallel is null ? saga.StepIndex : Find(saga, sequence) is { Phase: BranchPhase.Running } branch ? branch.Index : null;

    /// <summary>Moves to the next step.</summary>
    public static void Advance(Transition transition, Sequence sequence)
    {
        if (sequence.Parallel is null)
        {
            transition.Saga = transition.Saga with { StepIndex = transition.Saga.StepIndex + 1, WaitUntil = null };
        }
        else
        {
            Change(transition, sequence, branch => branch with { Index = branch.Index + 1, WaitUntil = null });
        }
    }

    /// <summary>Makes the current step wait until that time.</summary>
    public static void Wait(Transition transition, Sequence sequence, DateTimeOffset until)
    {
        if (sequence.Parallel is null)
        {
            transition.Saga = transition.Saga with { WaitUntil = until };
        }
        else
        {
            Change(transition, sequence, branch => branch with { WaitUntil = until });
        }
    }

    /// <summary>
    /// The retry pass of a state or branch: above 0 after an operator retried anything within the branch. Commands of a later pass must not
    /// reuse the keys of an earlier one.
    /// </summary>
    public static int RetryPass(SagaState saga, Sequence sequence) => sequence.Parallel is null ? 0 : Find(saga, sequence)?.RetryPass ?? 0;

    /// <summary>Raises the retry pass of a branch after an operator retried something in it.</summary>
    public static void Renew(Transition transition, Sequence sequence, int retryPass)
    {
        if (sequence.Parallel is not null && retryPass > RetryPass(transition.Saga, sequence))
        {
            Change(transition, sequence, branch => branch with { RetryPass = retryPass });
        }
    }

    /// <summary>The step whose wait is over; of several the one that was over first; null if there is none.</summary>
    public static (string Step, DateTimeOffset Until)? Awaited(Transition transition)
    {
        var saga = transition.Saga;
        var due = saga.Branches.Where(branch => branch.WaitUntil <= transition.Now).MinBy(branch => branch.WaitUntil);
        if (saga.WaitUntil is { } until && until <= transition.Now && !(due?.WaitUntil < until))
        {
            return (transition.State.Steps[saga.StepIndex].Id, until);
        }

        return due is null ? null : (transition.Facts.Branch(due.Parallel, due.Branch).Steps[due.Index].Id, due.WaitUntil!.Value);
    }

    /// <summary>Starts all branches, or restarts those that have failed. Returns false, because the join decides what follows.</summary>
    public static bool Open(Transition transition, ParallelStep step)
    {
        var open = transition.Saga.Branches.Where(branch => branch.Parallel == step.Id).ToList();
        var failed = open.FindAll(branch => branch.Phase == BranchPhase.Failed);
        if (open.Count > 0 && failed.Count == 0)
        {
            // The branches run already. Only a second retry by an operator leads here.
            return false;
        }

        List<BranchState> opened = failed.Count > 0
            ? [.. failed.Select(branch => branch with { Phase = BranchPhase.Running, RetryPass = branch.RetryPass + 1 })]
            :
            [
                .. step.Branches.Select((_, index) => new BranchState(step.Id, index)
                {
                    RetryPass = RetryPass(transition.Saga, transition.Facts.SequenceOf(step.Id)),
                }),
            ];
        transition.Saga = transition.Saga with
        {
            Branches = [.. transition.Saga.Branches.Where(branch => !opened.Exists(other => IsSame(branch, other))), .. opened],
        };
        transition.Note(HistoryKind.StepStarted, step.Id, ("branches", opened.Count));

        // A branch may leave the state at once, which ends the other branches.
        var entered = transition.StatesEntered;
        foreach (var branch in opened)
        {
            if (transition.StatesEntered != entered || transition.Saga.Leaving is not null)
            {
                break;
            }

            if (transition.Saga.Branches.Contains(branch))
            {
                transition.Run(transition.Facts.Branch(step.Id, branch.Branch), branch.RetryPass);
            }
        }

        return false;
    }

    /// <summary>All steps of a branch are done.</summary>
    public static void Completed(Transition transition, Sequence branch)
    {
        if (Find(transition.Saga, branch) is not { Phase: BranchPhase.Running })
        {
            return;
        }

        Change(transition, branch, state => state with { Phase = BranchPhase.Completed });
        CheckJoin(transition, branch.Parallel!);
    }

    /// <summary>A branch has failed for good, and its join may do without it.</summary>
    public static void Failed(Transition transition, Sequence branch, Fault fault, Outstanding? command)
    {
        if (command is not null)
        {
            transition.Remove(command);
        }

        transition.Note(
            HistoryKind.StepFailed, branch.Parallel!.Id, ("branch", branch.Branch), ("code", fault.Code), ("message", fault.Message));
        End(transition, branch, BranchPhase.Failed);
        CheckJoin(transition, branch.Parallel);
    }

    /// <summary>
    /// Continues after a join that is satisfied, when all branches that it did not wait for are resolved and compensated.
    /// </summary>
    public static void ContinueAfterJoin(Transition transition)
    {
        foreach (var group in transition.Saga.Branches.GroupBy(branch => branch.Parallel, StringComparer.Ordinal))
        {
            if (group.Any(branch => branch.Phase is BranchPhase.Running or BranchPhase.Failed))
            {
                continue;
            }

            var lost = group.Where(branch => branch.Phase == BranchPhase.Lost)
                .Select(branch => new Lane(group.Key, branch.Branch))
                .ToHashSet();
            if (transition.Saga.Outstanding.Any(
                    command => command.Direction == StepDirection.Forward && IsIn(transition, command.Step, lost))
                || Compensations.Compensate(transition, undo => undo.Lost && IsIn(transition, undo.Step, lost)))
            {
                continue;
            }

            Renew(transition, transition.Facts.SequenceOf(group.Key), group.Max(branch => branch.RetryPass));
            transition.Saga = transition.Saga with
            {
                Branches = transition.Saga.Branches.RemoveAll(branch => branch.Parallel == group.Key),
            };
            transition.Note(HistoryKind.StepCompleted, group.Key);
            transition.RunOn(group.Key);
            transition.Continue();
            return;
        }
    }

    /// <summary>
    /// Stops waiting for the branches that have not completed, because enough others have or an operator skips the step. Their commands in
    /// flight are resolved before the saga continues.
    /// </summary>
    public static void Drop(Transition transition, ParallelStep step)
    {
        foreach (var branch in transition.Saga.Branches)
        {
            if (branch.Parallel == step.Id && branch.Phase is BranchPhase.Running or BranchPhase.Failed)
            {
                Lose(transition, transition.Facts.Branch(step.Id, branch.Branch), step.Branches[branch.Branch].Keep);
            }
        }

        transition.Continue();
    }

    private static void CheckJoin(Transition transition, ParallelStep step)
    {
        // It has failed already and waits for an operator.
        if (transition.Saga.Blockages.Any(blockage => blockage.Step == step.Id))
        {
            return;
        }

        var mine = transition.Saga.Branches.Where(branch => branch.Parallel == step.Id).ToList();
        var completed = mine.Count(branch => branch.Phase == BranchPhase.Completed);
        var running = mine.Count(branch => branch.Phase == BranchPhase.Running);
        if (completed >= step.Needed)
        {
            Drop(transition, step);
        }
        else if (completed + running < step.Needed && step.Join != Join.All)
        {
            transition.Fail(
                step.Catch, step.Id, StepCodes.JoinFailed,
                $"Step '{step.Id}' needs {step.Needed} of its {Plural.Format(mine.Count, "branch")}, and too many have failed: "
                    + $"{mine.Count - completed - running}.");
        }
    }

    private static void Lose(Transition transition, Sequence branch, bool keep)
    {
        End(transition, branch, BranchPhase.Lost, keep);
        if (keep)
        {
            return;
        }

        var saga = transition.Saga;
        transition.Saga = saga with
        {
            Outstanding =
            [
                .. saga.Outstanding.Select(command =>
                    command.Kept && IsIn(transition, command.Step, branch) ? command with { Kept = false } : command),
            ],
            Undo =
            [
                .. saga.Undo.Select(undo => undo.State == saga.State && undo.Visit == saga.Visit && IsIn(transition, undo.Step, branch)
                    ? undo with { Lost = true }
                    : undo),
            ],
        };
    }

    // Interrupts the commands in flight in a branch and ends the branches within it.
    private static void End(Transition transition, Sequence branch, BranchPhase phase, bool keep = false)
    {
        var rounds = transition.Saga.Branches
            .Where(inner => transition.Facts.Branch(inner.Parallel, inner.Branch).IsWithin(branch.Parallel!.Id, branch.Branch))
            .Select(inner => inner.RetryPass);
        Renew(transition, branch, rounds.DefaultIfEmpty().Max());
        Change(transition, branch, state => state with { Phase = phase, WaitUntil = null });
        Interruption.Interrupt(transition, command => IsIn(transition, command.Step, branch), keep);
        transition.Unblock(
            blockage => blockage is { Step: { } step, Kind: BlockedBy.Step or BlockedBy.Unknown } && IsIn(transition, step, branch));
        var saga = transition.Saga;
        transition.Saga = saga with
        {
            Branches = saga.Branches.RemoveAll(inner =>
                transition.Facts.Branch(inner.Parallel, inner.Branch) is var other
                && other.Key != branch.Key
                && other.IsWithin(branch.Parallel!.Id, branch.Branch)),
            Eaches = saga.Eaches.RemoveAll(run => IsIn(transition, run.Step, branch)),
            Held = saga.Held.RemoveAll(held => transition.Facts.SequenceAt(held.Key).IsWithin(branch.Parallel!.Id, branch.Branch)),
        };
    }

    private static bool IsIn(Transition transition, string step, Sequence branch) =>
        transition.Facts.SequenceOf(step).IsWithin(branch.Parallel!.Id, branch.Branch);

    private static bool IsIn(Transition transition, string step, HashSet<Lane> lanes) =>
        transition.Facts.SequenceOf(step).Lanes.Any(lanes.Contains);

    private static bool IsSame(BranchState one, BranchState other) => one.Parallel == other.Parallel && one.Branch == other.Branch;

    private static BranchState? Find(SagaState saga, Sequence sequence) =>
        saga.Branches.FirstOrDefault(branch => branch.Parallel == sequence.Parallel!.Id && branch.Branch == sequence.Branch);

    private static void Change(Transition transition, Sequence sequence, Func<BranchState, BranchState> change) =>
        transition.Saga = transition.Saga with
        {
            Branches =
            [
                .. transition.Saga.Branches.Select(branch =>
                    branch.Parallel == sequence.Parallel!.Id && branch.Branch == sequence.Branch ? change(branch) : branch),
            ],
        };
}
