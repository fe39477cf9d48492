using Onex.Orchestrator.Engine;
using Onex.Orchestrator.Requests;
using Onex.Orchestrator.Responses;
using Onex.Orchestrator.Sending;
using Onex.Orchestrator.Storage;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Looks after events that came before their saga: gives them to it once it has started, and tells their senders when their time is over.
/// They are forgotten only after that is durable, so that a main that dies in between loses none; another one does it again, which is harmless:
/// the saga has seen the message, and what is sent has the same ids and the same bytes.
/// </summary>
internal sealed class EarlySweep(
    SagaRouter router,
    ISagaStore store,
    RefusalSender refusals,
    MessageWriter messages,
    IDeadLetterIndex deadLetters)
{
    private const int AtOnce = 500;

    /// <summary>Looks once.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var due = await store.DueEarlyAsync(AtOnce, cancellation);
        if (due.Count == 0)
        {
            return;
        }

        foreach (var expired in due.Where(entry => entry.SagaId is null).Select(entry => entry.Event))
        {
            var request = EarlyEventRows.ToRequest(expired);
            await RefuseAsync(request, EventRefusals.Expired(request, expired.ReceivedAt, expired.ExpiresAt), true, expired.ExpiresAt, cancellation);
        }

        await DeliverAsync([.. due.Where(entry => entry.SagaId is not null)], cancellation);

        // What its saga keeps by now is left to it.
        await store.RemoveEarlyAsync([.. due.Select(entry => entry.Event.MessageId)], cancellation);
    }

    private async Task DeliverAsync(IReadOnlyList<DueEvent> due, CancellationToken cancellation)
    {
        var items = due.Select(entry => WorkItem.Of(
            EarlyEventRows.ToRequest(entry.Event) with { KnownSagaId = entry.SagaId }, entry: null, new TaskCompletionSource<WorkOutcome>())).ToList();
        await router.HandleAsync(items, cancellation);
        foreach (var (item, entry) in items.Zip(due))
        {
            switch (await item.Caller!.Task.WaitAsync(cancellation))
            {
                case WorkOutcome.Refused { Refusal: var refusal, IsDead: var isDead } when item.Decision is not { Changed: true }:
                    await RefuseAsync(item.Event!, refusal, isDead, entry.Event.ReceivedAt, cancellation);
                    break;
                case WorkOutcome.Failed failed:
                    await RefuseAsync(
                        item.Event!, new Refusal(failed.Code, failed.Reason, failed.ErrorType, item.Event!.Asker), true, entry.Event.ReceivedAt, cancellation);
                    break;
            }
        }
    }

    private async Task RefuseAsync(EventRequest sent, Refusal refusal, bool isDead, DateTimeOffset at, CancellationToken cancellation)
    {
        var asker = sent.Asker;
        await refusals.SendAsync(messages.Refusal(refusal, Identity.OfRequest(asker.RequestId, "refusal:" + asker.Source), at), cancellation);
        if (!isDead)
        {
            return;
        }

        var request = EventLetter.Request(asker, sent.Given);
        var id = Identity.OfRequest(asker.RequestId, "dead-letter:" + asker.Source);
        var isLarge = request.Utf8.Length > EventLetter.ValueBytesMax;
        await deadLetters.AddAsync(messages.DeadEventRow(refusal, request, id, at, asker.RequestId), cancellation);
        await refusals.SendAsync(messages.DeadEvent(refusal, request, isLarge ? id : null, id, at), cancellation);
    }
}
