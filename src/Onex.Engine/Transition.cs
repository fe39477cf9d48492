using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>One decision in the making: the moves that a saga can make from state to state, and what follows from them.</summary>
internal sealed class Transition(Plan plan, SagaState saga, DateTimeOffset now)
{
    // A way through states without a call or a wait that is longer than this goes round in a circle.
    private const int StatesPerTransition = 100;

    private readonly ImmutableArray<CommandToSend>.Builder _commands = ImmutableArray.CreateBuilder<CommandToSend>();
    private readonly ImmutableArray<Answer>.Builder _answers = ImmutableArray.CreateBuilder<Answer>();
    private readonly ImmutableArray<HistoryNote>.Builder _history = ImmutableArray.CreateBuilder<HistoryNote>();
    private readonly ImmutableArray<DeclinedEvent>.Builder _refusals = ImmutableArray.CreateBuilder<DeclinedEvent>();
    private readonly ImmutableArray<MessageId>.Builder _seen = ImmutableArray.CreateBuilder<MessageId>();
    private readonly ImmutableArray<EventToPublish>.Builder _published = ImmutableArray.CreateBuilder<EventToPublish>();
    private readonly ImmutableArray<SagaItem>.Builder _items = ImmutableArray.CreateBuilder<SagaItem>();

    public Plan Plan { get; } = plan;

    public DateTimeOffset Now { get; } = now;

    public IPlanObserver? Observer { get; init; }

    public SagaState Saga { get; set; } = saga;

    public PlanFacts Facts => PlanFacts.Of(Plan);

    /// <summary>The state that the saga is in.</summary>
    public StatePlan State => Plan.State(Saga.State);

    /// <summary>How many states this decision has entered.</summary>
    public int StatesEntered { get; private set; }

    /// <summary>Whether something was noted already: then a decision follows, whatever else does.</summary>
    public bool HasNotes => _history.Count > 0;

    /// <summary>The decision, as far as it has come.</summary>
    public Decision Decide()
    {
        Events.Settle(this);
        var status = StatusNow();
        Saga = Saga with
        {
            Status = status,
            WaitingFor = status == SagaStatus.Waiting ? Events.Wanted(this) : [],
            UpdatedAt = Now,
        };
        return new Decision(Saga, true, _commands.ToImmutable(), _answers.ToImmutable(), _history.ToImmutable())
        {
            Rejections = _refusals.ToImmutable(),
            Seen = _seen.ToImmutable(),
            Published = _published.ToImmutable(),
            Items = _items.ToImmutable(),
        };
    }

    /// <summary>Nothing follows for the saga; but whoever sent an event may have to be told why.</summary>
    public Decision Nothing(SagaState unchanged) => Decision.Nothing(unchanged) with { Rejections = _refusals.ToImmutable() };

    public void Note(string kind, string? step = null, params ReadOnlySpan<(string Name, object? Value)> detail) =>
        _history.Add(new HistoryNote(kind, Saga.State, step, Now, Json(detail)));

    public void Emit(CommandToSend command) => _commands.Add(command);

    public void Publish(EventToPublish published) => _published.Add(published);

    public void Store(SagaItem item) => _items.Add(item);

    /// <summary>Whether this decision has stored the item of that command with that outcome.</summary>
    public bool WasStoredAs(CommandId commandId, SagaItemStatus outcome) =>
        _items.LastOrDefault(item => item.CommandId == commandId)?.Status == outcome;

    public void Refuse(DeclinedEvent rejection) => _refusals.Add(rejection);

    public void See(MessageId messageId) => _seen.Add(messageId);

    /// <summary>Answers whoever waits for it.</summary>
    public void Answer(Requester to, bool isDuplicate)
    {
        if (to is { Silent: false, Parent: not { Awaits: false } })
        {
            _answers.Add(Endings.AnswerOf(Saga, to, isDuplicate));
        }
    }

