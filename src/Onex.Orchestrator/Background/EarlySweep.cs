using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;
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
    TimeProvider time,
    ILogger<EarlySweep> logger)
{
    private const int BatchSizeMax = 500;

    // How long a sweep waits for the broker. It normally acknowledges the answers within this time.
    private static readonly TimeSpan _acknowledgementTimeout = TimeSpan.FromSeconds(1);

    // Events that cannot be read: each is read and logged once, so that however many there are, the batches have readable ones too.
    private readonly HashSet<MessageId> _unreadable = [];

    // The number of events per batch, halved when there is not enough memory and doubled after each success.
    private int _batchSize = BatchSizeMax;

    // The answers that are being sent, by event. They outlive a sweep while their topic is unavailable.
    private readonly Dictionary<MessageId, Answer> _answers = [];

    // Events that were not answered because a full batch of answers for their topic was being sent. They are read again after all others.
    private readonly HashSet<MessageId> _postponed = [];

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
        var rows = await early.DueEarlyAsync([.. _unreadable, .. _answers.Keys, .. _postponed], _batchSize, cancellation);
        if (rows.Count < _batchSize)
        {
            _postponed.Clear();
        }

        var due = rows.Select(row => (row.Event, row.SagaId, Request: Read(row.Event)!)).Where(entry => entry.Request is not null)
            .ToList();
        foreach (var (expired, _, request) in due.Where(entry => entry.SagaId is null))
        {
            var rejection = EventDeclines.Expired(request, expired.ReceivedAt, expired.ExpiresAt);
            Reject(expired, request, rejection, Disposition.DeadLetter, expired.ExpiresAt, cancellation);
        }

        due.RemoveAll(entry => entry.SagaId is null);
        if (due.Count > 0)
        {
            // The store does not delete events that their saga has buffered in the meantime.
            await early.RemoveEarlyAsync(await DeliverAsync(due, cancellation), cancellation);
        }

        await Task.WhenAny(
            Task.WhenAll(_answers.Values.Select(answer => answer.Sending)), Task.Delay(_acknowledgementTimeout, time, cancellation));
        foreach (var (id, answer) in _answers.Where(answer => answer.Value.Sending.IsCompleted).ToList())
        {
            // If this fails, the event is read again.
            _answers.Remove(id);
            await answer.Sending;
            if (answer.DeadLetter is { } deadLetter)
            {
                // While the event is stored, a copy of it counts as a duplicate. So no operator may find its dead letter before it is
                // deleted.
                await deadLetters.ReplaceEarlyAsync(id, answer.ReceivedAt, deadLetter, cancellation);
            }
            else
            {
                await early.RemoveEarlyAsync([id], cancellation);
            }
        }
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

    // Returns the events that need no answer.
    private async Task<List<MessageId>> DeliverAsync(
        IReadOnlyList<(EarlyEvent Event, SagaId? SagaId, EventRequest Request)> due, CancellationToken cancellation)
    {
        var deliveries = due.Select(entry => Delivery.For(
            entry.Request with { KnownSagaId = entry.SagaId }, OutcomeSink.For(new TaskCompletionSource<DeliveryOutcome>()))).ToList();
        await router.HandleAsync(deliveries, cancellation);
        var done = new List<MessageId>();
        foreach (var (delivery, entry) in deliveries.Zip(due))
        {
            var receivedAt = entry.Event.ReceivedAt;
            switch (await delivery.Sink.Caller!.Task.WaitAsync(cancellation))
            {
                case DeliveryOutcome.Rejected { IsAnswered: false, Rejection: var rejection, Disposition: var disposition }:
                    Reject(entry.Event, entry.Request, rejection, disposition, receivedAt, cancellation);
                    break;
                case DeliveryOutcome.Failed { Failure: var failure }:
                    Reject(
                        entry.Event, entry.Request, failure.ToRejection(entry.Request.Requester), Disposition.DeadLetter, receivedAt,
                        cancellation);
                    break;
                default:
                    done.Add(entry.Event.MessageId);
                    break;
            }
        }

        return done;
    }

    private void Reject(
        EarlyEvent row, EventRequest @event, Rejection rejection, Disposition disposition, DateTimeOffset at,
        CancellationToken cancellation)
    {
        var requester = @event.Requester;
        var answer = messages.Rejection(rejection, new(Identity.OfRequest(requester.RequestId, "refusal:" + requester.Source)), at);
        if (_answers.Values.Count(other => other.Topic == answer.Topic) >= _batchSize)
        {
            _postponed.Add(row.MessageId);
            return;
        }

        DeadLetterRow? deadLetter = null;
        OutgoingMessage? record = null;
        if (disposition == Disposition.DeadLetter)
        {
            var request = EventDeadLetter.Request(requester, @event.Payload);
            var id = Identity.OfRequest(requester.RequestId, "dead-letter:" + requester.Source);
            var isLarge = request.Utf8.Length > MessageSizes.DeadLetterValueMax;
            deadLetter = messages.DeadEventRow(rejection, request, id, at, requester.RequestId.Value);
            record = messages.DeadEvent(rejection, request, isLarge ? deadLetter.Id : null, new(id), at);
        }

        _answers[row.MessageId] = new Answer(answer.Topic, row.ReceivedAt, deadLetter, SendAsync(answer, record, cancellation));
    }

    private async Task SendAsync(OutgoingMessage answer, OutgoingMessage? deadLetter, CancellationToken cancellation)
    {
        await rejections.SendAsync(answer, cancellation);
        if (deadLetter is not null)
        {
            await rejections.SendAsync(deadLetter, cancellation);
        }
    }

    // The answer to an event, and the dead letter that replaces the event, if any.
    private sealed record Answer(string Topic, DateTimeOffset ReceivedAt, DeadLetterRow? DeadLetter, Task Sending);
}
