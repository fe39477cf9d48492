using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>How sagas end, and which responses they send.</summary>
internal static class Endings
{
    /// <summary>Enters an end. A completed end whose output is invalid is not entered.</summary>
    public static void Enter(DecisionBuilder decision, StatePlan state, SagaState entered)
    {
        var completed = state.End == EndKind.Completed;
        RawJson? output = null;
        if (state.Output is { } template)
        {
            var value = template.Evaluate(new SagaScope(decision.Plan, entered, decision.Now));
            var problem = value.IsError ? value.AsError() : CheckOutput(decision.Plan, completed, ref value);
            if (problem is null && ValueJson.TryWrite(value, out var json, out problem))
            {
                output = json;
            }

            // A failed end answers with its fault even if its output is invalid. A completed end must have a valid output.
            if (problem is not null && completed)
            {
                Fail(decision, state, $"The output of state '{state.Name}': {problem}");
                return;
            }
        }

        var status = completed ? SagaStatus.Completed : entered.CancelledBy is null ? SagaStatus.Failed : SagaStatus.Cancelled;
        decision.Saga = entered with
        {
            Status = status,
            EndedAt = decision.Now,
            Output = output,
            Outstanding = [],
            Compensables = [],
            Blockages = [],
            Idle = entered.Idle.Clear(),
            PausedBy = null,
            StateDueAt = null,
            DeadlineAt = null,
        };
        decision.Note(HistoryKind.StateEntered);
        decision.Note(HistoryKind.Ended, detail: ("status", status.ToText()));

        // After a `respond` step every requester has its response, also those that joined later.
        if (entered.Response is null)
        {
            AnswerAll(decision);
        }
    }

    /// <summary>Ends a saga that its parent cancelled before it started.</summary>
    public static void EnterCancelled(DecisionBuilder decision)
    {
        decision.Saga = decision.Saga with
        {
            State = decision.Plan.CancelEnd,
            Status = SagaStatus.Cancelled,
            EndedAt = decision.Now,
            DeadlineAt = null,
            CancelledBy = new OperatorRequest(
                $"saga {decision.Saga.Facts.Requester.Parent?.SagaId}", "The parent saga left the step that started it.", decision.Now),
        };
        decision.Note(HistoryKind.Ended, detail: ("status", SagaStatus.Cancelled.ToText()));
        AnswerAll(decision);
    }

    /// <summary>
    /// Ends a saga at once, as failed, without compensating anything. The children that it waits for are cancelled; other commands in
    /// flight may still take effect.
    /// </summary>
    public static void Terminate(DecisionBuilder decision, OperatorRequest request)
    {
        var saga = decision.Saga;
        decision.Note(
            HistoryKind.Terminated, saga.Blockage?.Step,
            ("by", request.By), ("reason", request.Reason),
            ("in_flight",
                Names(saga.Outstanding.Where(command => command is { NeverSent: false, IsFinal: false }).Select(command => command.Step))),
            ("not_compensated", Names(saga.Compensables.Select(compensable => compensable.Step))));
        decision.Saga = saga with { PausedBy = null, CancelledBy = null };
        foreach (var command in saga.Outstanding)
        {
            if (command is { Direction: StepDirection.Forward, NeverSent: false, IsFinal: false }
                && decision.Facts.Call(command.Step).Role == CallRole.Saga)
            {
                Commands.CancelChild(decision, command);
            }
        }

        var end = decision.Plan.State(decision.Plan.CancelEnd);
        var fault = new Fault(StepCodes.Terminated, "An operator terminated the saga.", null, request.At);
        decision.SetFault(fault);
        Enter(decision, end, Flow.AfterEntering(decision, end) with { Fault = fault });
    }

    /// <summary>Answers the saga's request and all that have joined.</summary>
    public static void AnswerAll(DecisionBuilder decision)
    {
        Answer(decision, decision.Saga.Facts.Requester, isDuplicate: false);
        foreach (var waiter in decision.Saga.Waiters)
        {
            Answer(decision, waiter.Requester, waiter.IsDuplicate);
        }
    }

    /// <summary>Answers a requester if it waits for a response.</summary>
    public static void Answer(DecisionBuilder decision, Requester to, bool isDuplicate)
    {
        if (to is { Silent: false, Parent: not { Awaits: false } })
        {
            decision.Answer(AnswerOf(decision.Saga, to, isDuplicate));
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
            to, ResponseStatus.Error, isDuplicate, saga.Output, saga.Status == SagaStatus.Cancelled ? CancellationFault(saga) : saga.Fault);

    /// <summary>
    /// The fault of a cancelled saga, even if another fault came first. The requester receives it, so it does not say who cancelled the
    /// saga and why: that is in <see cref="SagaState.CancelledBy"/>.
    /// </summary>
    public static Fault CancellationFault(SagaState saga) => saga.CancelledBy is { } request
        ? new Fault(StepCodes.Cancelled, "The saga was cancelled.", null, request.At)
        : saga.Fault!;

    private static string Names(IEnumerable<string> steps) => string.Join(", ", steps.Distinct(StringComparer.Ordinal));

    private static void Fail(DecisionBuilder decision, StatePlan state, string message)
    {
        decision.SetFault(new Fault(StepCodes.OutputInvalid, message, null, decision.Now));
        if (decision.Saga.PastPivot)
        {
            Flow.Depart(decision, new Departure(state.Name));
            decision.Block(BlockedBy.Transition, message);
        }
        else
        {
            decision.Observer?.TransitionTaken(decision.Plan);
            Flow.Enter(decision, decision.Plan.OnFailure, failed: true);
        }
    }

    private static string? CheckOutput(Plan plan, bool completed, ref CelValue value)
    {
        if (!completed || plan.Output is not { } schema)
        {
            return null;
        }

        var problems = schema.Validate(value, out value);
        return problems.Count == 0 ? null : string.Join("; ", problems.Select(problem => problem.ToString()));
    }
}
