using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>Events (docs/contract-language.md#events): accepted, buffered for a state that accepts them, or declined.</summary>
internal static class Events
{
    // Longer than any `early`, as long as a command may live.
    private static readonly TimeSpan _keptFor = TimeSpan.FromDays(14);

    private enum Taking
    {
        /// <summary>No guard held, or an expression of the event could not be evaluated: nothing has changed.</summary>
        Refused,

        /// <summary>The saga stays where it is.</summary>
        Stayed,

        /// <summary>It went elsewhere.</summary>
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

        if (CanTake(transition) && HasRule(transition, arrived.Event))
        {
            if (Take(transition, arrived, wasKept: false) == Taking.Refused)
            {
                return false;
            }

            transition.See(arrived.MessageId);
            return true;
        }

        if (!CanWant(transition, arrived.Event))
        {
            var why = saga.EndedAt is null
                ? $"Saga {saga.Facts.SagaId} is in state '{saga.State}': neither that nor any state that it can still reach wants the event '{arrived.Event}'."
                : $"Saga {saga.Facts.SagaId} has ended in '{saga.State}'.";
            transition.Refuse(new DeclinedEvent(arrived.Requester, arrived, ErrorCodes.EventUnwanted, why, IsDead: true));
            return false;
        }

        if (saga.Early.Length >= transition.Plan.BufferedEventsMax)
        {
            transition.Refuse(new DeclinedEvent(
                arrived.Requester, arrived, ErrorCodes.EventsTooMany,
                $"Saga {saga.Facts.SagaId} keeps {Plural.Format(saga.Early.Length, "event")} already, none of which its state '{saga.State}' wants. Send it again when the saga has gone on.",
                IsDead: false));
            return false;
        }

        transition.Saga = saga with { Early = saga.Early.Add(arrived) };
        transition.See(arrived.MessageId);
        transition.Note(HistoryKinds.EventKept, detail: [("event", arrived.Event), ("until", arrived.ExpiresAt)]);
        return true;
    }

    /// <summary>Lets go of kept events whose time is over.</summary>
    public static void Expire(Transition transition)
    {
        foreach (var kept in transition.Saga.Early.Where(kept => kept.ExpiresAt <= transition.Now))
        {
            Release(
                transition, kept, ErrorCodes.EventExpired,
                $"No state of saga {transition.Saga.Facts.SagaId} came to want the event '{kept.Event}' before {kept.ExpiresAt:u}.", isDead: true);
        }
    }

    /// <summary>Gives the state that was entered the kept events that it wants, oldest first. True if one of them led on.</summary>
    public static bool TakeKept(Transition transition)
    {
        while (CanTake(transition) && transition.Saga.Early.FirstOrDefault(kept => HasRule(transition, kept.Event)) is { } kept)
        {
            transition.Saga = transition.Saga with { Early = transition.Saga.Early.Remove(kept) };
            if (Take(transition, kept, wasKept: true) == Taking.Moved)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>At the end of a decision: a saga that goes on after a stop takes what it kept; one that has ended lets go of it.</summary>
    public static void Settle(Transition transition)
    {
        while (TakeKept(transition))
        {
            // The state that it led to may want another one.
        }

        if (transition.Saga.EndedAt is null)
        {
            return;
        }

        foreach (var kept in transition.Saga.Early)
        {
            Release(
                transition, kept, ErrorCodes.EventUnclaimed,
                $"Saga {transition.Saga.Facts.SagaId} ended in '{transition.Saga.State}' without wanting the event '{kept.Event}'.", isDead: true);
        }
    }

    /// <summary>The events that the state wants now, by name.</summary>
    public static ImmutableArray<string> Wanted(Transition transition) => [.. Rules(transition).Select(rule => rule.Event).Distinct(StringComparer.Ordinal)];

    // The state's own rules first; those of any state only before the pivot.
    private static IEnumerable<EventRule> Rules(Transition transition) =>
        transition.State.OnEvent.Concat(transition.Saga.PastPivot ? [] : transition.Plan.AnyState);

    private static bool HasRule(Transition transition, string name) => Rules(transition).Any(rule => rule.Event == name);

    private static bool CanTake(Transition transition) => transition.Saga.TimersRun && transition.State.Kind == StateKind.Ordinary;

    private static bool CanWant(Transition transition, string name)
    {
        var (saga, facts) = (transition.Saga, transition.Facts);
        return saga.EndedAt is null
            && !(saga.CancelledBy is not null && transition.State.Kind == StateKind.Compensating)
            && (saga.Leaving is { } leaving
                ? facts.CanWant(name, leaving.Next, saga.PastPivot || transition.Plan.State(leaving.Next).Pivot)
                    || (!saga.PastPivot && facts.CanWant(name, transition.Plan.OnFailure, pastPivot: false))
                : facts.CanWant(name, saga.State, saga.PastPivot));
    }

    private static Taking Take(Transition transition, BufferedEvent arrived, bool wasKept)
    {
        foreach (var rule in Rules(transition).Where(rule => rule.Event == arrived.Event))
        {
            var scope = new SagaScope(transition.Plan, transition.Saga, transition.Now) { Event = arrived.Data };
            if (rule.When is { } guard)
            {
                var holds = guard.Evaluate(scope);
                if (holds.Kind != CelKind.Bool)
                {
                    return Decline(transition, arrived, wasKept, $"its guard `{guard}` cannot be evaluated: {Transition.Why(holds)}");
                }

                transition.Observer?.GuardEvaluated(guard, holds.AsBool());
                if (!holds.AsBool())
                {
                    continue;
                }
            }

            if (!Assignments.TryApply(rule.Set, scope, transition.Saga.Data, out var data, out var problem))
            {
                return Decline(transition, arrived, wasKept, $"what it sets cannot be evaluated: {problem}");
            }

            transition.Observer?.TransitionTaken(rule);

            transition.Note(HistoryKinds.EventTaken, detail: [("event", arrived.Event), ("next", rule.Next ?? transition.Saga.State)]);
            transition.Progress();
            if (!rule.Set.IsEmpty)
            {
                Interruption.Freeze(transition);
                transition.Saga = transition.Saga with { Data = data };
            }

            if (rule.Next is not { } next)
            {
                return Taking.Stayed;
            }

            transition.Move(next, transition.Plan.State(next).IsOffPath
                ? new Fault(arrived.Event, $"Event '{arrived.Event}' led from '{transition.Saga.State}' to '{next}'.", null, transition.Now)
                : null);
            return Taking.Moved;
        }

        var guards = Rules(transition).Where(rule => rule.Event == arrived.Event).Select(rule => $"`{rule.When}`");
        return Decline(transition, arrived, wasKept, $"{string.Join(", ", guards)} does not hold.");
    }

    // Whatever an event cannot do is told to its sender. The saga has done nothing wrong, so nothing of it changes.
    private static Taking Decline(Transition transition, BufferedEvent arrived, bool wasKept, string reason)
    {
        // One that was kept leaves the saga, which its story must tell; one that has just come has changed nothing.
        if (wasKept)
        {
            transition.Note(HistoryKinds.EventRefused, detail: [("event", arrived.Event), ("code", ErrorCodes.EventRefused)]);
        }

        var why = $"State '{transition.Saga.State}' of saga {transition.Saga.Facts.SagaId} does not take the event '{arrived.Event}' as it is: {reason}";
        transition.Refuse(new DeclinedEvent(arrived.Requester, arrived, ErrorCodes.EventRefused, why, IsDead: false));
        return Taking.Refused;
    }

    private static void Release(Transition transition, BufferedEvent kept, string code, string why, bool isDead)
    {
        transition.Saga = transition.Saga with { Early = transition.Saga.Early.Remove(kept) };
        transition.Note(HistoryKinds.EventRefused, detail: [("event", kept.Event), ("code", code)]);
        transition.Refuse(new DeclinedEvent(kept.Requester, kept, code, why, isDead));
    }

    // As it will be when the row is read again, so that nothing depends on whether it was.
    private static CelValue AsStored(EventPlan? planned, CelValue data)
    {
        var ordered = StoredOrder.Of(data);
        return planned is not null && planned.Data.TryConvert(ordered, out var typed, out _) ? typed : ordered;
    }
}
