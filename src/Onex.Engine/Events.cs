using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>Events (docs/contract-language.md#events): accepted, buffered for a state that accepts them, or declined.</summary>
internal static class Events
{
    // Longer than any `early`, and as long as the lifetime of a command.
    private static readonly TimeSpan _keptFor = TimeSpan.FromDays(14);

    private enum Acceptance
    {
        /// <summary>No guard held, or an expression of the event could not be evaluated. Nothing has changed.</summary>
        Declined,

        /// <summary>The saga stays in its state.</summary>
        Stayed,

        /// <summary>The saga left its state.</summary>
        Moved,
    }

    public static bool Decide(Transition transition, ExternalEvent external)
    {
        var saga = transition.Saga;
        var planned = transition.Plan.Events.GetValueOrDefault(external.Event);
        var keptFor = planned?.Early > _keptFor ? planned.Early.Value : _keptFor;
        var arrived = new BufferedEvent(
            external.Requester.RequestId, external.Event, AsStored(planned, external.Data), external.Requester, transition.Now,
            Times.After(transition.Now, keptFor));
        if (saga.Early.Any(kept => kept.MessageId == arrived.MessageId))
        {
            return false;
        }

        if (AcceptsEvents(transition) && HasRule(transition, arrived.Event))
        {
            if (Accept(transition, arrived, wasBuffered: false) == Acceptance.Declined)
            {
                return false;
            }

            transition.See(arrived.MessageId);
            return true;
        }

        if (!CanStillAccept(transition, arrived.Event))
        {
            var why = saga.EndedAt is null
                ? $"Saga {saga.Facts.SagaId} is in state '{saga.State}': neither this state nor any that it can still reach accepts the "
                    + $"event '{arrived.Event}'."
                : $"Saga {saga.Facts.SagaId} has ended in '{saga.State}'.";
            transition.Decline(new DeclinedEvent(arrived.Requester, arrived, ErrorCodes.EventUnwanted, why, IsDead: true));
            return false;
        }

        if (saga.Early.Length >= transition.Plan.BufferedEventsMax)
        {
            transition.Decline(new DeclinedEvent(
                arrived.Requester, arrived, ErrorCodes.EventsTooMany,
                $"Saga {saga.Facts.SagaId} buffers {Plural.Format(saga.Early.Length, "event")} already that its state '{saga.State}' "
                    + "does not accept. Send it again when the saga has reached another state.",
                IsDead: false));
            return false;
        }

        transition.Saga = saga with { Early = saga.Early.Add(arrived) };
        transition.See(arrived.MessageId);
        transition.Note(HistoryKind.EventBuffered, detail: [("event", arrived.Event), ("until", arrived.ExpiresAt)]);
        return true;
    }

    /// <summary>Declines buffered events that have expired.</summary>
    public static void Expire(Transition transition)
    {
        foreach (var kept in transition.Saga.Early.Where(kept => kept.ExpiresAt <= transition.Now))
        {
            Release(
                transition, kept, ErrorCodes.EventExpired,
                $"No state of saga {transition.Saga.Facts.SagaId} accepted the event '{kept.Event}' before {kept.ExpiresAt:u}.",
                isDead: true);
        }
    }

    /// <summary>
    /// Handles the buffered events that the current state accepts, oldest first. True if one of them led to another state.
    /// </summary>
    public static bool AcceptBuffered(Transition transition)
    {
        while (AcceptsEvents(transition) && transition.Saga.Early.FirstOrDefault(kept => HasRule(transition, kept.Event)) is { } kept)
        {
            transition.Saga = transition.Saga with { Early = transition.Saga.Early.Remove(kept) };
            if (Accept(transition, kept, wasBuffered: true) == Acceptance.Moved)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// At the end of a decision: handles buffered events of a saga that runs again, and declines those of a saga that has ended.
    /// </summary>
    public static void HandleBuffered(Transition transition)
    {
        while (AcceptBuffered(transition))
        {
            // The next state may accept another buffered event.
        }

        if (transition.Saga.EndedAt is null)
        {
            return;
        }

        foreach (var kept in transition.Saga.Early)
        {
            Release(
                transition, kept, ErrorCodes.EventUnclaimed,
                $"Saga {transition.Saga.Facts.SagaId} ended in '{transition.Saga.State}' without accepting the event '{kept.Event}'.",
                isDead: true);
        }
    }

    /// <summary>The names of the events that the current state accepts.</summary>
    public static ImmutableArray<string> Wanted(Transition transition) =>
        [.. Rules(transition).Select(rule => rule.Event).Distinct(StringComparer.Ordinal)];

    // The state's own rules come first. Those of `any_state` apply only before the pivot.
    private static IEnumerable<EventRule> Rules(Transition transition) =>
        transition.State.OnEvent.Concat(transition.Saga.PastPivot ? [] : transition.Plan.AnyState);

    private static bool HasRule(Transition transition, string name) => Rules(transition).Any(rule => rule.Event == name);

    private static bool AcceptsEvents(Transition transition) => transition.Saga.TimersRun && transition.State.Kind == StateKind.Ordinary;

    private static bool CanStillAccept(Transition transition, string name)
    {
        var (saga, facts) = (transition.Saga, transition.Facts);
        return saga.EndedAt is null
            && !(saga.CancelledBy is not null && transition.State.Kind == StateKind.Compensating)
            && (saga.Leaving is { } leaving
                ? facts.CanStillAccept(name, leaving.Next, saga.PastPivot || transition.Plan.State(leaving.Next).Pivot)
                    || (!saga.PastPivot && facts.CanStillAccept(name, transition.Plan.OnFailure, pastPivot: false))
                : facts.CanStillAccept(name, saga.State, saga.PastPivot));
    }

    private static Acceptance Accept(Transition transition, BufferedEvent arrived, bool wasBuffered)
    {
        foreach (var rule in Rules(transition).Where(rule => rule.Event == arrived.Event))
        {
            var scope = new SagaScope(transition.Plan, transition.Saga, transition.Now) { Event = arrived.Data };
            if (rule.When is { } guard)
            {
                var holds = guard.Evaluate(scope);
                if (holds.Kind != CelKind.Bool)
                {
                    return Decline(transition, arrived, wasBuffered, $"its guard `{guard}` cannot be evaluated: {Transition.Why(holds)}");
                }

                transition.Observer?.GuardEvaluated(guard, holds.AsBool());
                if (!holds.AsBool())
                {
                    continue;
                }
            }

            if (!Assignments.TryApply(rule.Set, scope, transition.Saga.Data, out var data, out var problem))
            {
                return Decline(transition, arrived, wasBuffered, $"what it sets cannot be evaluated: {problem}");
            }

            transition.Observer?.TransitionTaken(rule);

            transition.Note(HistoryKind.EventAccepted, detail: [("event", arrived.Event), ("next", rule.Next ?? transition.Saga.State)]);
            transition.Progress();
            if (!rule.Set.IsEmpty)
            {
                Interruption.Freeze(transition);
                transition.Saga = transition.Saga with { Data = data };
            }

            if (rule.Next is not { } next)
            {
                return Acceptance.Stayed;
            }

            transition.Move(next, transition.Plan.State(next).IsOffPath
                ? new Fault(arrived.Event, $"Event '{arrived.Event}' led from '{transition.Saga.State}' to '{next}'.", null, transition.Now)
                : null);
            return Acceptance.Moved;
        }

        var guards = Rules(transition).Where(rule => rule.Event == arrived.Event).Select(rule => $"`{rule.When}`");
        return Decline(transition, arrived, wasBuffered, $"{string.Join(", ", guards)} does not hold.");
    }

    // The sender is answered with the reason. The saga itself does not change.
    private static Acceptance Decline(Transition transition, BufferedEvent arrived, bool wasBuffered, string reason)
    {
        // A buffered event leaves the saga, which the history records. A new event has changed nothing.
        if (wasBuffered)
        {
            transition.Note(HistoryKind.EventDeclined, detail: [("event", arrived.Event), ("code", ErrorCodes.EventRefused)]);
        }

        var why = $"State '{transition.Saga.State}' of saga {transition.Saga.Facts.SagaId} does not accept this event '{arrived.Event}': "
            + reason;
        transition.Decline(new DeclinedEvent(arrived.Requester, arrived, ErrorCodes.EventRefused, why, IsDead: false));
        return Acceptance.Declined;
    }

    private static void Release(Transition transition, BufferedEvent kept, string code, string why, bool isDead)
    {
        transition.Saga = transition.Saga with { Early = transition.Saga.Early.Remove(kept) };
        transition.Note(HistoryKind.EventDeclined, detail: [("event", kept.Event), ("code", code)]);
        transition.Decline(new DeclinedEvent(kept.Requester, kept, code, why, isDead));
    }

    // As it is after the row is read again, so that decisions do not depend on a reload.
    private static CelValue AsStored(EventPlan? planned, CelValue data)
    {
        var ordered = StoredOrder.Of(data);
        return planned is not null && planned.Data.TryConvert(ordered, out var typed, out _) ? typed : ordered;
    }
}
