using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Decides what a saga does next. Pure: no clock, no I/O, no randomness. The same message in the same state always leads to the same
/// decision, in production and in <c>onex contracts test</c>.
/// </summary>
internal static class SagaEngine
{
    /// <summary>Decides on a message to a saga.</summary>
    /// <param name="plan">The plan that the saga started with.</param>
    /// <param name="saga">The saga, or null for <see cref="SagaStarted"/>.</param>
    /// <param name="event">The message.</param>
    /// <param name="now">The database's time. If it is before the saga's last decision, the time of that decision counts.</param>
    /// <param name="observer">Observes the decision, or null.</param>
    public static Decision Decide(Plan plan, SagaState? saga, SagaEvent @event, DateTimeOffset now, IPlanObserver? observer = null)
    {
        if (@event is SagaStarted started)
        {
            return saga is null ? Start(plan, started, now, observer) : Decision.Nothing(saga);
        }

        ArgumentNullException.ThrowIfNull(saga);
        var decision = new DecisionBuilder(plan, saga, now > saga.UpdatedAt ? now : saga.UpdatedAt) { Observer = observer };
        if (@event is OperatorRequested request && Operators.WhyNotAllowed(decision, request.Command) is { } reason)
        {
            return Decision.Nothing(saga) with { WhyNotDone = reason };
        }

        Events.DeclineExpired(decision);
        var changed = @event switch
        {
            StepResultArrived result => Results.Decide(decision, result),
            StepReportArrived report => Reports.Decide(decision, report),
            TimerFired timer => Timers.Decide(decision, timer),
            RequestJoined joined => Join(decision, joined),
            ExternalEvent external => Events.Decide(decision, external),
            OperatorRequested requested => Operators.Decide(decision, requested),
            ResendRequested => Commands.Resend(decision),
            _ => false,
        };
        if (!changed && !decision.HasNotes)
        {
            return decision.Nothing(saga);
        }

        decision.Cancelled = [.. Reports.Cancelled(decision, (@event as StepResultArrived)?.CommandId)];
        return Finish(decision);
    }

    /// <summary>
    /// Blocks a saga whose decision cannot be made or stored, which is a fault of Onex and not of the contract. The saga then delays no
    /// other saga, and continues where it was when an operator retries it.
    /// </summary>
    public static Decision Block(Plan plan, SagaState saga, string reason, DateTimeOffset now)
    {
        if (saga.EndedAt is not null || saga.IsUnhandled)
        {
            return Decision.Nothing(saga);
        }

        var decision = new DecisionBuilder(plan, saga, now > saga.UpdatedAt ? now : saga.UpdatedAt);
        decision.Block(BlockedBy.Handling, reason);
        return Finish(decision);
    }

    private static Decision Start(Plan plan, SagaStarted started, DateTimeOffset now, IPlanObserver? observer)
    {
        var saga = new SagaState
        {
            Facts = started.Facts,
            State = plan.Initial,
            Status = SagaStatus.Running,
            UpdatedAt = now,
            DeadlineAt = plan.Deadline is { } deadline ? Times.After(started.Facts.StartedAt, deadline.After) : null,
        };
        foreach (var field in plan.Data)
        {
            if (field.Initial is { } initial)
            {
                saga = saga with { Data = saga.Data.SetItem(field.Name, initial) };
            }
        }

        var decision = new DecisionBuilder(plan, saga, now) { Observer = observer };
        decision.Note(HistoryKind.Started);
        if (started.CancelledBeforeStart)
        {
            Endings.EnterCancelled(decision);
        }
        else
        {
            Flow.Enter(decision, plan.Initial);
        }

        return Finish(decision);
    }

    private static Decision Finish(DecisionBuilder decision)
    {
        Events.HandleBuffered(decision);
        var status = StatusOf(decision);
        decision.Saga = decision.Saga with
        {
            Status = status,
            WaitingFor = status == SagaStatus.Waiting ? Events.AcceptedEvents(decision) : [],
            UpdatedAt = decision.Now,
        };
        return decision.Build();
    }

    // The saga's status, as operators see it. Blocked and paused take precedence.
    private static SagaStatus StatusOf(DecisionBuilder decision) =>
        decision.Saga.EndedAt is not null ? decision.Saga.Status
        : decision.Saga.Blockage is not null ? SagaStatus.Blocked
        : decision.Saga.PausedBy is not null ? SagaStatus.Paused
        : decision.State.Kind == StateKind.Compensating ? SagaStatus.Compensating
        : decision.Saga.Outstanding.IsEmpty ? SagaStatus.Waiting
        : SagaStatus.Running;

    // Another request with the same key or identity receives the saga's response, now or when there is one.
    private static bool Join(DecisionBuilder decision, RequestJoined joined)
    {
        var saga = decision.Saga;
        var requester = joined.Waiter.Requester;
        if (requester.Parent is { } parent && requester.RequestId == saga.Facts.Requester.RequestId)
        {
            return JoinFromParent(decision, requester, joined, parent);
        }

        if (requester.Source == saga.Facts.Requester.Source || saga.Waiters.Any(waiter => waiter.Requester.Source == requester.Source))
        {
            return false;
        }

        decision.Saga = saga with { Waiters = saga.Waiters.Add(joined.Waiter) };
        decision.Note(HistoryKind.RequestJoined, detail: ("correlation_id", requester.CorrelationId.ToString()));
        if (saga.EndedAt is not null || saga.Response is not null)
        {
            Endings.Answer(decision, requester, joined.Waiter.IsDuplicate);
        }

        return true;
    }

    // The parent sent its request again, perhaps to cancel the child. The child's end or `respond` step answers it, so only an answer that
    // was sent already is repeated, because it may be lost.
    private static bool JoinFromParent(DecisionBuilder decision, Requester requester, RequestJoined joined, ParentLink parent)
    {
        if (decision.Saga.EndedAt is not null || decision.Saga.Response is not null)
        {
            Endings.Answer(decision, requester, isDuplicate: false);
            return true;
        }

        if (!joined.Cancels || Operators.WhyNotAllowed(decision, OperatorCommand.Cancel) is not null)
        {
            return false;
        }

        return Operators.Decide(decision, new OperatorRequested
        {
            SagaId = joined.SagaId,
            CausedBy = joined.CausedBy,
            Command = OperatorCommand.Cancel,
            By = $"saga {parent.SagaId}",
            Reason = "The parent saga left the step that started it.",
        });
    }
}
