using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>How sagas end, and which responses they send.</summary>
internal static class Endings
{
    /// <summary>Enters an end. A completed end whose output cannot be evaluated is not entered.</summary>
    public static void Enter(Transition transition, StatePlan state, SagaState entered)
    {
        var completed = state.End == EndKind.Completed;
        RawJson? output = null;
        if (state.Output is { } template)
        {
            var value = template.Evaluate(new SagaScope(transition.Plan, entered, transition.Now));
            var problem = value.IsError ? value.AsError() : CheckOutput(transition.Plan, completed, ref value);
            if (problem is null && ValueJson.TryWrite(value, out var json, out problem))
            {
                output = json;
            }

            // A failed end answers with its fault even if its output is invalid. Without a valid output a completed end has not completed.
            if (problem is not null && completed)
            {
                Fail(transition, state, $"The output of state '{state.Name}': {problem}");
                return;
            }
        }

        var status = completed ? SagaStatus.Completed : entered.CancelledBy is null ? SagaStatus.Failed : SagaStatus.Cancelled;
        transition.Saga = entered with
        {
            Status = status,
            EndedAt = transition.Now,
            Output = output,
            Outstanding = [],
            Undo = [],
            Blockages = [],
            Idle = entered.Idle.Clear(),
            PausedBy = null,
            StateDueAt = null,
            DeadlineAt = null,
        };
        transition.Note(HistoryKinds.StateEntered);
        transition.Note(HistoryKinds.Ended, detail: ("status", status.ToText()));

        // Requesters that a `respond` step answered, or that joined after it, have their response already.
        if (entered.Response is null)
        {
            AnswerAll(transition);
        }
    }

    /// <summary>Ends a saga that has not started.</summary>
    public static void EnterCancelled(Transition transition)
    {
        transition.Saga = transition.Saga with
        {
            State = transition.Plan.CancelEnd,
            Status = SagaStatus.Cancelled,
            EndedAt = transition.Now,
            DeadlineAt = null,
            CancelledBy = new OperatorRequest(
                $"saga {transition.Saga.Facts.Requester.Parent?.SagaId}", "It is a step of that saga, which has left it.", transition.Now),
        };
        transition.Note(HistoryKinds.Ended, detail: ("status", SagaStatus.Cancelled.ToText()));
        AnswerAll(transition);
    }

    /// <summary>
    /// Ends a saga in its current state without compensating anything. Its children are cancelled; other commands in flight may still take
    /// effect.
    /// </summary>
    public static void Terminate(Transition transition, OperatorRequest request)
    {
        var saga = transition.Saga;
        transition.Note(
            HistoryKinds.Terminated, saga.Blockage?.Step,
            ("by", request.By), ("reason", request.Reason),
            ("in_flight",
                Names(saga.Outstanding.Where(command => command is { NeverSent: false, Answered: false }).Select(command => command.Step))),
            ("not_compensated", Names(saga.Undo.Select(undo => undo.Step))));
        transition.Saga = saga with { PausedBy = null, CancelledBy = null };
        foreach (var command in saga.Outstanding)
        {
            if (command is { Direction: StepDirections.Do, NeverSent: false, Answered: false }
                && transition.Facts.Step(command.Step).Role == CallRole.Saga)
            {
                Commands.CancelChild(transition, command);
            }
        }

        var end = transition.Plan.State(transition.Plan.CancelEnd);
        var fault = new Fault(StepCodes.Terminated, "An operator terminated the saga.", null, request.At);
        transition.SetFault(fault);
        Enter(transition, end, transition.Entering(end) with { Fault = fault });
    }

    /// <summary>Answers the request and all that have joined.</summary>
    public static void AnswerAll(Transition transition)
    {
        transition.Answer(transition.Saga.Facts.Requester, isDuplicate: false);
        foreach (var waiter in transition.Saga.Waiters)
        {
            transition.Answer(waiter.Requester, waiter.IsDuplicate);
        }
    }

    /// <summary>The response of a saga that has one.</summary>
    public static Answer AnswerOf(SagaState saga, Requester to, bool isDuplicate) =>
        saga.Response is { } response
            ? new Answer(to, ResponseStatus.Success, isDuplicate, response, null)
            {
                OutputRef = Identity.Payload(saga.Facts.SagaId, "response"),
            }
        : saga.Status == SagaStatus.Completed
            ? new Answer(to, ResponseStatus.Success, isDuplicate, saga.Output, null)
            {
                OutputRef = Identity.Payload(saga.Facts.SagaId, "output"),
            }
        : new Answer(
            to, ResponseStatus.Error, isDuplicate, saga.Output, saga.Status == SagaStatus.Cancelled ? Cancelled(saga) : saga.Fault);

    /// <summary>
    /// The fault of a cancelled saga, even if it compensated because of another fault. The requester receives it, so it does not say who
    /// cancelled the saga and why: that is in the history, for operators.
    /// </summary>
    public static Fault Cancelled(SagaState saga) => saga.CancelledBy is { } request
        ? new Fault(StepCodes.Cancelled, "The saga was cancelled.", null, request.At)
        : saga.Fault!;

    private static string Names(IEnumerable<string> steps) => string.Join(", ", steps.Distinct(StringComparer.Ordinal));

    private static void Fail(Transition transition, StatePlan state, string message)
    {
        transition.SetFault(new Fault(StepCodes.OutputInvalid, message, null, transition.Now));
        if (transition.Saga.PastPivot)
        {
            transition.Depart(new Departure(state.Name));
            transition.Block(BlockedBy.Way, message);
        }
        else
        {
            transition.Observer?.TransitionTaken(transition.Plan);
            transition.Enter(transition.Plan.OnFailure, failed: true);
        }
    }

    private static string? CheckOutput(Plan plan, bool completed, ref CelValue value)
    {
        if (!completed || plan.Output is not { } schema)
        {
            return null;
        }

        var problems = schema.Validate(value, out value);
        return problems.Count == 0 ? null : string.Join("; ", problems.Select(problem => $"{problem.Pointer} {problem.Problem}"));
    }
}