    /// <summary>
    /// Goes to a state from wherever the saga is. What is in flight is interrupted; a compensating state is entered at once and waits for it, any
    /// other is entered when all of it is resolved and, if it completed, taken back.
    /// </summary>
    /// <param name="next">The state.</param>
    /// <param name="fault">The fault that leads there, or null.</param>
    /// <param name="failed">Whether it is a failure that leads there, and not an event, a time limit or an operator.</param>
    public void Move(string next, Fault? fault = null, bool failed = false)
    {
        Interruption.Interrupt(this);

        // What held the state up is over with it, unless something is in flight still of which nobody can tell what came of it.
        Unblock(blockage => blockage.Kind is BlockedBy.Step or BlockedBy.Unknown or BlockedBy.Way && !Saga.Outstanding.Any(command => command.CommandId == blockage.CommandId));
        if (fault is not null)
        {
            SetFault(fault);
        }

        var isResolved = Saga.Outstanding.IsEmpty;
        if ((isResolved && !Saga.Undo.Any(undo => undo.Lost)) || Plan.State(next).Kind == StateKind.Compensating)
        {
            Enter(next, failed);
            return;
        }

        Depart(new Departure(next) { Failed = failed });
        if (isResolved)
        {
            Continue();
        }
    }

    /// <summary>Leaves the state for one that is entered later.</summary>
    public void Depart(Departure departure) => Saga = Saga with
    {
        Leaving = departure,
        StateDueAt = null,
        WaitUntil = null,
        Branches = [],
        Eaches = [],
        Held = [],
    };

    /// <summary>Enters a state and goes as far as it goes without anything from outside.</summary>
    /// <param name="name">The state.</param>
    /// <param name="failed">Whether a failure leads there.</param>
    /// <param name="isDelayed">Whether it was delayed because the contract goes round in a circle, so that the entry was counted.</param>
    public void Enter(string name, bool failed = false, bool isDelayed = false)
    {
        var state = Plan.State(name);

        // A paused saga stands still: it neither answers nor begins anything.
        if (Saga.PausedBy is not null && state.Kind != StateKind.Compensating)
        {
            Depart(new Departure(name) { Failed = failed });
            return;
        }

        if (++StatesEntered > StatesPerTransition)
        {
            Depart(new Departure(name) { Failed = failed });
            Block(BlockedBy.Way, $"The contract went through {StatesPerTransition} states without a call or a wait.");
            return;
        }

        if (!isDelayed && Cycles.DelayOrBlock(this, state, failed))
        {
            return;
        }

        var entered = Entering(state);
        if (state.Kind == StateKind.End)
        {
            Endings.Enter(this, state, entered);
            return;
        }

        // Nothing is taken back any more, and no deadline applies.
        Saga = entered.PastPivot ? entered with { Undo = [], DeadlineAt = null } : entered;
        Note(HistoryKinds.StateEntered);
        if (state.Kind == StateKind.Compensating)
        {
            Continue();
        }
        else if (!Events.TakeKept(this))
        {
            Run(Facts.Root(name));
        }
    }

    /// <summary>The saga in a state that it enters now.</summary>
    public SagaState Entering(StatePlan state) => Saga with
    {
        State = state.Name,
        StepIndex = 0,
        Visits = Saga.Visits.SetItem(state.Name, Saga.Visits.GetValueOrDefault(state.Name) + 1),
        PastPivot = Saga.PastPivot || state.Pivot,
        Fault = Saga.Fault is not null && Facts.FaultIsKnown(state.Name) ? Saga.Fault : null,
        EnteredAt = Now,
        StateDueAt = state is { Kind: StateKind.Ordinary, Timeout: { } limit } ? Times.After(Now, limit.After) : null,
        WaitUntil = null,
        Leaving = null,
        Branches = [],
        Eaches = [],
        Held = [],
    };

    /// <summary>
    /// Runs the steps of a state or of a branch from the one in hand on, until one of them must be waited for. When there is none left the branch
    /// is done, or the state is left.
    /// </summary>
    /// <param name="sequence">The steps.</param>
    /// <param name="retryPass">The round of the step in hand: above 0 if an operator asked for it anew.</param>
    public void Run(Sequence sequence, int retryPass = 0)
    {
        Branches.Renew(this, sequence, retryPass);
        if (Saga.PausedBy is not null)
        {
            Saga = Saga with { Held = Saga.Held.RemoveAll(held => held.Key == sequence.Key).Add(new HeldSequence(sequence.Key, retryPass)) };
            return;
        }

        while (Branches.Position(Saga, sequence) is { } index && index < sequence.Steps.Length)
        {
            if (!Steps.Run(this, sequence, sequence.Steps[index], retryPass))
            {
                return;
            }

            retryPass = 0;
            Branches.Advance(this, sequence);
        }

        if (sequence.Parallel is null)
        {
            Leave(State);
        }
        else
        {
            Branches.Completed(this, sequence);
        }
    }

