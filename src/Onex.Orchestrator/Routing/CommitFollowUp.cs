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
    /// <summary>Acts on a result.</summary>
    /// <param name="work">The saga.</param>
    /// <param name="result">The commit's result for it.</param>
    /// <param name="again">Receives the deliveries to be decided again.</param>
    /// <param name="cancellation">Ends the sending of answers.</param>
    public void Handle(SagaWork work, CommitResult result, List<Delivery> again, CancellationToken cancellation)
    {
        switch (result)
        {
            case CommitResult.Committed:
                Committed(work, again, cancellation);
                break;
            case CommitResult.DuplicateRequest known when IsAnother(work, known.Hash):
                RejectAll(work, start => EventDeclines.Differs(RequesterOf(start), known.SagaId), Disposition.DeadLetter, cancellation);
                break;
            case CommitResult.DuplicateRequest known:
                Join(work, known.SagaId, known.Source, isDuplicate: true, again, cancellation);
                break;
            case CommitResult.KeyTaken taken when IsJoining(work)
                && !RequestHash.Differ(taken.Hash, work.Saga!.Facts.Requester.RequestHash):
                Join(work, taken.SagaId, source: null, isDuplicate: false, again, cancellation);
                break;
            case CommitResult.KeyTaken taken:
                RejectAll(work, start => KeyTaken(work, start, taken.SagaId), Disposition.Discard, cancellation);
                break;
            case CommitResult.Invalid rejected:
                RejectedByDatabase(work, rejected, again);
                break;
            case CommitResult.DuplicateMessages known:
                cache.Evict(work.SagaId);
                DecideAgain(work, sent => known.MessageIds.Contains(sent.MessageId), again);
                break;
            default:
                // Stale: the row has changed. The sagas of its events are looked up again, because another orchestrator may have
                // delivered them to the saga.
                cache.Evict(work.SagaId);
                DecideAgain(work, _ => true, again);
                break;
        }
    }

    private void Committed(SagaWork work, List<Delivery> again, CancellationToken cancellation)
    {
        if (work.Saga is { } saga && work.Version > work.ReadVersion)
        {
            if (saga.EndedAt is null)
            {
                cache.Keep(new CachedSaga(saga, work.Version, work.Machine!, work.Weight) { Input = work.Input });
            }
            else
            {
                cache.Evict(work.SagaId);
            }

            Send(work);
            signals.Transitioned(saga);
            RouterLog.Transitioned(logger, saga);
            foreach (var decided in metrics is null ? [] : work.Decided)
            {
                if (decided.Decision is { Changed: true } decision)
                {
                    metrics!.Committed(decision, decided.Before);
                }
            }
        }

        // Sets the timer after a wake-up that changed nothing, too, because the queue has removed it. The sweep loads long timers shortly
        // before they are due.
        if (work.Saga is { } current)
        {
            var at = current.EndedAt is null && current.NextWakeupAt <= clock.Now + WakeupQueue.Near ? current.NextWakeupAt : null;
            wakeups.Set(work.SagaId, current.Facts.HomePartition, at);
        }

        foreach (var decided in work.Decided)
        {
            if (OutcomeOf(work, decided) is { } outcome)
            {
                outcomes.Report(decided.Delivery.Sink, outcome, cancellation);
            }
            else
            {
                again.Add(decided.Delivery.Unaddressed());
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

    // Returns null for an event whose saga has ended or was deleted since it was found: the event may be for another saga, or for none.
    private static DeliveryOutcome? OutcomeOf(SagaWork work, Decided decided)
    {
        switch (decided)
        {
            case { Outcome: DeliveryOutcome.Failed { Failure: var failure } }:
                return OutcomeOf(decided.Delivery, failure);
            case { Outcome: { } known }:
                return known;
            case { Delivery.Event: { } sent, Decision: null } when !work.HasSeen(sent.MessageId) && !work.IsUnreadable:
                return work.Saga is { EndedAt: null } saga
                    ? new DeliveryOutcome.Rejected(EventDeclines.NotAccepted(sent, work.SagaId, saga.State), Disposition.DeadLetter)
                    : null;
            default:
                return new DeliveryOutcome.Done(work.Saga is null ? null : work.SagaId, work.Saga, decided.Decision);
        }
    }

    // A failed request is rejected, so that its requester learns why; results and wake-ups have no requester.
    private static DeliveryOutcome OutcomeOf(Delivery delivery, HandlingFailure failure)
    {
        var requester = delivery.Event?.Requester
            ?? (delivery.Message as SagaStarted)?.Facts.Requester
            ?? (delivery.Message as RequestJoined)?.Waiter.Requester;
        return requester is null || failure.Code == ErrorCodes.PlanMissing
            ? new DeliveryOutcome.Failed(failure)
            : new DeliveryOutcome.Rejected(failure.ToRejection(requester), Disposition.DeadLetter);
    }

    // Removes the address of events that may have been seen: finding their saga again shows whether it has seen this event or another one
    // of the same identity.
    private static void DecideAgain(SagaWork work, Func<EventRequest, bool> mayBeSeen, List<Delivery> again)
    {
        foreach (var (delivery, _, _) in work.Decided)
        {
            if (!delivery.IsFromLedger)
            {
                again.Add((delivery.Event is { } sent && mayBeSeen(sent) ? delivery.Unaddressed() : delivery).Again());
            }
        }
    }

    // The saga of a start exists already and answers it. A redelivery of the record that started the saga gets no answer.
    private void Join(SagaWork work, SagaId sagaId, string? source, bool isDuplicate, List<Delivery> again, CancellationToken cancellation)
    {
        foreach (var (delivery, _, _) in work.Decided)
        {
            var started = (SagaStarted)delivery.Message;
            if (started.Facts.Requester.Source == source)
            {
                outcomes.Report(delivery.Sink, new DeliveryOutcome.Done(sagaId), cancellation);
            }
            else
            {
                again.Add((delivery with
                {
                    Message = KnownRequests.Joined(started.Facts.Requester, sagaId, isDuplicate, started.CancelledBeforeStart),
                }).Again());
            }
        }
    }

    private void RejectAll(SagaWork work, Func<Delivery, Rejection> reason, Disposition disposition, CancellationToken cancellation) =>
        work.Decided.ForEach(decided =>
            outcomes.Report(decided.Delivery.Sink, new DeliveryOutcome.Rejected(reason(decided.Delivery), disposition), cancellation));

    private static Rejection KeyTaken(SagaWork work, Delivery start, SagaId liveSagaId)
    {
        var live = $"A live saga of '{work.Machine!.Plan.Name}' ({liveSagaId}) has the business key '{work.Saga!.Facts.BusinessKey}'";
        var rejection = IsJoining(work)
            ? new Rejection(
                ErrorCodes.RequestDiffers,
                $"{live} and was started with another payload, so its end would not answer this request. "
                + "Wait for its end, use another key, or send the same payload.",
                RequesterOf(start))
            : new Rejection(
                ErrorCodes.KeyTaken, $"{live}. Wait for its end, or use another key.", RequesterOf(start));
        return rejection with { SagaId = liveSagaId };
    }

    private static bool IsJoining(SagaWork work) =>
        work is { Machine.Plan.OnDuplicate: DuplicatePolicy.Join, Saga.Facts.Requester.Silent: false };

    // Requests that Onex makes itself, for a repeated step or a schedule's time, are identified without their content.
    private static bool IsAnother(SagaWork work, Guid? known) =>
        work.Saga?.Facts.Requester is { Parent: null, Silent: false } requester && RequestHash.Differ(known, requester.RequestHash);

    private static Requester RequesterOf(Delivery start) => ((SagaStarted)start.Message).Facts.Requester;

    // The database rejects a value. A result becomes a rejected step; any other message fails, after it has blocked its saga if Onex itself
    // sent it.
    private void RejectedByDatabase(SagaWork work, CommitResult.Invalid rejected, List<Delivery> again)
    {
        cache.Evict(work.SagaId);
        var reason = $"The database rejects a value ({rejected.SqlState}): {rejected.Reason}";
        foreach (var (delivery, _, outcome) in work.Decided)
        {
            if (delivery is { IsRejectedByDatabase: false, Message: StepResultArrived result })
            {
                again.Add(delivery.Again() with
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
                continue;
            }

            Log.MessageNotStored(logger, work.SagaId, reason);
            var failure = new HandlingFailure(ErrorCodes.HandlingFailed, reason, IsFinal: true) { ErrorType = "DataRefused" };
            if (
                outcome is not DeliveryOutcome.Failed
                    && !delivery.IsFromLedger
                    && delivery.Message is StepResultArrived or TimerFired or ResendRequested)
            {
                again.Add(delivery with { Failure = failure });
            }
            else
            {
                outcomes.Report(delivery.Sink, OutcomeOf(delivery, failure), CancellationToken.None);
            }
        }
    }
}
