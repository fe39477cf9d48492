using Onex.Contracts.Catalogue;
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

    public static void Advance(DecisionBuilder decision, Sequence sequence)
    {
        if (sequence.Parallel is null)
        {
            decision.Saga = decision.Saga with { StepIndex = decision.Saga.StepIndex + 1, WaitUntil = null };
        }
        else
        {
            Change(decision, sequence, branch => branch with { Index = branch.Index + 1, WaitUntil = null });
        }
    }

    public static void Wait(DecisionBuilder decision, Sequence sequence, DateTimeOffset until)
    {
        if (sequence.Parallel is null)
        {
            decision.Saga = decision.Saga with { WaitUntil = until };
        }
        else
        {
            Change(decision, sequence, branch => branch with { WaitUntil = until });
        }
    }

    /// <summary>
    /// The retry pass of a branch: above 0 after an operator retried anything within it or around it; always 0 for a state. Commands of a
    /// later pass must not reuse the keys of an earlier one.
    /// </summary>
    public static int RetryPass(SagaState saga, Sequence sequence) => sequence.Parallel is null ? 0 : Find(saga, sequence)?.RetryPass ?? 0;

    /// <summary>Raises the retry pass of a branch to that of a step or branch in it. Does nothing for a state.</summary>
    public static void RaiseRetryPass(DecisionBuilder decision, Sequence sequence, int retryPass)
    {
        if (sequence.Parallel is not null && retryPass > RetryPass(decision.Saga, sequence))
        {
            Change(decision, sequence, branch => branch with { RetryPass = retryPass });
        }
    }

    /// <summary>The <c>wait</c> step that is over; if several are, the one that was due first; null if none is.</summary>
    public static (string Step, DateTimeOffset Until)? ElapsedWait(DecisionBuilder decision)
    {
        var saga = decision.Saga;
        var due = saga.Branches.Where(branch => branch.WaitUntil <= decision.Now).MinBy(branch => branch.WaitUntil);
        if (saga.WaitUntil is { } until && until <= decision.Now && !(due?.WaitUntil < until))
        {
            return (decision.State.Steps[saga.StepIndex].Id, until);
        }

        return due is null ? null : (decision.Facts.Branch(due.Parallel, due.Branch).Steps[due.Index].Id, due.WaitUntil!.Value);
    }

    /// <summary>Starts all branches, or restarts those that have failed. Returns false, because the join decides what follows.</summary>
    public static bool Start(DecisionBuilder decision, ParallelStep step)
    {
        var open = decision.Saga.Branches.Where(branch => branch.Parallel == step.Id).ToList();
        var failed = open.FindAll(branch => branch.Phase == BranchPhase.Failed);
        if (open.Count > 0 && failed.Count == 0)
        {
            // The branches run already.
            return false;
        }

        List<BranchState> opened = failed.Count > 0
            ? [.. failed.Select(branch => branch with { Phase = BranchPhase.Running, RetryPass = branch.RetryPass + 1 })]
            :
            [
                .. step.Branches.Select((_, index) => new BranchState(step.Id, index)
                {
                    RetryPass = RetryPass(decision.Saga, decision.Facts.SequenceOf(step.Id)),
                }),
            ];
        decision.Saga = decision.Saga with
        {
            Branches = [.. decision.Saga.Branches.Where(branch => !opened.Exists(other => IsSame(branch, other))), .. opened],
        };
        decision.Note(HistoryKind.StepStarted, step.Id, ("branches", opened.Count));

        // A branch may leave the state at once, which ends the other branches.
        var statesBefore = decision.StatesEntered;
        foreach (var branch in opened)
        {
            if (decision.StatesEntered != statesBefore || decision.Saga.Leaving is not null)
            {
                break;
            }

            if (decision.Saga.Branches.Contains(branch))
            {
                Flow.Run(decision, decision.Facts.Branch(step.Id, branch.Branch), branch.RetryPass);
            }
        }

        return false;
    }

    /// <summary>Handles the end of a branch whose steps are all done.</summary>
    public static void HandleCompleted(DecisionBuilder decision, Sequence branch)
    {
        if (Find(decision.Saga, branch) is not { Phase: BranchPhase.Running })
        {
            return;
        }

        Change(decision, branch, state => state with { Phase = BranchPhase.Completed });
        CheckJoin(decision, branch.Parallel!);
    }

    /// <summary>Handles a branch that has failed for good; its join may succeed without it.</summary>
    public static void HandleFailed(DecisionBuilder decision, Sequence branch, Fault fault, Outstanding? command)
    {
        if (command is not null)
        {
            decision.Remove(command);
        }

        decision.Note(
            HistoryKind.StepFailed, branch.Parallel!.Id, ("branch", branch.Branch), ("code", fault.Code), ("message", fault.Message));
        End(decision, branch, BranchPhase.Failed);
        CheckJoin(decision, branch.Parallel);
    }

    /// <summary>
    /// Continues after a join that is satisfied, when all branches that it did not wait for are resolved and compensated.
    /// </summary>
    public static void ContinueAfterJoin(DecisionBuilder decision)
    {
        foreach (var group in decision.Saga.Branches.GroupBy(branch => branch.Parallel, StringComparer.Ordinal))
        {
            if (group.Any(branch => branch.Phase is BranchPhase.Running or BranchPhase.Failed))
            {
                continue;
            }

            var dropped = group.Where(branch => branch.Phase == BranchPhase.Dropped)
                .Select(branch => new BranchId(group.Key, branch.Branch))
                .ToHashSet();
            if (decision.Saga.Outstanding.Any(
                    command => command.Direction == StepDirection.Forward && IsIn(decision, command.Step, dropped))
                || Compensations.Compensate(
                    decision, compensable => compensable.MustCompensate && IsIn(decision, compensable.Step, dropped)))
            {
                continue;
            }

            RaiseRetryPass(decision, decision.Facts.SequenceOf(group.Key), group.Max(branch => branch.RetryPass));
            decision.Saga = decision.Saga with
            {
                Branches = decision.Saga.Branches.RemoveAll(branch => branch.Parallel == group.Key),
            };
            decision.Note(HistoryKind.StepCompleted, group.Key);
            Flow.RunNext(decision, group.Key);
            Flow.Continue(decision);
            return;
        }
    }

    /// <summary>
    /// Stops waiting for the branches that have not completed, because enough others have or an operator skips the step. Their commands in
    /// flight are resolved before the saga continues.
    /// </summary>
    public static void Drop(DecisionBuilder decision, ParallelStep step)
    {
        foreach (var branch in decision.Saga.Branches)
        {
            if (branch.Parallel == step.Id && branch.Phase is BranchPhase.Running or BranchPhase.Failed)
            {
                DropBranch(decision, decision.Facts.Branch(step.Id, branch.Branch), step.Branches[branch.Branch].Keep);
            }
        }

        Flow.Continue(decision);
    }

    private static void CheckJoin(DecisionBuilder decision, ParallelStep step)
    {
        // The step has failed already and waits for an operator.
        if (decision.Saga.Blockages.Any(blockage => blockage.Step == step.Id))
        {
            return;
        }

        var branches = decision.Saga.Branches.Where(branch => branch.Parallel == step.Id).ToList();
        var completed = branches.Count(branch => branch.Phase == BranchPhase.Completed);
        var running = branches.Count(branch => branch.Phase == BranchPhase.Running);
        if (completed >= step.Needed)
        {
            Drop(decision, step);
        }
        else if (completed + running < step.Needed && step.Join != Join.All)
        {
            Flow.Fail(
                decision, step.Catch, step.Id, StepCodes.JoinFailed,
                $"Step '{step.Id}' needs {step.Needed} of its {Plural.Format(branches.Count, "branch")}, and too many have failed: "
                    + $"{branches.Count - completed - running}.");
        }
    }

    // Ends a branch. Unless its effects are kept, all of them are compensated, also those that a branch within it was to keep.
    private static void DropBranch(DecisionBuilder decision, Sequence branch, bool keep)
    {
        End(decision, branch, BranchPhase.Dropped, keep);
        if (keep)
        {
            return;
        }

        var saga = decision.Saga;
        decision.Saga = saga with
        {
            Outstanding =
            [
                .. saga.Outstanding.Select(command =>
                    command.Kept && IsIn(decision, command.Step, branch) ? command with { Kept = false } : command),
            ],
            Compensables =
            [
                .. saga.Compensables.Select(compensable =>
                    compensable.State == saga.State && compensable.Visit == saga.Visit && IsIn(decision, compensable.Step, branch)
                        ? compensable with { MustCompensate = true }
                        : compensable),
            ],
        };
    }

    // Interrupts the commands in flight in a branch and ends the branches within it.
    private static void End(DecisionBuilder decision, Sequence branch, BranchPhase phase, bool keep = false)
    {
        var passes = decision.Saga.Branches
            .Where(inner => decision.Facts.Branch(inner.Parallel, inner.Branch).IsWithin(branch.Parallel!.Id, branch.Branch))
            .Select(inner => inner.RetryPass);
        RaiseRetryPass(decision, branch, passes.DefaultIfEmpty().Max());
        Change(decision, branch, state => state with { Phase = phase, WaitUntil = null });
        Interruption.Interrupt(decision, command => IsIn(decision, command.Step, branch), keep);
        decision.Unblock(
            blockage => blockage is { Step: { } step, Kind: BlockedBy.Step or BlockedBy.Unknown } && IsIn(decision, step, branch));
        var saga = decision.Saga;
        decision.Saga = saga with
        {
            Branches = saga.Branches.RemoveAll(inner => IsNested(decision, inner, branch)),
            EachRuns = saga.EachRuns.RemoveAll(run => IsIn(decision, run.Step, branch)),
            Held = saga.Held.RemoveAll(held => decision.Facts.SequenceAt(held.Key).IsWithin(branch.Parallel!.Id, branch.Branch)),
        };
    }

    private static bool IsNested(DecisionBuilder decision, BranchState inner, Sequence branch)
    {
        var sequence = decision.Facts.Branch(inner.Parallel, inner.Branch);
        return sequence.Key != branch.Key && sequence.IsWithin(branch.Parallel!.Id, branch.Branch);
    }

    private static bool IsIn(DecisionBuilder decision, string step, Sequence branch) =>
        decision.Facts.SequenceOf(step).IsWithin(branch.Parallel!.Id, branch.Branch);

    private static bool IsIn(DecisionBuilder decision, string step, HashSet<BranchId> branches) =>
        decision.Facts.SequenceOf(step).EnclosingBranches.Any(branches.Contains);

    private static bool IsSame(BranchState one, BranchState other) => one.Parallel == other.Parallel && one.Branch == other.Branch;

    private static BranchState? Find(SagaState saga, Sequence sequence) =>
        saga.Branches.FirstOrDefault(branch => branch.Parallel == sequence.Parallel!.Id && branch.Branch == sequence.Branch);

    private static void Change(DecisionBuilder decision, Sequence sequence, Func<BranchState, BranchState> change) =>
        decision.Saga = decision.Saga with
        {
            Branches =
            [
                .. decision.Saga.Branches.Select(branch =>
                    branch.Parallel == sequence.Parallel!.Id && branch.Branch == sequence.Branch ? change(branch) : branch),
            ],
        };
}
