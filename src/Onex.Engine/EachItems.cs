using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// One call for each item of a list (docs/contract-language.md#for-each). The saga keeps counters and the calls in flight; each finished
/// item is a row of its own. If a decision needs such rows, the saga requests them (<see cref="Wanted"/>) and wakes up at once with them.
/// </summary>
internal static class EachItems
{
    /// <summary>The rows that a saga needs before it can continue.</summary>
    public static IEnumerable<WantedItems> Wanted(Plan plan, SagaState saga)
    {
        foreach (var run in saga.EachRuns.Where(run => run.Gathering))
        {
            yield return new WantedItems(run.Step, saga.Visit, null, run.Total);
        }

        foreach (var compensable in saga.Compensables)
        {
            if (compensable.Items is { Fetching: true, Below: var below })
            {
                var limit = Step(PlanFacts.For(plan), compensable.Step).AtOnce;
                yield return new WantedItems(compensable.Step, compensable.Visit, below, limit);
            }
        }
    }

    /// <summary>Starts the calls, or continues them after an operator's retry. True if there is nothing to wait for.</summary>
    public static bool Begin(DecisionBuilder decision, EachStep step, int retryPass)
    {
        if (Find(decision, step.Id) is not null)
        {
            return CallNext(decision, step, retryPass);
        }

        var items = step.Items.Evaluate(new SagaScope(decision.Plan, decision.Saga, decision.Now));
        if (items.Kind != CelKind.List)
        {
            var why = items.IsError ? items.AsError() : $"a list is required, not {items.Kind}.";
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"The items of step '{step.Id}': {why}");
            return false;
        }

        var total = items.AsList().Count;
        if (total > step.AtMost)
        {
            Flow.Fail(
                decision, step.Catch, step.Id, StepCodes.TooManyItems,
                $"Step '{step.Id}' may have {Plural.Format(step.AtMost, "item")} at most ('at_most'), not {total}.");
            return false;
        }

