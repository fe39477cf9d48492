using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>One decision while it is made: the transitions of a saga from state to state, and what follows from them.</summary>
internal sealed class Transition(Plan plan, SagaState saga, DateTimeOffset now)
{
    // A longer path through states without a call or a wait is a cycle.
    private const int StatesPerTransition = 100;

    private readonly ImmutableArray<CommandToSend>.Builder _commands = ImmutableArray.CreateBuilder<CommandToSend>();
    private readonly ImmutableArray<Answer>.Builder _answers = ImmutableArray.CreateBuilder<Answer>();
    private readonly ImmutableArray<HistoryNote>.Builder _history = ImmutableArray.CreateBuilder<HistoryNote>();
    private readonly ImmutableArray<DeclinedEvent>.Builder _declined = ImmutableArray.CreateBuilder<DeclinedEvent>();
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

    /// <summary>Whether the history has an entry already. Then there is a decision in any case.</summary>
    public bool HasNotes => _history.Count > 0;

    /// <summary>The decision so far.</summary>
    public Decision Decide()
    {
        Events.HandleBuffered(this);
        var status = StatusNow();
        Saga = Saga with
        {
            Status = status,
            WaitingFor = status == SagaStatus.Waiting ? Events.Wanted(this) : [],
            UpdatedAt = Now,
        };
        return new Decision(Saga, true, _commands.ToImmutable(), _answers.ToImmutable(), _history.ToImmutable())
        {
            Rejections = _declined.ToImmutable(),
            Seen = _seen.ToImmutable(),
            Published = _published.ToImmutable(),
            Items = _items.ToImmutable(),
        };
    }

    /// <summary>The saga does not change. Senders of declined events may still be answered.</summary>
    public Decision Nothing(SagaState unchanged) => Decision.Nothing(unchanged) with { Rejections = _declined.ToImmutable() };

    public void Note(string kind, string? step = null, params ReadOnlySpan<(string Name, object? Value)> detail) =>
        _history.Add(new HistoryNote(kind, Saga.State, step, Now, Json(detail)));

    public void Emit(CommandToSend command) => _commands.Add(command);

    public void Publish(EventToPublish published) => _published.Add(published);

    public void Store(SagaItem item) => _items.Add(item);

    /// <summary>Whether this decision has stored the item of that command with that outcome.</summary>
    public bool WasStoredAs(CommandId commandId, SagaItemStatus outcome) =>
        _items.LastOrDefault(item => item.CommandId == commandId)?.Status == outcome;

    public void Decline(DeclinedEvent rejection) => _declined.Add(rejection);

    public void See(MessageId messageId) => _seen.Add(messageId);

    /// <summary>Answers a requester that waits for a response.</summary>
    public void Answer(Requester to, bool isDuplicate)
    {
        if (to is { Silent: false, Parent: not { Awaits: false } })
        {
            _answers.Add(Endings.AnswerOf(Saga, to, isDuplicate));
        }
    }