    /// <summary>The step of that id is done: the next one of its state or branch.</summary>
    public void RunOn(string step)
    {
        var sequence = Facts.SequenceOf(step);
        Branches.Advance(this, sequence);
        Run(sequence);
    }

    /// <summary>
    /// Goes on after something was resolved or taken back: takes back what is next, or, when nothing is left, moves on. Only when no command is
    /// left whose outcome is unknown, so that things are taken back in their order. Not while it is paused.
    /// </summary>
    public void Continue()
    {
        if (Saga.PausedBy is not null)
        {
            return;
        }

        if (Saga.Leaving is null && State.Kind == StateKind.Ordinary)
        {
            Branches.Settle(this);
            return;
        }

        if (Saga.Blockage is not null || Saga.Outstanding.Any(command => command.Direction == StepDirections.Do) || Compensations.Compensate(this, IsCompensated))
        {
            return;
        }

        if (Saga.Leaving is { } leaving)
        {
            if (!(leaving.At > Now))
            {
                Enter(leaving.Next, leaving.Failed, isDelayed: leaving.At is not null);
            }
        }
        else
        {
            Leave(State);
        }
    }

    /// <summary>
    /// A step's final error, or the state's: to the step's <c>catch</c>, that of each <c>parallel</c> around it, the state's, then
    /// <c>on_failure</c>. Past the pivot only a <c>catch</c> leads on. A branch whose join can do without it fails alone.
    /// </summary>
    /// <param name="stepRules">The step's own rules.</param>
    /// <param name="step">The step's id, or null.</param>
    /// <param name="code">The fault's code.</param>
    /// <param name="message">The fault's message.</param>
    /// <param name="command">The step's command, if it has one: kept, for an operator to retry, if nothing leads on.</param>
    public void Fail(ImmutableArray<CatchRule> stepRules, string? step, string code, string message, Outstanding? command = null)
    {
        var state = State;
        var fault = new Fault(code, message, step, Now);
        var rule = stepRules.FirstOrDefault(candidate => candidate.Covers(code));
        for (var place = step is null ? null : Facts.SequenceOf(step); rule is null && place?.Parallel is { } parallel; place = Facts.SequenceOf(parallel.Id))
        {
            if (parallel.Join != Join.All)
            {
                Branches.Failed(this, place, fault, command);
                return;
            }

            rule = parallel.Catch.FirstOrDefault(candidate => candidate.Covers(code));
        }

        rule ??= state.Catch.FirstOrDefault(candidate => candidate.Covers(code));
        var next = rule?.Next ?? (Saga.PastPivot || state.Kind != StateKind.Ordinary ? null : Plan.OnFailure);
        if (next is null)
        {
            SetFault(fault);
            Block(step is null ? BlockedBy.Way : BlockedBy.Step, message, step, command);
            return;
        }

        if (command is not null)
        {
            Remove(command);
        }

        Observer?.TransitionTaken(rule ?? (object)Plan);
        Move(next, fault, failed: true);
    }

    public void SetFault(Fault fault)
    {
        Saga = Saga with { Fault = fault };
        Note(HistoryKinds.Faulted, fault.Step, ("code", fault.Code), ("message", fault.Message));
    }

    /// <summary>Waits for an operator. The command that it is about, if its outcome may still come, stays outstanding.</summary>
    public void Block(BlockedBy kind, string reason, string? step = null, Outstanding? command = null, string? code = null, string? failure = null)
    {
        if (command is not null)
        {
            Replace(command with { Phase = AttemptPhase.Stuck });
        }

        var blockage = new Blockage(kind, step, command?.CommandId, command?.RetryPass ?? 0, Now, reason)
        {
            Item = command?.Item,
            Code = code,
            Failure = failure,
        };
        Saga = Saga with { Blockages = Saga.Blockages.Add(blockage) };
        Note(HistoryKinds.Blocked, step, ("reason", reason));
    }

