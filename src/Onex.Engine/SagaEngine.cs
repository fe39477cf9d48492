using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>
/// Decides what a saga does next. Pure: no clock, no I/O, no randomness. The same event in the same state always leads to the same
/// decision, in production, in <c>onex contracts test</c> and in the simulator.
/// </summary>
internal static class SagaEngine
{
    /// <summary>Decides on an event.</summary>
    /// <param name="plan">The plan that the saga started with.</param>
    /// <param name="saga">The saga, or null for <see cref="SagaStarted"/>.</param>
    /// <param name="event">The event.</param>
    /// <param name="now">The database's time; never before the saga's last decision.</param>
    /// <param name="observer">Observes the decision, or null.</param>
    public static Decision Decide(Plan plan, SagaState? saga, SagaEvent @event, DateTimeOffset now, IPlanObserver? observer = null)
    {
        if (@event is SagaStarted started)
        {
            return saga is null ? Start(plan, started, now, observer) : Decision.Nothing(saga);
        }

        ArgumentNullException.ThrowIfNull(saga);
        var transition = new Transition(plan, saga, now > saga.UpdatedAt ? now : saga.UpdatedAt) { Observer = observer };
        if (@event is OperatorRequested asked && Operators.WhyNotAllowed(transition, asked.Command) is { } reason)
        {
            return Decision.Nothing(saga) with { NotDone = reason };
        }

        Events.Expire(transition);
        var changed = @event switch
        {
            StepResultArrived result => Results.Decide(transition, result),
            TimerFired timer => Timers.Decide(transition, timer),
            RequestJoined joined => Join(transition, joined),
            ExternalEvent external => Events.Decide(transition, external),
            OperatorRequested requested => Operators.Decide(transition, requested),
            ResendRequested => Commands.Resend(transition),
            _ => false,
        };
        return changed || transition.HasNotes ? transition.Decide() : transition.Nothing(saga);
    }

    /// <summary>
    /// Blocks a saga whose decision cannot be made or stored, which is a fault of Onex and not of the contract. The saga then delays no
    /// other saga, and continues where it was when an operator retries it.
    /// </summary>
    public static Decision SetAside(Plan plan, SagaState saga, string reason, DateTimeOffset now)
    {
        if (saga.EndedAt is not null || saga.IsSetAside)
        {
            return Decision.Nothing(saga);
        }

        var transition = new Transition(plan, saga, now > saga.UpdatedAt ? now : saga.UpdatedAt);
        transition.Block(BlockedBy.Handling, reason);
        return transition.Decide();
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

        var transition = new Transition(plan, saga, now) { Observer = observer };
        transition.Note(HistoryKind.Started);
        if (started.CancelledBeforeStart)
        {
            Endings.EnterCancelled(transition);
        }
        else
        {
            transition.Enter(plan.Initial);
        }

        return transition.Decide();
    }

    // Another request with the same key or identity receives the saga's response, now or when there is one.
    private static bool Join(Transition transition, RequestJoined joined)
    {
        var saga = transition.Saga;
        var requester = joined.Waiter.Requester;
        if (requester.Parent is { } parent && requester.RequestId == saga.Facts.Requester.RequestId)
        {
            return JoinFromParent(transition, requester, joined, parent);
        }

        if (requester.Source == saga.Facts.Requester.Source || saga.Waiters.Any(waiter => waiter.Requester.Source == requester.Source))
        {
            return false;
        }

        transition.Saga = saga with { Waiters = saga.Waiters.Add(joined.Waiter) };
        transition.Note(HistoryKind.RequestJoined, detail: ("correlation_id", requester.CorrelationId.ToString()));
        if (saga.EndedAt is not null || saga.Response is not null)
        {
            transition.Answer(requester, joined.Waiter.IsDuplicate);
        }

        return true;
    }

    // The parent asked again. It is answered when the child ends, so only a lost answer needs action.
    private static bool JoinFromParent(Transition transition, Requester requester, RequestJoined joined, ParentLink parent)
    {
        if (transition.Saga.EndedAt is not null || transition.Saga.Response is not null)
        {
            transition.Answer(requester, isDuplicate: false);
            return true;
        }

        if (!joined.Cancels || Operators.WhyNotAllowed(transition, OperatorCommand.Cancel) is not null)
        {
            return false;
        }

        return Operators.Decide(transition, new OperatorRequested
        {
            SagaId = joined.SagaId,
            CausedBy = joined.CausedBy,
            Command = OperatorCommand.Cancel,
            By = $"saga {parent.SagaId}",
            Reason = "It is a step of that saga, which has left it.",
        });
    }
}