    /// <summary>
    /// Goes to another state. Commands in flight are interrupted. A compensating state is entered at once and waits for them; any other
    /// state is entered when all of them are resolved and, if they completed, compensated.
    /// </summary>
    /// <param name="next">The state.</param>
    /// <param name="fault">The fault that leads there, or null.</param>
    /// <param name="failed">Whether a failure leads there, and not an event, a timeout or an operator.</param>
    public void Move(string next, Fault? fault = null, bool failed = false)
    {
        Interruption.Interrupt(this);

        // Leaving the state clears its blockages, except those of in-flight commands with an unknown outcome.
        Unblock(blockage => blockage.Kind is BlockedBy.Step or BlockedBy.Unknown or BlockedBy.Way
            && !Saga.Outstanding.Any(command => command.CommandId == blockage.CommandId));
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

    /// <summary>Enters a state and runs it until it must wait for something.</summary>
    /// <param name="name">The state.</param>
    /// <param name="failed">Whether a failure leads there.</param>
    /// <param name="isDelayed">Whether the entry was delayed because of a cycle, and so was counted already.</param>
    public void Enter(string name, bool failed = false, bool isDelayed = false)
    {
        var state = Plan.State(name);

        // A paused saga neither sends responses nor starts steps.
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

        // Past the pivot nothing is compensated, and no deadline applies.
        Saga = entered.PastPivot ? entered with { Undo = [], DeadlineAt = null } : entered;
        Note(HistoryKinds.StateEntered);
        if (state.Kind == StateKind.Compensating)
        {
            Continue();
        }
        else if (!Events.AcceptBuffered(this))
        {
            Run(Facts.Root(name));
        }
    }

    /// <summary>The saga after it enters a state now.</summary>
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
    /// Runs the steps of a state or branch from the current one on, until one of them must be awaited. After the last step the branch is
    /// done, or the saga leaves the state.
    /// </summary>
    /// <param name="sequence">The steps.</param>
    /// <param name="retryPass">The retry pass of the current step: above 0 if an operator retried it.</param>
    public void Run(Sequence sequence, int retryPass = 0)
    {
        Branches.Renew(this, sequence, retryPass);
        if (Saga.PausedBy is not null)
        {
            Saga = Saga with
            {
                Held = Saga.Held.RemoveAll(held => held.Key == sequence.Key).Add(new HeldSequence(sequence.Key, retryPass)),
            };
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

    /// <summary>The step of that id is done: continues with the next one of its state or branch.</summary>
    public void RunOn(string step)
    {
        var sequence = Facts.SequenceOf(step);
        Branches.Advance(this, sequence);
        Run(sequence);
    }

    /// <summary>
    /// Continues after a command was resolved or compensated: starts the next compensation, or goes to the next state if none is left.
    /// Waits while any command has an unknown outcome, so that steps are compensated in order. Does nothing while the saga is paused.
    /// </summary>
    public void Continue()
    {
        if (Saga.PausedBy is not null)
        {
            return;
        }

        if (Saga.Leaving is null && State.Kind == StateKind.Ordinary)
        {
            Branches.ContinueAfterJoin(this);
            return;
        }

        if (Saga.Blockage is not null
            || Saga.Outstanding.Any(command => command.Direction == StepDirections.Do)
            || Compensations.Compensate(this, IsCompensated))
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
    /// Handles the final error of a step or a state. The rules apply in this order: the step's <c>catch</c>, that of each enclosing
    /// <c>parallel</c> step, the state's, then <c>on_failure</c>. Past the pivot only a <c>catch</c> applies. If the join can do without
    /// the branch, only the branch fails.
    /// </summary>
    /// <param name="stepRules">The step's own rules.</param>
    /// <param name="step">The step's id, or null.</param>
    /// <param name="code">The fault's code.</param>
    /// <param name="message">The fault's message.</param>
    /// <param name="command">The step's command, if it has one. It stays outstanding for an operator's retry if no rule applies.</param>
    public void Fail(ImmutableArray<CatchRule> stepRules, string? step, string code, string message, Outstanding? command = null)
    {
        var state = State;
        var fault = new Fault(code, message, step, Now);
        var rule = stepRules.FirstOrDefault(candidate => candidate.Covers(code));
        for (var place = step is null ? null : Facts.SequenceOf(step);
            rule is null && place?.Parallel is { } parallel;
            place = Facts.SequenceOf(parallel.Id))
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

    /// <summary>Blocks the saga until an operator acts. The command stays outstanding, because its outcome may still arrive.</summary>
    public void Block(
        BlockedBy kind, string reason, string? step = null, Outstanding? command = null, string? code = null, string? failure = null)
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

    /// <summary>Removes the blockages that match.</summary>
    public void Unblock(Predicate<Blockage> which) => Saga = Saga with { Blockages = Saga.Blockages.RemoveAll(which) };

    /// <summary>Whether a compensation is needed before the saga enters its next state.</summary>
    private bool IsCompensated(Compensable undo) => undo.Lost || Saga.Leaving is null;

    public void Replace(Outstanding command) => Saga = Saga with
    {
        Outstanding = [.. Saga.Outstanding.Select(other => other.CommandId == command.CommandId ? command : other)],
    };

    public void Remove(Outstanding command) => Saga = Saga with
    {
        Outstanding = Saga.Outstanding.RemoveAll(other => other.CommandId == command.CommandId),
    };

    /// <summary>An event arrived or a timer was due, so the repeated entries no longer count as a cycle.</summary>
    public void Progress() => Saga = Saga with { Idle = Saga.Idle.Clear() };

    // A state without transitions waits for its events or its timeout. A cancelled saga only goes to its end.
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
                    Fail(
                        [],
                        null,
                        StepCodes.ExpressionFailed,
                        $"The guard of state '{state.Name}' that leads to '{choice.Next}': {Why(holds)}");
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

        Block(BlockedBy.Way, $"No transition out of state '{state.Name}' applies.");
    }

    // The saga's status, as operators see it. Blocked and paused take precedence.
    private SagaStatus StatusNow() =>
        Saga.EndedAt is not null ? Saga.Status
        : Saga.Blockage is not null ? SagaStatus.Blocked
        : Saga.PausedBy is not null ? SagaStatus.Paused
        : State.Kind == StateKind.Compensating ? SagaStatus.Compensating
        : Saga.Outstanding.IsEmpty ? SagaStatus.Waiting
        : SagaStatus.Running;

    /// <summary>Why a value is not a bool.</summary>
    public static string Why(CelValue value) => value.IsError ? value.AsError() : $"a bool is required, not {value.Kind}.";

    private static RawJson? Json(ReadOnlySpan<(string Name, object? Value)> detail)
    {
        if (detail.IsEmpty)
        {
            return null;
        }

        using var rented = RentedJsonWriter.Rent();
        var writer = rented.Writer;
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
        return rented.ToJson();
    }
}
