using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Engine;

/// <summary>One decision in the making: the moves that a saga can make, and what follows from them.</summary>
internal sealed class Transition(Plan plan, SagaState saga, DateTimeOffset now)
{
    // A way through states without steps that is longer than this goes round in a circle.
    private const int StatesPerTransition = 100;

    // After an attempt should have ended: the lease's margin, and a little for the way.
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan _longestSilence = TimeSpan.FromMinutes(5);

    private readonly ImmutableArray<CommandToSend>.Builder _commands = ImmutableArray.CreateBuilder<CommandToSend>();
    private readonly ImmutableArray<Answer>.Builder _answers = ImmutableArray.CreateBuilder<Answer>();
    private readonly ImmutableArray<HistoryNote>.Builder _history = ImmutableArray.CreateBuilder<HistoryNote>();
    private int _statesEntered;

    public Plan Plan { get; } = plan;

    public DateTimeOffset Now { get; } = now;

    public SagaState Saga { get; set; } = saga;

    /// <summary>The decision, as far as it has come.</summary>
    public Decision Decide() => new(
        Saga with { UpdatedAt = Now }, true, _commands.ToImmutable(), _answers.ToImmutable(), _history.ToImmutable());

    public void Note(string kind, string? step = null, params ReadOnlySpan<(string Name, object? Value)> detail) =>
        _history.Add(new HistoryNote(kind, Saga.State, step, Now, Json(detail)));

    /// <summary>Enters a state and goes as far as it goes without anything from outside.</summary>
    public void Enter(string name)
    {
        var state = Plan.State(name);
        if (++_statesEntered > StatesPerTransition)
        {
            Block($"The contract went through {StatesPerTransition} states without a step or a wait.");
            return;
        }

        Saga = Saga with
        {
            State = name,
            StepIndex = 0,
            Visits = Saga.Visits.SetItem(name, Saga.Visits.GetValueOrDefault(name) + 1),
            PastPivot = Saga.PastPivot || state.Pivot,
            Status = state.Kind == StateKind.Compensating ? SagaStatus.Compensating : SagaStatus.Running,
            Fault = Saga.Fault is not null && PlanFacts.Of(Plan).FaultIsKnown(name) ? Saga.Fault : null,
        };
        Note(HistoryKinds.StateEntered);
        switch (state.Kind)
        {
            case StateKind.End:
                End(state);
                break;
            case StateKind.Compensating:
                CompensateNext(state);
                break;
            default:
                RunNext(state);
                break;
        }
    }

    /// <summary>Starts the step in hand, or leaves the state when there is none left.</summary>
    public void RunNext(StatePlan state)
    {
        if (Saga.StepIndex >= state.Steps.Length)
        {
            Leave(state);
            return;
        }

        var step = (CallStep)state.Steps[Saga.StepIndex];
        if (!ValueJson.TryEvaluate(step.Invocation.Arguments, new SagaScope(Plan, Saga, Now), out var arguments, out var problem))
        {
            Fail(step, EngineCodes.ExpressionFailed, $"The arguments of step '{step.Id}': {problem}");
            return;
        }

        Send(
            Identity.Command(Saga.Facts.SagaId, $"{state.Name}/{step.Id}", Saga.Visit),
            step.Id, StepDirections.Do, step.Kind, step.Invocation, arguments, step.Timeout);
        Note(HistoryKinds.StepStarted, step.Id, ("operation", step.Invocation.Operation));
    }

    /// <summary>Takes back the last thing that is left, or leaves the state when there is none.</summary>
    public void CompensateNext(StatePlan state)
    {
        if (Saga.Undo.IsEmpty)
        {
            Leave(state);
            return;
        }

        var undo = Saga.Undo[^1];
        var compensation = PlanFacts.Of(Plan).Step(undo.Step).Compensation!;
        Send(
            Identity.Compensation(undo.CommandId),
            undo.Step, StepDirections.Compensate, compensation.Kind, compensation.Invocation, undo.Arguments, compensation.Timeout);
        Note(HistoryKinds.CompensationStarted, undo.Step, ("operation", compensation.Invocation.Operation));
    }

    /// <summary>Sends an attempt again, the same one or the next, with the arguments of the first.</summary>
    public void SendAgain(Outstanding command, int attempt, int resent)
    {
        if (Callee.Of(this, command) is not { } callee)
        {
            Block($"Step '{command.Step}' cannot be sent again: its arguments cannot be worked out any more.");
            return;
        }

        var silence = callee.Timeout + _grace;
        for (var i = 0; i < resent && silence < _longestSilence; i++)
        {
            silence *= 2;
        }

        Replace(command with
        {
            Attempt = attempt,
            Phase = AttemptPhase.InFlight,
            Resent = resent,
            DueAt = Now + (silence < _longestSilence ? silence : _longestSilence + callee.Timeout),
        });
        _commands.Add(new CommandToSend(
            command.CommandId, attempt, command.Step, command.Direction, callee.Kind, callee.Invocation.Operation,
            callee.Invocation.Connection, callee.Arguments, callee.Timeout, command.NotAfter));
        Note(
            attempt == command.Attempt ? HistoryKinds.StepResent : HistoryKinds.StepRetried,
            command.Step, ("attempt", attempt), ("direction", command.Direction));
    }

    public void Replace(Outstanding command) => Saga = Saga with
    {
        Outstanding = [.. Saga.Outstanding.Select(other => other.CommandId == command.CommandId ? command : other)],
    };