        decision.Note(HistoryKind.StepStarted, step.Id, ("operation", step.Call.Invocation.Operation), ("items", total));
        var run = new EachRun(step.Id, total) { Items = step.ItemsAreInput ? null : StoredOrder.Sort(items) };
        decision.Saga = decision.Saga with { EachRuns = decision.Saga.EachRuns.Add(run) };
        return CallNext(decision, step, retryPass);
    }

    /// <summary>Handles an item whose call has completed.</summary>
    public static void HandleCompleted(DecisionBuilder decision, Outstanding command, CallStep call, CelValue value)
    {
        var step = Step(decision.Facts, command.Step);
        if (!Results.RecordForCompensation(decision, command, call, value))
        {
            return;
        }

        if (!ValueJson.TryWriteStored(value, out var json, out var problem))
        {
            throw new InvalidOperationException($"A result without JSON reached the engine: {problem}");
        }

        Store(decision, command, SagaItemStatus.Completed, item => item with { Result = json });
        var scope = ScopeOf(decision, command, decision.Now, value);
        RemoveAndCount(decision, command, run => Aggregates.Add(step, run with { Completed = run.Completed + 1 }, scope));
        Continue(decision, step);
    }

    /// <summary>Handles an item whose call has failed for good.</summary>
    public static void HandleFailed(DecisionBuilder decision, Outstanding command, string code, string message)
    {
        // An item that this decision has stored as unknown stays so, because only then it is compensated.
        var outcome = decision.WasStoredAs(command.CommandId, SagaItemStatus.Unknown) ? SagaItemStatus.Unknown : SagaItemStatus.Failed;
        if (TryCountFailed(decision, command, outcome, code, message))
        {
            Continue(decision, Step(decision.Facts, command.Step));
        }
    }

    /// <summary>An operator skips an item.</summary>
    public static void Skip(DecisionBuilder decision, Outstanding command)
    {
        Store(decision, command, SagaItemStatus.Skipped, item => item);
        RemoveAndCount(decision, command, run => run with { Completed = run.Completed + 1 });
        Continue(decision, Step(decision.Facts, command.Step));
    }

    /// <summary>Retries an item under a new key.</summary>
    public static void Retry(DecisionBuilder decision, Outstanding command)
    {
        decision.Remove(command);
        if (Find(decision, command.Step) is { } run)
        {
            Branches.RaiseRetryPass(decision, decision.Facts.SequenceOf(command.Step), command.RetryPass + 1);
            var step = Step(decision.Facts, command.Step);
            if (Call(decision, step, run, command.Item!.Value, command.RetryPass + 1))
            {
                Continue(decision, step);
            }
        }
    }

    /// <summary>Records that an item has completed, or may have; with arguments if it is compensated together with the others.</summary>
    public static void StoreItem(DecisionBuilder decision, Outstanding command, SagaItemStatus outcome, RawJson? arguments) =>
        Store(decision, command, outcome, item => item with { CompensationArguments = arguments });

    /// <summary>Requests the next items to compensate if at most half of the allowed calls are in flight.</summary>
    public static void Compensate(DecisionBuilder decision, Compensable compensable)
    {
        var items = compensable.Items!;
        var inFlight = decision.Saga.Outstanding.Count(command => IsOf(command, compensable));
        if (!items.Fetching && items.Below > 0 && inFlight <= Step(decision.Facts, compensable.Step).AtOnce / 2)
        {
            if (items.Below == int.MaxValue)
            {
                decision.Note(
                    HistoryKind.CompensationStarted, compensable.Step,
                    ("operation", decision.Facts.Call(compensable.Step).Compensation?.Invocation.Operation));
            }

            Change(decision, compensable, compensable with { Items = items with { Fetching = true } });
        }
    }

    /// <summary>Compensates an item again under a new key.</summary>
    public static void CompensateAgain(DecisionBuilder decision, Outstanding stuck)
    {
        var call = decision.Facts.Call(stuck.Step);
        if (call.Compensation is null || stuck.Arguments is not { } arguments
            || decision.Saga.Compensables.FirstOrDefault(compensable => IsOf(stuck, compensable)) is not { } all)
        {
            return;
        }

        var command = stuck.CompensatedCommand ?? CommandOf(decision, stuck.Step, all.Visit, stuck.Item!.Value);
        Commands.Begin(
            decision, Identity.Compensation(command, stuck.RetryPass + 1), StepDirection.Compensation,
            StepCall.ForCompensation(call, arguments),
            stuck.RetryPass + 1, stuck.Item, frozen: true, command);
    }

    /// <summary>Handles an item whose compensation has completed or was skipped.</summary>
    public static void HandleCompensated(DecisionBuilder decision, Outstanding command, int item, SagaItemStatus outcome)
    {
        var step = command.Step;
        var visit = decision.Saga.Visits.GetValueOrDefault(decision.Facts.StateOf(step));
        if (decision.Saga.Compensables.FirstOrDefault(compensable => IsOf(command, compensable)) is { } all)
        {
            visit = all.Visit;
            if (all.Items is { Below: 0, Fetching: false } && !decision.Saga.Outstanding.Any(other => IsOf(other, all)))
            {
                RemoveCompensation(decision, all);
            }
        }

        decision.Store(new SagaItem(step, visit, item, outcome, command.CompensatedCommand ?? CommandOf(decision, step, visit, item)));
    }

    /// <summary>Handles the rows that the saga requested. False if it needs none of them.</summary>
    public static bool HandleItems(DecisionBuilder decision, IReadOnlyList<StoredItems> answers)
    {
        var changed = false;
        foreach (var (wanted, items) in answers)
        {
            if (wanted.Below is { } below)
            {
                if (decision.Saga.Compensables.FirstOrDefault(compensable =>
                    compensable.Step == wanted.Step && compensable.Visit == wanted.Visit
                    && compensable.Items is { Fetching: true } state && state.Below == below) is { } compensable)
                {
                    changed = true;
                    Compensate(decision, compensable, items);
                }
            }
            else if (Find(decision, wanted.Step) is { Gathering: true } run && decision.Saga.Visit == wanted.Visit)
            {
                changed = true;
                Gather(decision, run, items);
            }
        }

        return changed;
    }

    /// <summary>The names that expressions about a command may read, including its item.</summary>
    public static SagaScope ScopeOf(
        DecisionBuilder decision,
        Outstanding command,
        DateTimeOffset now,
        CelValue? result = null,
        CommandId? commandId = null,
        SagaState? saga = null,
        ImmutableArray<Assignment>? unreadable = null) =>
        new(decision.Plan, saga ?? decision.Saga, now, result)
        {
            Unreadable = unreadable ?? [],
            CommandId = commandId,
            Item = command.Item is { } index ? command.ItemValue ?? ItemAt(decision, command.Step, index) : null,
            Index = command.Item ?? 0,
        };

    /// <summary>The value of a command's item, if it must be stored with the command because nothing else keeps it; else null.</summary>
    public static CelValue? ValueOf(DecisionBuilder decision, Outstanding command) =>
        command.Item is { } index && Find(decision, command.Step) is { Items: not null }
            ? ItemAt(decision, command.Step, index)
            : command.ItemValue;

    /// <summary>The id that stands for all items of a run. No item has the index -1.</summary>
    public static CommandId RunId(DecisionBuilder decision, string step, int visit) => CommandOf(decision, step, visit, item: -1);

    private static CommandId CommandOf(DecisionBuilder decision, string step, int visit, int item, int retryPass = 0) =>
        Identity.Command(decision.Saga.Facts.SagaId, $"{decision.Facts.StateOf(step)}/{step}", visit, item, retryPass);

    private static EachStep Step(PlanFacts facts, string id) => (EachStep)facts.Step(id);

    private static EachRun? Find(DecisionBuilder decision, string step) => decision.Saga.EachRuns.FirstOrDefault(run => run.Step == step);

    // Several visits of a state are compensated one after the other, so a visit whose compensation has not started has nothing in flight.
    private static bool IsOf(Outstanding command, Compensable compensable) =>
        compensable.Items is { Below: < int.MaxValue }
            && command is { Item: not null, Direction: StepDirection.Compensation }
            && command.Step == compensable.Step;

    private static CelValue? ItemAt(DecisionBuilder decision, string step, int index)
    {
        var items = Find(decision, step)?.Items
            ?? (Step(decision.Facts, step) is { ItemsAreInput: true } each
                ? each.Items.Evaluate(new SagaScope(decision.Plan, decision.Saga, decision.Now))
                : CelValue.Null);
        return items.Kind == CelKind.List && index < items.AsList().Count ? items.AsList()[index] : null;
    }

    private static void Continue(DecisionBuilder decision, EachStep step)
    {
        if (CallNext(decision, step, retryPass: 0))
        {
            Flow.RunNext(decision, step.Id);
        }
    }

    // Makes as many calls as may be in flight. True if all items are done and the step has saved its result.
    private static bool CallNext(DecisionBuilder decision, EachStep step, int retryPass)
    {
        while (Find(decision, step.Id) is { Gathering: false } run)
        {
            var inFlight = decision.Saga.Outstanding.Count(command =>
                command.Step == step.Id
                && command is { Direction: StepDirection.Forward, Interrupted: false }
                && command.Phase != AttemptPhase.Stuck);
            if (run.Next < run.Total && inFlight < step.AtOnce)
            {
                Change(decision, run, run with { Next = run.Next + 1 });
                if (Call(decision, step, run, run.Next, retryPass))
                {
                    continue;
                }

                return false;
            }

            if (run.Completed + run.Failed < run.Total)
            {
                return false;
            }

            if (step.ReadsItems && run.Total > 0)
            {
                Change(decision, run, run with { Gathering = true });
                return false;
            }

            return Finish(decision, step, run, CelValue.List([]), CelValue.List([]));
        }

        return false;
    }

    // False if the arguments fail and the step does not go on with the other items.
    private static bool Call(DecisionBuilder decision, EachStep step, EachRun run, int index, int retryPass)
    {
        var saga = decision.Saga;
        retryPass = Math.Max(retryPass, Branches.RetryPass(saga, decision.Facts.SequenceOf(step.Id)));
        var id = CommandOf(decision, step.Id, saga.Visit, index, retryPass);
        var scope = new SagaScope(decision.Plan, saga, decision.Now)
        {
            Item = ItemAt(decision, step.Id, index) ?? CelValue.Null,
            Index = index,
        };
        if (CallArguments.TryEvaluate(step.Call.Invocation, scope, out var arguments, out var code, out var problem))
        {
            Commands.Begin(decision, id, StepDirection.Forward, StepCall.ForStep(step.Call, arguments), retryPass, index);
            return true;
        }

        // The command was never sent, so there is no outcome to wait for.
        var unsent = new Outstanding
        {
            CommandId = id,
            Step = step.Id,
            Item = index,
            Direction = StepDirection.Forward,
            Attempt = 1,
            Phase = AttemptPhase.Stuck,
            DueAt = decision.Now,
            FirstSentAt = decision.Now,
            RetryPass = retryPass,
        };
        return TryCountFailed(decision, unsent, SagaItemStatus.Failed, code, $"The arguments: {problem}");
    }

    // Stores and counts an item that has failed. False if its step does not go on with the other items.
    private static bool TryCountFailed(
        DecisionBuilder decision, Outstanding command, SagaItemStatus outcome, string code, string message)
    {
        var step = Step(decision.Facts, command.Step);
        if (Find(decision, command.Step) is not { } run)
        {
            return false;
        }

        Store(decision, command, outcome, item => item with { Code = code, Message = message });
        if (step.FailuresMax is not { } failuresMax || run.Failed < failuresMax)
        {
            RemoveAndCount(decision, command, state => state with { Failed = state.Failed + 1 });
            return true;
        }

        // If no rule applies to the failure, the command must be outstanding, so that an operator can retry or skip it.
        var isOutstanding = decision.Saga.Outstanding.Any(other => other.CommandId == command.CommandId);
        var current = isOutstanding ? command : command with { IsFinal = true };
        if (!isOutstanding)
        {
            decision.Saga = decision.Saga with { Outstanding = decision.Saga.Outstanding.Add(current) };
        }

        Flow.Fail(decision, step.Catch, step.Id, code, $"Item {command.Item} of step '{step.Id}': {message}", current);
        return false;
    }

    private static bool Finish(DecisionBuilder decision, EachStep step, EachRun run, CelValue results, CelValue failures)
    {
        if (run.AggregateProblem is { } aggregateProblem)
        {
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' aggregates as {aggregateProblem}");
            return false;
        }

        var result = Aggregates.Result(step, run);
        var scope = new SagaScope(decision.Plan, decision.Saga, decision.Now, result) { Gathered = (results, failures) };
        if (!Assignments.TryApply(step.Save, scope, decision.Saga.Data, out var data, out var problem))
        {
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' saves as {problem}");
            return false;
        }

        Interruption.FreezeArguments(decision);
        var saga = decision.Saga;
        decision.Saga = saga with
        {
            Data = data,
            EachRuns = saga.EachRuns.RemoveAll(other => other.Step == step.Id),
            Results = step.ResultIsRead ? saga.Results.SetItem(step.Id, StoredOrder.Sort(result)) : saga.Results,
        };
        decision.Note(HistoryKind.StepCompleted, step.Id, ("completed", run.Completed), ("failed", run.Failed));
        return true;
    }

    private static void Gather(DecisionBuilder decision, EachRun run, IReadOnlyList<SagaItem> items)
    {
        var step = Step(decision.Facts, run.Step);
        var results = items
            .Where(item => item.Status == SagaItemStatus.Completed)
            .Select(item => Typed(step.Call, item.Result is { } json ? StoredValues.Read(json.Utf8.Span) : CelValue.Map([])));
        var failures = items
            .Where(item => item.Status is SagaItemStatus.Failed or SagaItemStatus.Unknown)
            .Select(item => CelValue.Map(
            [
                new("index", CelValue.Int(item.Index)),
                new("code", CelValue.String(item.Code ?? "")),
                new("message", CelValue.String(item.Message ?? "")),
            ]));
        if (Finish(decision, step, run, CelValue.List([.. results]), CelValue.List([.. failures])))
        {
            Flow.RunNext(decision, step.Id);
        }
    }

    // Restores the type that the value had when it arrived.
    private static CelValue Typed(CallStep call, CelValue value)
    {
        value = call.ResultType.TryConvert(value, out var typed, out _) ? typed : value;
        return call.Returns is { } returns && returns.TryConvert(value, out typed, out _) ? typed : value;
    }

    private static void Compensate(DecisionBuilder decision, Compensable compensable, IReadOnlyList<SagaItem> items)
    {
        var lowest = items.Count == 0 ? 0 : items.Min(item => item.Index);
        var begun = compensable with { Items = new ItemCompensation(lowest, Fetching: false) };
        Change(decision, compensable, begun);
        var call = decision.Facts.Call(compensable.Step);
        foreach (var item in items)
        {
            if (item.CompensationArguments is { } arguments && call.Compensation is not null)
            {
                Commands.Begin(
                    decision, Identity.Compensation(item.CommandId), StepDirection.Compensation, StepCall.ForCompensation(call, arguments),
                    retryPass: 0, item.Index, frozen: true, item.CommandId);
            }
        }

        if (lowest == 0 && !decision.Saga.Outstanding.Any(command => IsOf(command, begun)))
        {
            RemoveCompensation(decision, decision.Saga.Compensables.First(other => other.CommandId == compensable.CommandId));
        }

        Flow.Continue(decision);
    }

    private static void RemoveCompensation(DecisionBuilder decision, Compensable all)
    {
        decision.Saga = decision.Saga with { Compensables = decision.Saga.Compensables.Remove(all) };
        decision.Note(HistoryKind.CompensationCompleted, all.Step);
    }

    private static void Store(DecisionBuilder decision, Outstanding command, SagaItemStatus outcome, Func<SagaItem, SagaItem> fill)
    {
        var visit = decision.Saga.Visits.GetValueOrDefault(decision.Facts.StateOf(command.Step));
        decision.Store(fill(new SagaItem(command.Step, visit, command.Item!.Value, outcome, command.CommandId)));
    }

    private static void RemoveAndCount(DecisionBuilder decision, Outstanding command, Func<EachRun, EachRun> count)
    {
        decision.Remove(command);
        if (Find(decision, command.Step) is { } run)
        {
            Change(decision, run, count(run));
        }
    }

    private static void Change(DecisionBuilder decision, EachRun run, EachRun changed) => decision.Saga = decision.Saga with
    {
        EachRuns = decision.Saga.EachRuns.Replace(decision.Saga.EachRuns.First(other => other.Step == run.Step), changed),
    };

    private static void Change(DecisionBuilder decision, Compensable compensable, Compensable changed)
    {
        var present = decision.Saga.Compensables;
        decision.Saga = decision.Saga with
        {
            Compensables = present.Replace(present.First(other => other.CommandId == compensable.CommandId), changed),
        };
    }
}
