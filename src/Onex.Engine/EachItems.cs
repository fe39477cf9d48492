using System.Collections.Immutable;
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
        foreach (var run in saga.Eaches.Where(run => run.Gathering))
        {
            yield return new WantedItems(run.Step, saga.Visit, null, run.Total);
        }

        foreach (var undo in saga.Undo)
        {
            if (undo.Items is { Fetching: true, Below: var below })
            {
                yield return new WantedItems(undo.Step, undo.Visit, below, Step(PlanFacts.Of(plan), undo.Step).AtOnce);
            }
        }
    }

    /// <summary>Starts the calls, or continues them after an operator's retry. True if there is nothing to wait for.</summary>
    public static bool Begin(Transition transition, EachStep step, int retryPass)
    {
        if (Find(transition, step.Id) is not null)
        {
            return CallNext(transition, step, retryPass);
        }

        var items = step.Items.Evaluate(new SagaScope(transition.Plan, transition.Saga, transition.Now));
        if (items.Kind != CelKind.List)
        {
            var why = items.IsError ? items.AsError() : $"a list is required, not {items.Kind}.";
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"The items of step '{step.Id}': {why}");
            return false;
        }

        var total = items.AsList().Count;
        if (total > step.AtMost)
        {
            transition.Fail(
                step.Catch, step.Id, StepCodes.TooManyItems,
                $"Step '{step.Id}' may have {Plural.Format(step.AtMost, "item")} at most ('at_most'), not {total}.");
            return false;
        }

        transition.Note(HistoryKinds.StepStarted, step.Id, ("operation", step.Call.Invocation.Operation), ("items", total));
        transition.Saga = transition.Saga with
        {
            Eaches = transition.Saga.Eaches.Add(new EachRun(step.Id, total) { Items = step.ItemsAreInput ? null : StoredOrder.Of(items) }),
        };
        return CallNext(transition, step, retryPass);
    }

    /// <summary>The call for an item has completed.</summary>
    public static void Completed(Transition transition, Outstanding command, CallStep call, CelValue value)
    {
        var step = Step(transition.Facts, command.Step);
        if (!Results.Remember(transition, command, call, value))
        {
            return;
        }

        if (!ValueJson.TryWriteStored(value, out var json, out var problem))
        {
            throw new InvalidOperationException($"A result without JSON reached the engine: {problem}");
        }

        Store(transition, command, SagaItemStatus.Completed, item => item with { Result = json });
        var scope = ScopeOf(transition, command, transition.Now, value);
        Count(transition, command, run => Aggregates.Add(step, run with { Completed = run.Completed + 1 }, scope));
        Continue(transition, step);
    }

    /// <summary>The call for an item has failed for good.</summary>
    public static void Failed(Transition transition, Outstanding command, string code, string message)
    {
        var step = Step(transition.Facts, command.Step);
        if (Find(transition, command.Step) is not { } run)
        {
            return;
        }

        // An item that may have happened is stored as unknown and stays to be compensated.
        var outcome = transition.WasStoredAs(command.CommandId, SagaItemStatus.Unknown) ? SagaItemStatus.Unknown : SagaItemStatus.Failed;
        Store(transition, command, outcome, item => item with { Code = code, Message = message });
        if (step.FailuresMax is not { } most || run.Failed < most)
        {
            Count(transition, command, state => state with { Failed = state.Failed + 1 });
            Continue(transition, step);
            return;
        }

        // Past the pivot no transition follows from a failure: the command stays outstanding, so that an operator can retry or skip it.
        var wasSent = transition.Saga.Outstanding.Any(other => other.CommandId == command.CommandId);
        var current = wasSent ? command : command with { Answered = true };
        if (!wasSent)
        {
            transition.Saga = transition.Saga with { Outstanding = transition.Saga.Outstanding.Add(current) };
        }

        transition.Fail(step.Catch, step.Id, code, $"Item {command.Item} of step '{step.Id}': {message}", current);
    }

    /// <summary>An operator skips an item.</summary>
    public static void Skip(Transition transition, Outstanding command)
    {
        Store(transition, command, SagaItemStatus.Skipped, item => item);
        Count(transition, command, run => run with { Completed = run.Completed + 1 });
        Continue(transition, Step(transition.Facts, command.Step));
    }

    /// <summary>Retries an item whose answer was final, under a new key.</summary>
    public static void Retry(Transition transition, Outstanding command)
    {
        transition.Remove(command);
        if (Find(transition, command.Step) is { } run)
        {
            Branches.Renew(transition, transition.Facts.SequenceOf(command.Step), command.RetryPass + 1);
            Call(transition, Step(transition.Facts, command.Step), run, command.Item!.Value, command.RetryPass + 1);
        }
    }

    /// <summary>Records that an item has completed, or may have; with arguments if it is compensated with the others.</summary>
    public static void RememberItem(Transition transition, Outstanding command, SagaItemStatus outcome, RawJson? arguments) =>
        Store(transition, command, outcome, item => item with { Undo = arguments });

    /// <summary>Requests the next items to compensate if few are in flight. Removes the step when none are left.</summary>
    public static void Compensate(Transition transition, Compensable undo)
    {
        var items = undo.Items!;
        var inFlight = transition.Saga.Outstanding.Count(command => IsOf(command, undo));
        if (!items.Fetching && items.Below > 0 && inFlight <= Step(transition.Facts, undo.Step).AtOnce / 2)
        {
            if (items.Below == int.MaxValue)
            {
                transition.Note(
                    HistoryKinds.CompensationStarted, undo.Step,
                    ("operation", transition.Facts.Step(undo.Step).Compensation?.Invocation.Operation));
            }

            Change(transition, undo, undo with { Items = items with { Fetching = true } });
        }
    }

    /// <summary>Compensates an item again under a new key after its compensation was rejected for good.</summary>
    public static void CompensateAgain(Transition transition, Outstanding rejected)
    {
        var call = transition.Facts.Step(rejected.Step);
        if (call.Compensation is null || rejected.Arguments is not { } arguments
            || transition.Saga.Undo.FirstOrDefault(undo => IsOf(rejected, undo)) is not { } all)
        {
            return;
        }

        var command = CommandOf(transition, rejected.Step, all.Visit, rejected.Item!.Value);
        Commands.Send(
            transition, Identity.Compensation(command, rejected.RetryPass + 1), StepDirections.Compensate,
            StepCall.Compensating(call, arguments),
            rejected.RetryPass + 1, rejected.Item, frozen: true);
    }

    /// <summary>An item was compensated.</summary>
    public static void Compensated(Transition transition, Outstanding command, int item, SagaItemStatus outcome)
    {
        var step = command.Step;
        var visit = transition.Saga.Visits.GetValueOrDefault(transition.Facts.StateOf(step));
        if (transition.Saga.Undo.FirstOrDefault(undo => IsOf(command, undo)) is { } all)
        {
            visit = all.Visit;
            if (all.Items is { Below: 0, Fetching: false } && !transition.Saga.Outstanding.Any(other => IsOf(other, all)))
            {
                RemoveCompensation(transition, all);
            }
        }

        transition.Store(new SagaItem(step, visit, item, outcome, CommandOf(transition, step, visit, item)));
    }

    /// <summary>Handles rows that were requested. False if none were.</summary>
    public static bool Take(Transition transition, IReadOnlyList<StoredItems> answers)
    {
        var changed = false;
        foreach (var (wanted, items) in answers)
        {
            if (wanted.Below is { } below)
            {
                if (transition.Saga.Undo.FirstOrDefault(undo =>
                    undo.Step == wanted.Step && undo.Visit == wanted.Visit
                    && undo.Items is { Fetching: true } state && state.Below == below) is { } undo)
                {
                    changed = true;
                    Compensate(transition, undo, items);
                }
            }
            else if (Find(transition, wanted.Step) is { Gathering: true } run && transition.Saga.Visit == wanted.Visit)
            {
                changed = true;
                Gather(transition, run, items);
            }
        }

        return changed;
    }

    /// <summary>The names that expressions about a command may read, including its item.</summary>
    public static SagaScope ScopeOf(
        Transition transition,
        Outstanding command,
        DateTimeOffset now,
        CelValue? result = null,
        CommandId? commandId = null,
        SagaState? saga = null,
        ImmutableArray<Assignment>? unreadable = null) =>
        new(transition.Plan, saga ?? transition.Saga, now, result)
        {
            Unreadable = unreadable ?? [],
            CommandId = commandId,
            Item = command.Item is { } index ? command.ItemValue ?? ItemAt(transition, command.Step, index) : null,
            Index = command.Item ?? 0,
        };

    /// <summary>The value of a command's item, if it must be stored with the command because nothing else keeps it; else null.</summary>
    public static CelValue? ValueOf(Transition transition, Outstanding command) =>
        command.Item is { } index && Find(transition, command.Step) is { Items: not null }
            ? ItemAt(transition, command.Step, index)
            : command.ItemValue;

    /// <summary>The id that represents all items of a run.</summary>
    public static CommandId RunId(Transition transition, string step, int visit) => CommandOf(transition, step, visit, item: -1);

    private static CommandId CommandOf(Transition transition, string step, int visit, int item, int retryPass = 0) =>
        Identity.Command(transition.Saga.Facts.SagaId, $"{transition.Facts.StateOf(step)}/{step}", visit, item, retryPass);

    private static EachStep Step(PlanFacts facts, string id) => (EachStep)facts.At(id);

    private static EachRun? Find(Transition transition, string step) => transition.Saga.Eaches.FirstOrDefault(run => run.Step == step);

    // Several visits of a state are compensated one after the other, so a visit whose compensation has not started has nothing in flight.
    private static bool IsOf(Outstanding command, Compensable undo) =>
        undo.Items is { Below: < int.MaxValue }
            && command is { Item: not null, Direction: StepDirections.Compensate }
            && command.Step == undo.Step;

    private static CelValue? ItemAt(Transition transition, string step, int index)
    {
        var items = Find(transition, step)?.Items
            ?? (Step(transition.Facts, step) is { ItemsAreInput: true } each
                ? each.Items.Evaluate(new SagaScope(transition.Plan, transition.Saga, transition.Now))
                : CelValue.Null);
        return items.Kind == CelKind.List && index < items.AsList().Count ? items.AsList()[index] : null;
    }

    private static void Continue(Transition transition, EachStep step)
    {
        if (CallNext(transition, step, retryPass: 0))
        {
            transition.RunOn(step.Id);
        }
    }

    // Makes as many calls as may be in flight. True if all items are done and saved.
    private static bool CallNext(Transition transition, EachStep step, int retryPass)
    {
        while (Find(transition, step.Id) is { Gathering: false } run)
        {
            var inFlight = transition.Saga.Outstanding.Count(command =>
                command.Step == step.Id
                && command is { Direction: StepDirections.Do, Interrupted: false }
                && command.Phase != AttemptPhase.Stuck);
            if (run.Next < run.Total && inFlight < step.AtOnce)
            {
                Change(transition, run, run with { Next = run.Next + 1 });
                Call(transition, step, run, run.Next, retryPass);
                continue;
            }

            if (run.Completed + run.Failed < run.Total)
            {
                return false;
            }

            if (step.ReadsItems && run.Total > 0)
            {
                Change(transition, run, run with { Gathering = true });
                return false;
            }

            return Finish(transition, step, run, CelValue.List([]), CelValue.List([]));
        }

        return false;
    }

    private static void Call(Transition transition, EachStep step, EachRun run, int index, int retryPass)
    {
        var saga = transition.Saga;
        retryPass = Math.Max(retryPass, Branches.RetryPass(saga, transition.Facts.SequenceOf(step.Id)));
        var id = CommandOf(transition, step.Id, saga.Visit, index, retryPass);
        var scope = new SagaScope(transition.Plan, saga, transition.Now)
        {
            Item = ItemAt(transition, step.Id, index) ?? CelValue.Null,
            Index = index,
        };
        if (ValueJson.TryEvaluate(step.Call.Invocation.Arguments, scope, out var arguments, out var problem))
        {
            Commands.Send(transition, id, StepDirections.Do, StepCall.Doing(step.Call, arguments), retryPass, index);
            return;
        }

        // It was never sent, so there is no outcome to wait for.
        var never = new Outstanding
        {
            CommandId = id,
            Step = step.Id,
            Item = index,
            Direction = StepDirections.Do,
            Attempt = 1,
            Phase = AttemptPhase.Stuck,
            DueAt = transition.Now,
            FirstSentAt = transition.Now,
            RetryPass = retryPass,
        };
        Failed(transition, never, StepCodes.ExpressionFailed, $"The arguments: {problem}");
    }

    private static bool Finish(Transition transition, EachStep step, EachRun run, CelValue results, CelValue failures)
    {
        if (run.Broken is { } broken)
        {
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' aggregates as {broken}");
            return false;
        }

        var result = Aggregates.Result(step, run);
        var scope = new SagaScope(transition.Plan, transition.Saga, transition.Now, result) { Gathered = (results, failures) };
        if (!Assignments.TryApply(step.Save, scope, transition.Saga.Data, out var data, out var problem))
        {
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' saves as {problem}");
            return false;
        }

        Interruption.Freeze(transition);
        var saga = transition.Saga;
        transition.Saga = saga with
        {
            Data = data,
            Eaches = saga.Eaches.RemoveAll(other => other.Step == step.Id),
            Results = step.ResultIsRead ? saga.Results.SetItem(step.Id, StoredOrder.Of(result)) : saga.Results,
        };
        transition.Note(HistoryKinds.StepCompleted, step.Id, ("completed", run.Completed), ("failed", run.Failed));
        return true;
    }

    private static void Gather(Transition transition, EachRun run, IReadOnlyList<SagaItem> items)
    {
        var step = Step(transition.Facts, run.Step);
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
        if (Finish(transition, step, run, CelValue.List([.. results]), CelValue.List([.. failures])))
        {
            transition.RunOn(step.Id);
        }
    }

    // Restores the type that the value had when it arrived.
    private static CelValue Typed(CallStep call, CelValue value)
    {
        value = call.ResultType.TryConvert(value, out var typed, out _) ? typed : value;
        return call.Returns is { } returns && returns.TryConvert(value, out typed, out _) ? typed : value;
    }

    private static void Compensate(Transition transition, Compensable undo, IReadOnlyList<SagaItem> items)
    {
        var lowest = items.Count == 0 ? 0 : items.Min(item => item.Index);
        var begun = undo with { Items = new ItemCompensation(lowest, Fetching: false) };
        Change(transition, undo, begun);
        var call = transition.Facts.Step(undo.Step);
        foreach (var item in items)
        {
            if (item.Undo is { } arguments && call.Compensation is not null)
            {
                Commands.Send(
                    transition, Identity.Compensation(item.CommandId), StepDirections.Compensate, StepCall.Compensating(call, arguments),
                    retryPass: 0, item.Index, frozen: true);
            }
        }

        if (lowest == 0 && !transition.Saga.Outstanding.Any(command => IsOf(command, begun)))
        {
            RemoveCompensation(transition, transition.Saga.Undo.First(other => other.CommandId == undo.CommandId));
        }

        transition.Continue();
    }

    private static void RemoveCompensation(Transition transition, Compensable all)
    {
        transition.Saga = transition.Saga with { Undo = transition.Saga.Undo.Remove(all) };
        transition.Note(HistoryKinds.CompensationCompleted, all.Step);
    }

    private static void Store(Transition transition, Outstanding command, SagaItemStatus outcome, Func<SagaItem, SagaItem> fill)
    {
        var visit = transition.Saga.Visits.GetValueOrDefault(transition.Facts.StateOf(command.Step));
        transition.Store(fill(new SagaItem(command.Step, visit, command.Item!.Value, outcome, command.CommandId)));
    }

    private static void Count(Transition transition, Outstanding command, Func<EachRun, EachRun> count)
    {
        transition.Remove(command);
        if (Find(transition, command.Step) is { } run)
        {
            Change(transition, run, count(run));
        }
    }

    private static void Change(Transition transition, EachRun run, EachRun changed) => transition.Saga = transition.Saga with
    {
        Eaches = transition.Saga.Eaches.Replace(transition.Saga.Eaches.First(other => other.Step == run.Step), changed),
    };

    private static void Change(Transition transition, Compensable undo, Compensable changed) => transition.Saga = transition.Saga with
    {
        Undo = transition.Saga.Undo.Replace(transition.Saga.Undo.First(other => other.CommandId == undo.CommandId), changed),
    };
}
