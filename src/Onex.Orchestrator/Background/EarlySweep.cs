using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Delivers early events to their saga once it has started, and rejects those that have expired. A row is deleted only once the outcome of
/// its event is durable, so that no event is lost if the orchestrator dies in between. Another orchestrator may repeat the work without
/// harm: a saga that has seen the event ignores it, and answers have the same ids and the same bytes.
/// </summary>
internal sealed class EarlySweep(
    SagaRouter router,
    IEarlyEvents early,
    RejectionSender rejections,
    MessageWriter messages,
    IDeadLetterIndex deadLetters,
    ILogger<EarlySweep> logger)
{
    private const int BatchSizeMax = 500;

    // Events that cannot be read: each is read and logged once, so that however many there are, the batches have readable ones too.
    private readonly HashSet<MessageId> _unreadable = [];

    // The number of events per batch, halved when there is not enough memory and doubled after each success.
    private int _batchSize = BatchSizeMax;

    public async Task SweepAsync(CancellationToken cancellation)
    {
        try
        {
            await SweepOnceAsync(cancellation);
            _batchSize = Math.Min(BatchSizeMax, _batchSize * 2);
        }
        catch (Exception failure) when (MemoryShortage.Is(failure))
        {
            _batchSize = Math.Max(1, _batchSize / 2);
            MemoryShortage.Relieve();
            throw;
        }
    }

    private async Task SweepOnceAsync(CancellationToken cancellation)
    {
        var rows = await early.DueEarlyAsync(_unreadable, _batchSize, cancellation);
        var due = rows.Select(row => (row.Event, row.SagaId, Request: Read(row.Event)!)).Where(entry => entry.Request is not null)
            .ToList();
        if (due.Count == 0)
        {
            return;
        }

        foreach (var (expired, _, request) in due.Where(entry => entry.SagaId is null))
        {
            var rejection = EventDeclines.Expired(request, expired.ReceivedAt, expired.ExpiresAt);
            await RejectAsync(expired, request, rejection, Disposition.DeadLetter, expired.ExpiresAt, cancellation);
        }

        due.RemoveAll(entry => entry.SagaId is null);
        await DeliverAsync(due, cancellation);

        // The store does not delete events that their saga has buffered in the meantime.
        await early.RemoveEarlyAsync([.. due.Select(entry => entry.Event.MessageId)], cancellation);
    }

    // A row that cannot be read stays stored and does not stop the others.
    private EventRequest? Read(EarlyEvent row)
    {
        try
        {
            return EarlyEventRows.ToRequest(row);
        }
#pragma warning disable CA1031 // A row that cannot be read concerns no other row.
        catch (Exception failure) when (!MemoryShortage.Is(failure))
#pragma warning restore CA1031
        {
            _unreadable.Add(row.MessageId);
            Log.EarlyEventUnreadable(logger, row.MessageId, row.Contract, failure);
            return null;
        }
    }

    private async Task DeliverAsync(
        IReadOnlyList<(EarlyEvent Event, SagaId? SagaId, EventRequest Request)> due, CancellationToken cancellation)
    {
        var deliveries = due.Select(entry => Delivery.For(
            entry.Request with { KnownSagaId = entry.SagaId }, OutcomeSink.For(new TaskCompletionSource<DeliveryOutcome>()))).ToList();
        await router.HandleAsync(deliveries, cancellation);
        foreach (var (delivery, entry) in deliveries.Zip(due))
        {
            var receivedAt = entry.Event.ReceivedAt;
            switch (await delivery.Sink.Caller!.Task.WaitAsync(cancellation))
            {
                case DeliveryOutcome.Rejected { IsAnswered: false, Rejection: var rejection, Disposition: var disposition }:
                    await RejectAsync(entry.Event, entry.Request, rejection, disposition, receivedAt, cancellation);
                    break;
                case DeliveryOutcome.Failed { Failure: var failure }:
                    await RejectAsync(
                        entry.Event, entry.Request, failure.ToRejection(entry.Request.Requester), Disposition.DeadLetter, receivedAt,
                        cancellation);
                    break;
            }
        }
    }

    private async Task RejectAsync(
        EarlyEvent row, EventRequest @event, Rejection rejection, Disposition disposition, DateTimeOffset at,
        CancellationToken cancellation)
    {
        var requester = @event.Requester;
        await rejections.SendAsync(
            messages.Rejection(rejection, new(Identity.OfRequest(requester.RequestId, "refusal:" + requester.Source)), at), cancellation);
        if (disposition != Disposition.DeadLetter)
        {
            return;
        }

        var request = EventDeadLetter.Request(requester, @event.Payload);
        var id = Identity.OfRequest(requester.RequestId, "dead-letter:" + requester.Source);
        var isLarge = request.Utf8.Length > MessageSizes.DeadLetterValueMax;
        var deadLetter = messages.DeadEventRow(rejection, request, id, at, requester.RequestId.Value);
        await rejections.SendAsync(messages.DeadEvent(rejection, request, isLarge ? deadLetter.Id : null, new(id), at), cancellation);

        // While the event is stored, a copy of it counts as a duplicate. So no operator may find its dead letter before it is deleted.
        await deadLetters.ReplaceEarlyAsync(row.MessageId, row.ReceivedAt, deadLetter, cancellation);
    }
}
