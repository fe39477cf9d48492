using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>Events (docs/contract-language.md#events): accepted, buffered for a state that accepts them, or declined.</summary>
internal static class Events
{
    // An event whose `early` is longer is buffered for that time.
    private static readonly TimeSpan _bufferedFor = Outstanding.LifeTime;

    private enum Acceptance
    {
        /// <summary>No guard held, or an expression of a rule could not be evaluated. The event has no effect.</summary>
        Declined,

        /// <summary>The saga stays in its state.</summary>
        Stayed,

        /// <summary>The saga left its state.</summary>
        LeftState,
    }

    public static bool Decide(DecisionBuilder decision, ExternalEvent external)
    {
        var saga = decision.Saga;
        var declared = decision.Plan.Events.GetValueOrDefault(external.Event);
        var bufferedFor = declared?.Early > _bufferedFor ? declared.Early.Value : _bufferedFor;
        var arrived = new BufferedEvent(
            external.Requester.RequestId, external.Event, AsStored(declared, external.Data), external.Requester, decision.Now,
            Times.After(decision.Now, bufferedFor));
        if (saga.BufferedEvents.Any(buffered => buffered.MessageId == arrived.MessageId))
        {
            return false;
        }

        if (AcceptsEvents(decision) && HasRule(decision, arrived.Event))
        {
            if (Accept(decision, arrived, wasBuffered: false) == Acceptance.Declined)
            {
                return false;
            }

            decision.RecordSeen(arrived.MessageId);
            return true;
        }

        if (!CanStillAccept(decision, arrived.Event))
        {
            var why = saga.EndedAt is null
                ? $"Saga {saga.Facts.SagaId} is in state '{saga.State}': neither this state nor any that it can still reach accepts the "
                    + $"event '{arrived.Event}'."
                : $"Saga {saga.Facts.SagaId} has ended in '{saga.State}'.";
            decision.Decline(new DeclinedEvent(arrived.Requester, arrived, ErrorCodes.EventUnwanted, why, BecomesDeadLetter: true));
            return false;
        }

        if (saga.BufferedEvents.Length >= decision.Plan.BufferedEventsMax)
        {
            decision.Decline(new DeclinedEvent(
                arrived.Requester, arrived, ErrorCodes.EventsTooMany,
                $"Saga {saga.Facts.SagaId} buffers {Plural.Format(saga.BufferedEvents.Length, "event")} already that its state "
                    + $"'{saga.State}' does not accept. Send it again when the saga has reached another state.",
                BecomesDeadLetter: false));
            return false;
        }

        decision.Saga = saga with { BufferedEvents = saga.BufferedEvents.Add(arrived) };
        decision.RecordSeen(arrived.MessageId);
        decision.Note(HistoryKind.EventBuffered, detail: [("event", arrived.Event), ("until", arrived.ExpiresAt)]);
        return true;
    }

    /// <summary>Declines buffered events that have expired.</summary>
    public static void DeclineExpired(DecisionBuilder decision)
    {
        foreach (var buffered in decision.Saga.BufferedEvents.Where(buffered => buffered.ExpiresAt <= decision.Now))
        {
            DeclineBuffered(
                decision, buffered, ErrorCodes.EventExpired,
                $"No state of saga {decision.Saga.Facts.SagaId} accepted the event '{buffered.Event}' before "
                    + $"{TimeText.Format(buffered.ExpiresAt)}.");
        }
    }

    /// <summary>
    /// Handles the buffered events that the current state accepts, oldest first. True if one of them led to another state.
    /// </summary>
    public static bool AcceptBuffered(DecisionBuilder decision)
    {
        while (!decision.Saga.BufferedEvents.IsEmpty
            && AcceptsEvents(decision)
            && decision.Saga.BufferedEvents.FirstOrDefault(candidate => HasRule(decision, candidate.Event)) is { } buffered)
        {
            decision.Saga = decision.Saga with { BufferedEvents = decision.Saga.BufferedEvents.Remove(buffered) };
            if (Accept(decision, buffered, wasBuffered: true) == Acceptance.LeftState)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Handles the buffered events that this state and the states to which they lead accept. Declines the others if the saga has ended.
    /// </summary>
    public static void HandleBuffered(DecisionBuilder decision)
    {
        while (AcceptBuffered(decision))
        {
            // The next state may accept another buffered event.
        }

        if (decision.Saga.EndedAt is null)
        {
            return;
        }

        foreach (var buffered in decision.Saga.BufferedEvents)
        {
            DeclineBuffered(
                decision, buffered, ErrorCodes.EventUnclaimed,
                $"Saga {decision.Saga.Facts.SagaId} ended in '{decision.Saga.State}' without accepting the event '{buffered.Event}'.");
        }
    }

    /// <summary>The names of the events for which the current state has a rule.</summary>
    public static ImmutableArray<string> AcceptedEvents(DecisionBuilder decision) =>
        [.. Rules(decision).Select(rule => rule.Event).Distinct(StringComparer.Ordinal)];

    // The state's own rules come first. Those of `any_state` apply only before the pivot.
    private static IEnumerable<EventRule> Rules(DecisionBuilder decision) =>
        decision.State.OnEvent.Concat(decision.Saga.PastPivot ? [] : decision.Plan.AnyState);

    private static bool HasRule(DecisionBuilder decision, string name) => Rules(decision).Any(rule => rule.Event == name);

    private static bool AcceptsEvents(DecisionBuilder decision) => decision.Saga.TimersRun && decision.State.Kind == StateKind.Ordinary;

    private static bool CanStillAccept(DecisionBuilder decision, string name)
    {
        var (saga, facts) = (decision.Saga, decision.Facts);
        if (saga.EndedAt is not null || (saga.CancelledBy is not null && decision.State.Kind == StateKind.Compensating))
        {
            return false;
        }

        if (saga.Leaving is not { } leaving)
        {
            return facts.CanStillAccept(name, saga.State, saga.PastPivot);
        }

        // If the next state turns out to be an end without a valid output, the saga goes to `on_failure`.
        return facts.CanStillAccept(name, leaving.Next, saga.PastPivot || decision.Plan.State(leaving.Next).Pivot)
            || (!saga.PastPivot && facts.CanStillAccept(name, decision.Plan.OnFailure, pastPivot: false));
    }

    private static Acceptance Accept(DecisionBuilder decision, BufferedEvent arrived, bool wasBuffered)
    {
        foreach (var rule in Rules(decision).Where(rule => rule.Event == arrived.Event))
        {
            var scope = new SagaScope(decision.Plan, decision.Saga, decision.Now) { Event = arrived.Data };
            if (rule.When is { } guard)
            {
                var holds = guard.Evaluate(scope);
                if (holds.Kind != CelKind.Bool)
                {
                    return Decline(
                        decision, arrived, wasBuffered, $"its guard `{guard}` cannot be evaluated: {SagaScope.WhyNoBool(holds)}");
                }

                decision.Observer?.GuardEvaluated(guard, holds.AsBool());
                if (!holds.AsBool())
                {
                    continue;
                }
            }

            if (!Assignments.TryApply(rule.Set, scope, decision.Saga.Data, out var data, out var problem))
            {
                return Decline(decision, arrived, wasBuffered, $"what it sets cannot be evaluated: {problem}");
            }

            decision.Observer?.TransitionTaken(rule);

            decision.Note(HistoryKind.EventAccepted, detail: [("event", arrived.Event), ("next", rule.Next ?? decision.Saga.State)]);
            decision.ResetIdleEntries();
            if (!rule.Set.IsEmpty)
            {
                Interruption.FreezeArguments(decision);
                decision.Saga = decision.Saga with { Data = data };
            }

            if (rule.Next is not { } next)
            {
                return Acceptance.Stayed;
            }

            Flow.Transition(decision, next, decision.Plan.State(next).IsOffPath
                ? new Fault(arrived.Event, $"Event '{arrived.Event}' led from '{decision.Saga.State}' to '{next}'.", null, decision.Now)
                : null);
            return Acceptance.LeftState;
        }

        var guards = Rules(decision).Where(rule => rule.Event == arrived.Event).Select(rule => $"`{rule.When}`");
        return Decline(decision, arrived, wasBuffered, $"{string.Join(", ", guards)} does not hold.");
    }

    // The sender is answered with the reason. No rule of the event is applied.
    private static Acceptance Decline(DecisionBuilder decision, BufferedEvent arrived, bool wasBuffered, string reason)
    {
        // A buffered event leaves the saga, which the history records. A new event has changed nothing.
        if (wasBuffered)
        {
            decision.Note(HistoryKind.EventDeclined, detail: [("event", arrived.Event), ("code", ErrorCodes.EventRefused)]);
        }

        var why = $"State '{decision.Saga.State}' of saga {decision.Saga.Facts.SagaId} does not accept this event '{arrived.Event}': "
            + reason;
        decision.Decline(new DeclinedEvent(arrived.Requester, arrived, ErrorCodes.EventRefused, why, BecomesDeadLetter: false));
        return Acceptance.Declined;
    }

    private static void DeclineBuffered(DecisionBuilder decision, BufferedEvent buffered, string code, string why)
    {
        decision.Saga = decision.Saga with { BufferedEvents = decision.Saga.BufferedEvents.Remove(buffered) };
        decision.Note(HistoryKind.EventDeclined, detail: [("event", buffered.Event), ("code", code)]);
        decision.Decline(new DeclinedEvent(buffered.Requester, buffered, code, why, BecomesDeadLetter: true));
    }

    // The payload as it is after the row is read again, so that decisions do not depend on a reload.
    private static CelValue AsStored(EventPlan? declared, CelValue data)
    {
        var ordered = StoredOrder.Sort(data);
        return declared is not null && declared.Data.TryConvert(ordered, out var typed, out _) ? typed : ordered;
    }
}
