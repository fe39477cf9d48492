using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Looks after events that came before their saga: gives them to it once it has started, and tells their senders when their time is over.
/// They are forgotten only after that is durable, so that a main that dies in between loses none; another one does it again, which is harmless:
/// the saga has seen the message, and what is sent has the same ids and the same bytes.
/// </summary>
internal sealed class EarlySweep(
    SagaRouter router,
    ISagaStore store,
    RejectionSender rejections,
    MessageWriter messages,
    IDeadLetterIndex deadLetters,
    ILogger<EarlySweep> logger)
{
    private const int AtOnceMax = 500;

    // Of which the log has told already.
    private readonly HashSet<Guid> _unreadable = [];

    // Fewer after there was no memory for so many.
    private int _atOnce = AtOnceMax;

    /// <summary>Looks once.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        try
        {
            await LookAsync(cancellation);
            _atOnce = Math.Min(AtOnceMax, _atOnce * 2);
        }
        catch (Exception failure) when (MemoryShortage.Is(failure))
        {
            _atOnce = Math.Max(1, _atOnce / 2);
            MemoryShortage.Relieve();
            throw;
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var found = await store.DueEarlyAsync(_atOnce, cancellation);
        var due = found.Select(entry => (entry.Event, entry.SagaId, Request: Read(entry.Event)!)).Where(entry => entry.Request is not null).ToList();
        if (due.Count == 0)
        {
            return;
        }

        foreach (var (expired, _, request) in due.Where(entry => entry.SagaId is null))
        {
            await RefuseAsync(request, EventDeclines.Expired(request, expired.ReceivedAt, expired.ExpiresAt), true, expired.ExpiresAt, cancellation);
        }

        await DeliverAsync([.. due.Where(entry => entry.SagaId is not null)], cancellation);

        // What its saga keeps by now is left to it.
        await store.RemoveEarlyAsync([.. due.Select(entry => entry.Event.MessageId)], cancellation);
    }

    // One that cannot be read stays where it is, and holds up no other.
    private EventRequest? Read(EarlyEvent row)
    {
        try
        {
            return EarlyEventRows.ToRequest(row);
        }
#pragma warning disable CA1031 // Whatever is wrong with a row, it is wrong with that row.
        catch (Exception failure) when (!MemoryShortage.Is(failure))
#pragma warning restore CA1031
        {
            if (_unreadable.Add(row.MessageId))
            {
                Log.EarlyEventUnreadable(logger, row.MessageId, row.Contract, failure);
            }

            return null;
        }
    }

    private async Task DeliverAsync(IReadOnlyList<(EarlyEvent Event, Guid? SagaId, EventRequest Request)> due, CancellationToken cancellation)
    {
        var items = due.Select(entry => WorkItem.Of(
            entry.Request with { KnownSagaId = entry.SagaId }, entry: null, new TaskCompletionSource<WorkOutcome>())).ToList();
        await router.HandleAsync(items, cancellation);
        foreach (var (item, entry) in items.Zip(due))
        {
            switch (await item.Caller!.Task.WaitAsync(cancellation))
            {
                case WorkOutcome.Refused { Rejection: var rejection, IsDead: var isDead } when item.Decision is not { Changed: true }:
                    await RefuseAsync(item.Event!, rejection, isDead, entry.Event.ReceivedAt, cancellation);
                    break;
                case WorkOutcome.Failed failed:
                    await RefuseAsync(
                        item.Event!, new Rejection(failed.Code, failed.Reason, failed.ErrorType, item.Event!.Requester), true, entry.Event.ReceivedAt, cancellation);
                    break;
            }
        }
    }

    private async Task RefuseAsync(EventRequest sent, Rejection rejection, bool isDead, DateTimeOffset at, CancellationToken cancellation)
    {
        var requester = sent.Requester;
        await rejections.SendAsync(messages.Rejection(rejection, Identity.OfRequest(requester.RequestId, "refusal:" + requester.Source), at), cancellation);
        if (!isDead)
        {
            return;
        }

        var request = EventDeadLetter.Request(requester, sent.Given);
        var id = Identity.OfRequest(requester.RequestId, "dead-letter:" + requester.Source);
        var isLarge = request.Utf8.Length > EventDeadLetter.ValueBytesMax;
        var letter = EventDeadLetter.RedrivenFrom(requester) ?? id;
        await deadLetters.AddAsync(messages.DeadEventRow(rejection, request, letter, at, requester.RequestId), cancellation);
        await rejections.SendAsync(messages.DeadEvent(rejection, request, isLarge ? letter : null, id, at), cancellation);
    }
}
