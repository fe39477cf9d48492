using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Decides on deliveries: passes each to the state machine of its saga's plan and adds the decision to the saga's work. If one fails, the
/// others do not.
/// </summary>
internal sealed class SagaDecider(MessageWriter messages, ILogger<SagaDecider> logger)
{
    /// <summary>Decides on a delivery, and adds it to <see cref="SagaWork.DecidedDeliveries"/>.</summary>
    public void Decide(SagaWork work, Delivery delivery, DateTimeOffset now)
    {
        DecidedDelivery decided;
        try
        {
            if (delivery.Failure is { } known)
            {
                Log.MessageNotHandled(logger, work.SagaId, known.Reason);
                decided = Block(work, delivery, known, now);
            }
            else if (work.UnreadableRow is { } unreadable)
            {
                decided = Failed(delivery, ErrorCodes.SagaUnreadable, $"Saga {work.SagaId} is blocked. {unreadable.Reason}");
                work.BlockUnreadable(delivery.Message.CausedBy, now);
            }
            else if (work.Machine is { } machine && (work.Saga is not null || delivery.Message is SagaStarted))
            {
                decided = Decide(work, machine, delivery, now);
            }
            else
            {
                decided = work.ReadVersion > 0
                    ? Failed(
                        delivery, ErrorCodes.PlanMissing, $"The contract version of saga {work.SagaId} is not registered here.")
                    : new DecidedDelivery(delivery);
            }
        }
        catch (Exception failure) when (MemoryShortage.Is(failure))
        {
            throw;
        }
#pragma warning disable CA1031 // One message that cannot be decided must not stop the others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.HandlingThrew(logger, work.SagaId, failure);
            decided = Block(work, delivery, HandlingFailure.From(failure), now);
        }

        work.DecidedDeliveries.Add(decided);
    }

    private DecidedDelivery Decide(SagaWork work, PlanMachine machine, Delivery delivery, DateTimeOffset now)
    {
        var message = delivery.Message;
        if (delivery.Event is { } sent)
        {
            // Not null if the saga has handled or buffered an event of the same identity in this round.
            if (work.FindSeen(sent.MessageId) is { } seen)
            {
                return RequestHash.Differ(seen.Hash, sent.Requester.RequestHash)
                    ? Rejected(delivery, RequestRejections.Differs(sent.Requester, work.SagaId))
                    : new DecidedDelivery(delivery);
            }

            var (@event, mismatch) = sent.For(machine.Plan, work.SagaId);
            if (@event is null)
            {
                return Rejected(delivery, mismatch!);
            }

            message = @event;
        }

        var before = work.Saga;
        var decision = machine.Decide(before, message, now);
        if (decision is { Changed: true })
        {
            work.Apply(decision, message, messages);
        }

        DeliveryOutcome? outcome = null;
        if (delivery.Event is { } request
            && decision?.Declined.FirstOrDefault(candidate => candidate.Event.MessageId == request.MessageId) is { } declined)
        {
            var disposition = declined.BecomesDeadLetter ? Disposition.DeadLetter : Disposition.Discard;
            outcome = new DeliveryOutcome.Rejected(declined.ToRejection(work.SagaId), disposition, IsAnswered: decision.Changed);
        }

        return new DecidedDelivery(delivery, decision, outcome) { SagaBefore = before };
    }

    // A message that Onex itself sends (a result, a wake-up, a resend request) would come again and again, so the saga is blocked with the
    // reason. Any other message fails for its sender and changes nothing.
    private DecidedDelivery Block(SagaWork work, Delivery delivery, HandlingFailure failure, DateTimeOffset now)
    {
        var decided = new DecidedDelivery(delivery, null, new DeliveryOutcome.Failed(failure));
        if (delivery.Message is not (StepResultArrived or TimerFired or ResendRequested)
            || work is not { Saga: { } saga, Machine: { } machine })
        {
            return decided;
        }

        try
        {
            var reason = $"A message for it ({delivery.Message.GetType().Name}) cannot be handled: {failure.Reason} "
                + "'retry' lets it continue.";
            if (SagaEngine.Block(machine.Plan, saga, reason, now) is { Changed: true } decision)
            {
                work.Apply(decision, delivery.Message, messages);
            }
        }
#pragma warning disable CA1031 // A saga that cannot even be blocked must not stop the others.
        catch (Exception second) when (!MemoryShortage.Is(second))
#pragma warning restore CA1031
        {
            Log.SagaNotBlocked(logger, work.SagaId, second);
        }

        return decided;
    }

    private static DecidedDelivery Rejected(Delivery delivery, Rejection rejection) =>
        new(delivery, null, new DeliveryOutcome.Rejected(rejection, Disposition.DeadLetter));

    private static DecidedDelivery Failed(Delivery delivery, string code, string reason) =>
        new(delivery, null, new DeliveryOutcome.Failed(new HandlingFailure(code, reason)));
}
