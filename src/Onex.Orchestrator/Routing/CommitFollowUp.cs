using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Acts on the commit's result for one saga: caches it, sends its messages, sets its timer and reports the outcome of each delivery, or
/// returns the deliveries to be decided again.
/// </summary>
internal sealed class CommitFollowUp(
    SagaCache cache,
    OutgoingSender sender,
    WakeupQueue wakeups,
    SagaSignals signals,
    OutcomeReporter outcomes,
    DatabaseClock clock,
    ILogger<CommitFollowUp> logger,
    SagaMetrics? metrics = null)
{
    /// <summary>Acts on the result. Adds deliveries that must be decided again to <paramref name="undecided"/>.</summary>
    public void Handle(SagaWork work, CommitResult result, List<Delivery> undecided, CancellationToken cancellation)
    {
        switch (result)
        {
            case CommitResult.Committed:
                Committed(work, undecided, cancellation);
                break;
            case CommitResult.DuplicateRequest known when IsOtherRequest(work, known.Hash):
                RejectAll(work, start => RequestRejections.Differs(RequesterOf(start), known.SagaId), Disposition.DeadLetter, cancellation);
                break;
            case CommitResult.DuplicateRequest known:
                Join(work, known.SagaId, known.Source, isDuplicate: true, undecided, cancellation);
                break;
            case CommitResult.KeyTaken taken when MayJoin(work)
                && !RequestHash.Differ(taken.Hash, work.Saga!.Facts.Requester.RequestHash):
                Join(work, taken.SagaId, source: null, isDuplicate: false, undecided, cancellation);
                break;
            case CommitResult.KeyTaken taken:
                RejectAll(work, start => KeyTaken(work, start, taken.SagaId), Disposition.Discard, cancellation);
                break;
            case CommitResult.Invalid rejected:
                RejectedByDatabase(work, rejected, undecided);
                break;
            case CommitResult.DuplicateMessages known:
                cache.Evict(work.SagaId);
                DecideAgain(work, sent => known.MessageIds.Contains(sent.MessageId), undecided);
                break;
            default:
                // Stale: the row has changed since it was read, usually by another orchestrator. The sagas of the events are looked up
                // again, because that orchestrator may have handled them already.
                cache.Evict(work.SagaId);
                DecideAgain(work, _ => true, undecided);
                break;
        }
    }

    private void Committed(SagaWork work, List<Delivery> undecided, CancellationToken cancellation)
    {
        if (work.Saga is { } saga && work.Version > work.ReadVersion)
        {
            if (saga.EndedAt is null)
            {
                cache.Set(new CachedSaga(saga, work.Version, work.Machine!, work.Weight) { InputWeight = work.InputWeight });
            }
            else
            {
                cache.Evict(work.SagaId);
            }

            Send(work);
            signals.Signal(saga);
            RouterLog.Transitioned(logger, saga);
            foreach (var decided in metrics is null ? [] : work.DecidedDeliveries)
            {
                if (decided.Decision is { Changed: true } decision)
                {
                    metrics!.Committed(decision, decided.SagaBefore);
                }
            }
        }

        // Sets the timer even if nothing has changed, because a wake-up has removed it from the queue. Long timers are not queued: the
        // sweep loads them shortly before they are due.
        if (work.Saga is { } current)
        {
            var at = current.EndedAt is null && current.NextWakeupAt <= clock.Now + WakeupQueue.QueuedMax ? current.NextWakeupAt : null;
            wakeups.Set(work.SagaId, current.Facts.HomePartition, at);
        }

        foreach (var decided in work.DecidedDeliveries)
        {
            if (OutcomeOf(work, decided) is { } outcome)
            {
                outcomes.Report(decided.Delivery.Sink, outcome, cancellation);
            }
            else
            {
                undecided.Add(decided.Delivery.WithoutAddress());
            }
        }
    }

    // The spans of sent messages are children of the transition's span.
    private void Send(SagaWork work)
    {
        if (TransitionSpans.Start(work) is not { } span)
        {
            sender.Send(work.SagaId, work.Outgoing);
            return;
        }

        var current = Activity.Current;
        Activity.Current = span;
        sender.Send(work.SagaId, work.Outgoing);
        span.Stop();
        Activity.Current = current;
    }

    // Null for an event whose saga has ended or was deleted since the lookup. The lookup is repeated: there may be another saga.
    private static DeliveryOutcome? OutcomeOf(SagaWork work, DecidedDelivery decided)
    {
        switch (decided)
        {
            case { Outcome: DeliveryOutcome.Failed { Failure: var failure } }:
                return OutcomeOf(decided.Delivery, failure);
            case { Outcome: { } known }:
                return known;
            case { Delivery.Event: { } sent, Decision: null } when !work.HasSeen(sent.MessageId) && !work.IsUnreadable:
                return null;
            default:
                return new DeliveryOutcome.Done(work.Saga is null ? null : work.SagaId, work.Saga, decided.Decision);
        }
    }

    // A requester gets a rejection, unless only the plan is missing: the dead letter can be redriven when the plan is registered.
    private static DeliveryOutcome OutcomeOf(Delivery delivery, HandlingFailure failure)
    {
        var requester = delivery.Event?.Requester
            ?? (delivery.Message as SagaStarted)?.Facts.Requester
            ?? (delivery.Message as RequestJoined)?.Waiter.Requester;
        return requester is null || failure.Code == ErrorCodes.PlanMissing
            ? new DeliveryOutcome.Failed(failure)
            : new DeliveryOutcome.Rejected(failure.ToRejection(requester), Disposition.DeadLetter);
    }

    // Removes the address of events that may have been seen, so that their saga is looked up again. The lookup shows whether the saga has
    // seen this event, or another one of the same identity. Outcomes from the ledger are left out, because their wake-up finds them again.
    private static void DecideAgain(SagaWork work, Func<EventRequest, bool> mayBeSeen, List<Delivery> undecided)
    {
        foreach (var (delivery, _, _) in work.DecidedDeliveries)
        {
            if (!delivery.IsFromLedger)
            {
                var retried = delivery.Event is { } sent && mayBeSeen(sent) ? delivery.WithoutAddress() : delivery;
                undecided.Add(retried.ToDecideAgain());
            }
        }
    }

    // The saga that the delivery would start exists already, and answers the request. A redelivery of the record that started the saga
    // gets no second answer.
    private void Join(
        SagaWork work, SagaId sagaId, string? source, bool isDuplicate, List<Delivery> undecided, CancellationToken cancellation)
    {
        foreach (var (delivery, _, _) in work.DecidedDeliveries)
        {
            var started = (SagaStarted)delivery.Message;
            if (started.Facts.Requester.Source == source)
            {
                outcomes.Report(delivery.Sink, new DeliveryOutcome.Done(sagaId), cancellation);
            }
            else
            {
                var joined = KnownRequests.CreateJoined(started.Facts.Requester, sagaId, isDuplicate, started.CancelledBeforeStart);
                undecided.Add((delivery with { Message = joined }).ToDecideAgain());
            }
        }
    }

    private void RejectAll(SagaWork work, Func<Delivery, Rejection> reason, Disposition disposition, CancellationToken cancellation) =>
        work.DecidedDeliveries.ForEach(decided =>
            outcomes.Report(decided.Delivery.Sink, new DeliveryOutcome.Rejected(reason(decided.Delivery), disposition), cancellation));

    private static Rejection KeyTaken(SagaWork work, Delivery start, SagaId liveSagaId) => MayJoin(work)
        ? RequestRejections.KeyTakenWithOtherPayload(work.Saga!.Facts, RequesterOf(start), liveSagaId)
        : RequestRejections.KeyTaken(work.Saga!.Facts, RequesterOf(start), liveSagaId);

    private static bool MayJoin(SagaWork work) =>
        work is { Machine.Plan.OnDuplicate: DuplicatePolicy.Join, Saga.Facts.Requester.Silent: false };

    // Requests that Onex itself makes, for a child saga or a schedule, are identified without their content.
    private static bool IsOtherRequest(SagaWork work, Guid? known) =>
        work.Saga?.Facts.Requester is { Parent: null, Silent: false } requester && RequestHash.Differ(known, requester.RequestHash);

    private static Requester RequesterOf(Delivery start) => ((SagaStarted)start.Message).Facts.Requester;

    // The database rejects a value. Of several deliveries each is tried alone, because only one may have that value. A result becomes a
    // rejection of its step. If the database does not accept that either, or the message is a wake-up or a resend request, the saga is
    // blocked. Any other message fails, or is rejected if it has a requester.
    private void RejectedByDatabase(SagaWork work, CommitResult.Invalid rejected, List<Delivery> undecided)
    {
        cache.Evict(work.SagaId);

        // An outcome of the ledger that changes nothing has no value that the database could reject, and nobody waits for it.
        var suspects = work.DecidedDeliveries.FindAll(
            decided => !decided.Delivery.IsFromLedger || decided is { Decision.Changed: true } or { Outcome: not null });
        if (suspects is not [var (delivery, _, outcome)])
        {
            // A wake-up that is alone already would find the same outcomes in the ledger again. Their commits set the timer.
            undecided.AddRange(suspects
                .Where(decided => decided.Delivery is not { IsAlone: true, Message: TimerFired })
                .Select(decided => decided.Delivery.ToDecideAgain() with { IsAlone = true }));
            return;
        }

        var reason = $"The database rejects a value ({rejected.SqlState}): {rejected.Reason}";
        if (delivery is { IsRejectedByDatabase: false, Message: StepResultArrived result })
        {
            undecided.Add(delivery.ToDecideAgain() with
            {
                IsRejectedByDatabase = true,
                Message = result with
                {
                    Outcome = StepOutcome.Rejected,
                    Result = null,
                    Code = StepCodes.ResultInvalid,
                    Message = reason,
                },
            });
            return;
        }

        Log.MessageNotStored(logger, work.SagaId, reason);
        var failure = new HandlingFailure(ErrorCodes.HandlingFailed, reason, IsFinal: true) { ErrorType = "DataRefused" };
        if (outcome is not DeliveryOutcome.Failed && delivery.Message is StepResultArrived or TimerFired or ResendRequested)
        {
            undecided.Add(delivery with { Failure = failure });
        }
        else
        {
            outcomes.Report(delivery.Sink, OutcomeOf(delivery, failure), CancellationToken.None);
        }
    }
}
