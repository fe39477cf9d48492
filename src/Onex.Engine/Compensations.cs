using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Compensation (docs/contract-language.md#compensation): completed steps in reverse order, parallel branches in parallel, and every
/// completed item of an <c>each</c> on its own.
/// </summary>
internal static class Compensations
{
    /// <summary>Records that a step or an item has completed, or may have, and can be compensated with these arguments.</summary>
    public static void Record(DecisionBuilder decision, Outstanding command, CallStep step, RawJson arguments, SagaItemStatus outcome)
    {
        var saga = decision.Saga;
        var state = decision.Facts.StateOf(step.Id);
        var visit = saga.Visits.GetValueOrDefault(state);
        if (command is { Item: not null, Interrupted: false })
        {
            EachItems.StoreItem(decision, command, outcome, arguments);
            if (saga.Compensables.Any(other => other.Items is not null && other.Step == step.Id && other.Visit == visit))
            {
                return;
            }

            decision.Saga = saga with
            {
                Compensables = saga.Compensables.Add(
                    new Compensable(step.Id, state, EachItems.RunId(decision, step.Id, visit), RawJson.EmptyObject)
                    {
                        Visit = visit,
                        Items = new ItemCompensation(int.MaxValue, Fetching: false),
                    }),
            };
            return;
        }

        if (command.Item is not null)
        {
            EachItems.StoreItem(decision, command, outcome, arguments: null);
        }

        decision.Saga = saga with
        {
            Compensables = saga.Compensables.Add(new Compensable(step.Id, state, command.CommandId, arguments)
            {
                Visit = visit,
                Item = command.Item,
                MustCompensate = command is { Interrupted: true, Kept: false },
            }),
        };
    }

    /// <summary>Starts the compensations that are next. True if any compensation is left.</summary>
    public static bool Compensate(DecisionBuilder decision, Func<Compensable, bool> which)
    {
        var due = decision.Saga.Compensables.Where(which).ToList();
        for (var index = due.Count - 1; index >= 0; index--)
        {
            var compensable = due[index];
            if (due.Skip(index + 1).Any(later => !AreConcurrent(decision, compensable, later)))
            {
                continue;
            }

            if (compensable.Items is not null)
            {
                EachItems.Compensate(decision, compensable);
            }
            else if (!decision.Saga.Outstanding.Any(command => command.CommandId == compensable.CompensationId))
            {
                Commands.Compensate(decision, compensable);
            }
        }

        return due.Count > 0;
    }

    /// <summary>Handles a compensation that has completed or that an operator skips.</summary>
    public static void Finish(DecisionBuilder decision, Outstanding command, SagaItemStatus outcome)
    {
        decision.Remove(command);
        var compensable = decision.Saga.Compensables.FirstOrDefault(compensable => compensable.CompensationId == command.CommandId);
        if (compensable is not null)
        {
            decision.Saga = decision.Saga with { Compensables = decision.Saga.Compensables.Remove(compensable) };
        }

        if (command.Item is { } item)
        {
            EachItems.HandleCompensated(decision, command, item, outcome);
        }

        if (outcome == SagaItemStatus.Compensated && (command.Item is null || compensable is not null))
        {
            decision.Note(HistoryKind.CompensationCompleted, command.Step, ("attempt", command.Attempt));
        }

        Flow.Continue(decision);
    }

    // True for steps in different branches of the same parallel step, and for two items of the same each.
    private static bool AreConcurrent(DecisionBuilder decision, Compensable one, Compensable other)
    {
        if (one.State != other.State || one.Visit != other.Visit)
        {
            return false;
        }

        if (one.Step == other.Step)
        {
            return true;
        }

        var left = decision.Facts.SequenceOf(one.Step).EnclosingBranches;
        var right = decision.Facts.SequenceOf(other.Step).EnclosingBranches;
        var depth = 0;
        while (depth < left.Length && depth < right.Length && left[depth] == right[depth])
        {
            depth++;
        }

        return depth < left.Length && depth < right.Length && left[depth].Parallel == right[depth].Parallel;
    }
}