    /// <summary>It is no longer blocked by those.</summary>
    public void Unblock(Predicate<Blockage> which) => Saga = Saga with { Blockages = Saga.Blockages.RemoveAll(which) };

    /// <summary>Whether something must be taken back before the saga goes where it is going.</summary>
    private bool IsCompensated(Compensable undo) => undo.Lost || Saga.Leaving is null;

    public void Replace(Outstanding command) => Saga = Saga with
    {
        Outstanding = [.. Saga.Outstanding.Select(other => other.CommandId == command.CommandId ? command : other)],
    };

    public void Remove(Outstanding command) => Saga = Saga with
    {
        Outstanding = Saga.Outstanding.RemoveAll(other => other.CommandId == command.CommandId),
    };

    /// <summary>Something came from outside, or a time was over: whatever the contract goes round in, it does not go round for nothing.</summary>
    public void Progress() => Saga = Saga with { Idle = Saga.Idle.Clear() };

    // A state without a way out waits for its events or its timeout. A cancelled saga goes nowhere but to its end.
    private void Leave(StatePlan state)
    {
        if (Saga.CancelledBy is not null && state.Kind == StateKind.Compensating)
        {
            Enter(state.Choices is [var only] && Plan.State(only.Next).End == EndKind.Failed ? only.Next : Plan.CancelEnd);
            return;
        }

        if (state.Choices.IsEmpty)
        {
            Note(HistoryKinds.Waiting);
            return;
        }

        foreach (var choice in state.Choices)
        {
            if (choice.When is { } guard)
            {
                var holds = guard.Evaluate(new SagaScope(Plan, Saga, Now));
                if (holds.Kind != CelKind.Bool)
                {
                    Fail([], null, StepCodes.ExpressionFailed, $"The guard of state '{state.Name}' that leads to '{choice.Next}': {Why(holds)}");
                    return;
                }

                Observer?.GuardEvaluated(guard, holds.AsBool());
                if (!holds.AsBool())
                {
                    continue;
                }
            }

            Observer?.TransitionTaken(choice);
            if (choice.Fault is { } code)
            {
                SetFault(new Fault(code, $"State '{state.Name}' led to '{choice.Next}'.", null, Now));
            }

            Enter(choice.Next);
            return;
        }

        Block(BlockedBy.Way, $"No way out of state '{state.Name}' holds.");
    }

    // What the saga is doing, as operators see it. Being stopped says more than what it would be doing.
    private SagaStatus StatusNow() =>
        Saga.EndedAt is not null ? Saga.Status
        : Saga.Blockage is not null ? SagaStatus.Blocked
        : Saga.PausedBy is not null ? SagaStatus.Paused
        : State.Kind == StateKind.Compensating ? SagaStatus.Compensating
        : Saga.Outstanding.IsEmpty ? SagaStatus.Waiting
        : SagaStatus.Running;

    /// <summary>Why a value is no bool.</summary>
    public static string Why(CelValue value) => value.IsError ? value.AsError() : $"a bool is wanted, not {value.Kind}.";

    private static RawJson? Json(ReadOnlySpan<(string Name, object? Value)> detail)
    {
        if (detail.IsEmpty)
        {
            return null;
        }

        var buffer = new System.Buffers.ArrayBufferWriter<byte>(128);
        using var writer = new Utf8JsonWriter(buffer, ValueJson.Writing);
        writer.WriteStartObject();
        foreach (var (name, value) in detail)
        {
            switch (value)
            {
                case int number:
                    writer.WriteNumber(name, number);
                    break;
                case bool flag:
                    writer.WriteBoolean(name, flag);
                    break;
                case DateTimeOffset at:
                    writer.WriteString(name, at);
                    break;
                default:
                    writer.WriteString(name, value?.ToString());
                    break;
            }
        }

        writer.WriteEndObject();
        writer.Flush();
        return new RawJson(buffer.WrittenMemory);
    }
}