    public void Remove(Outstanding command) => Saga = Saga with
    {
        Outstanding = Saga.Outstanding.RemoveAll(other => other.CommandId == command.CommandId),
    };

    /// <summary>A step's final error: to its <c>catch</c>, the state's, then <c>on_failure</c>. Past the pivot only a <c>catch</c> leads on.</summary>
    public void Fail(CallStep step, string code, string message) => Fail(step.Catch, step.Id, code, message);

    /// <summary>Waits for an operator.</summary>
    public void Block(string reason)
    {
        Saga = Saga with { Status = SagaStatus.Blocked, BlockedBecause = reason, Outstanding = [] };
        Note(HistoryKinds.Blocked, detail: ("reason", reason));
    }

    public void Answer(Asker to, bool isDuplicate) => _answers.Add(new Answer(
        to, Saga.Status == SagaStatus.Completed ? ResponseStatus.Success : ResponseStatus.Error, isDuplicate, Saga.Output, Saga.Fault));

    private void Send(
        Guid commandId, string step, string direction, StepKind kind, Invocation invocation, RawJson arguments, TimeSpan timeout)
    {
        var command = new Outstanding
        {
            CommandId = commandId,
            Step = step,
            Direction = direction,
            Attempt = 1,
            Phase = AttemptPhase.InFlight,
            DueAt = Now + timeout + _grace,
            FirstSentAt = Now,
        };
        Saga = Saga with { Outstanding = Saga.Outstanding.Add(command) };
        _commands.Add(new CommandToSend(
            commandId, 1, step, direction, kind, invocation.Operation, invocation.Connection, arguments, timeout, command.NotAfter));
    }

    private void Leave(StatePlan state)
    {
        foreach (var choice in state.Choices)
        {
            if (choice.When is { } guard)
            {
                var holds = guard.Evaluate(new SagaScope(Plan, Saga, Now));
                if (holds.Kind != CelKind.Bool)
                {
                    Fail([], null, EngineCodes.ExpressionFailed, $"The guard of state '{state.Name}' that leads to '{choice.Next}': {Why(holds)}");
                    return;
                }

                if (!holds.AsBool())
                {
                    continue;
                }
            }

            if (choice.Fault is { } code)
            {
                SetFault(code, $"State '{state.Name}' led to '{choice.Next}'.", null);
            }

            Enter(choice.Next);
            return;
        }

        Block($"No way out of state '{state.Name}' holds.");
    }

    private void Fail(ImmutableArray<CatchRule> stepRules, string? step, string code, string message)
    {
        var state = Plan.State(Saga.State);
        var rule = stepRules.Concat(state.Catch).FirstOrDefault(candidate => candidate.Covers(code));
        var next = rule?.Next ?? (Saga.PastPivot || state.Kind != StateKind.Ordinary ? null : Plan.OnFailure);
        SetFault(code, message, step);
        if (next is null)
        {
            Block(message);
            return;
        }

        Enter(next);
    }

    private void SetFault(string code, string message, string? step)
    {
        Saga = Saga with { Fault = new Fault(code, message, step, Now), Outstanding = [] };
        Note(HistoryKinds.Faulted, step, ("code", code), ("message", message));
    }

    private void End(StatePlan state)
    {
        var completed = state.End == EndKind.Completed;
        RawJson? output = null;
        if (state.Output is { } template)
        {
            var value = template.Evaluate(new SagaScope(Plan, Saga, Now));
            var problem = value.IsError ? value.AsError() : CheckOutput(completed, ref value);
            if (problem is null && ValueJson.TryWrite(value, out var json, out problem))
            {
                output = json;
            }

            // A failed end answers with its fault, be its output in order or not; a completed one without its output has not completed.
            if (problem is not null && completed)
            {
                FailEnd($"The output of state '{state.Name}': {problem}");
                return;
            }
        }

        Saga = Saga with
        {
            Status = completed ? SagaStatus.Completed : SagaStatus.Failed,
            EndedAt = Now,
            Output = output,
            Outstanding = [],
            Undo = [],
        };
        Note(HistoryKinds.Ended, detail: ("status", completed ? "completed" : "failed"));
        Answer(Saga.Facts.Asker, isDuplicate: false);
        foreach (var waiter in Saga.Waiters)
        {
            Answer(waiter.Asker, waiter.IsDuplicate);
        }
    }

    private void FailEnd(string message)
    {
        SetFault(EngineCodes.OutputInvalid, message, null);
        if (Saga.PastPivot)
        {
            Block(message);
        }
        else
        {
            Enter(Plan.OnFailure);
        }
    }

    private string? CheckOutput(bool completed, ref CelValue value)
    {
        if (!completed || Plan.Output is not { } schema)
        {
            return null;
        }

        var problems = schema.Validate(value, out value);
        return problems.Count == 0 ? null : string.Join("; ", problems.Select(problem => $"{problem.Pointer} {problem.Problem}"));
    }

    private static string Why(CelValue value) => value.IsError ? value.AsError() : $"a bool is wanted, not {value.Kind}.";

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
            if (value is int number)
            {
                writer.WriteNumber(name, number);
            }
            else
            {
                writer.WriteString(name, value?.ToString());
            }
        }

        writer.WriteEndObject();
        writer.Flush();
        return new RawJson(buffer.WrittenMemory);
    }
}
