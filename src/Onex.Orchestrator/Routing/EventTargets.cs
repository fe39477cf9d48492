using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Finds the sagas that events are for. Stores an event without a saga if its contract declares it with <c>early</c>: at most
/// <paramref name="earlyMax"/> per contract and business key, or correlation id if they have no key.
/// </summary>
internal sealed class EventTargets(ISagaStore store, IEarlyEvents events, OutcomeReporter outcomes, int earlyMax)
{
    /// <summary>
    /// Returns the events that have one live saga, addressed to it. Reports the outcome of the others: stored, seen before, or rejected.
    /// </summary>
    public async Task<List<Delivery>> AddressAsync(IReadOnlyList<Delivery> deliveries, DateTimeOffset now, CancellationToken cancellation)
    {
        var targets = await store.FindEventTargetsAsync([.. deliveries.Select(delivery => delivery.Event!.Address)], cancellation);
        var found = new List<Delivery>(deliveries.Count);
        var early = new List<Delivery>();
        foreach (var (delivery, target) in deliveries.Zip(targets))
        {
            var request = delivery.Event!;
            switch (target)
            {
                case { SeenBy: { } other } when RequestHash.Differ(target.SeenHash, request.Requester.RequestHash):
                    Reject(delivery, RequestRejections.Differs(request.Requester, other), cancellation);
                    break;

                // The saga has seen the event before, so nothing is left to do.
                case { SeenBy: { } seen }:
                    outcomes.Report(delivery.Sink, new DeliveryOutcome.Done(seen), cancellation);
                    break;
                case { Live: [var only] }:
                    found.Add(delivery.AddressedTo(only));
                    break;
                case { Live.Count: > 1 }:
                    Reject(delivery, EventDeclines.Ambiguous(request, target.Live), cancellation);
                    break;
                case var _ when request.RejectionByNewest is { } rejection:
                    Reject(delivery, rejection, cancellation);
                    break;
                case { Ended: { } ended } when request.Early is not null:
                    Reject(delivery, EventDeclines.Late(request, ended), cancellation);
                    break;
                case var _ when request.Early is not null && request.Address.SagaId is null:
                    early.Add(delivery);
                    break;
                default:
                    Reject(delivery, EventDeclines.Missing(request), cancellation);
                    break;
            }
        }

        await StoreEarlyAsync(early, now, cancellation);
        return found;
    }

    private async Task StoreEarlyAsync(List<Delivery> deliveries, DateTimeOffset now, CancellationToken cancellation)
    {
        if (deliveries.Count == 0)
        {
            return;
        }

        var stored = await events.StoreEarlyAsync(
            [.. deliveries.Select(delivery => EarlyEventRows.ToRow(delivery.Event!, now, delivery.Event!.Early!.Value))],
            earlyMax,
            cancellation);
        foreach (var delivery in deliveries)
        {
            var request = delivery.Event!;
            if (!stored.TryGetValue(request.MessageId, out var hash))
            {
                Reject(delivery, EventDeclines.TooMany(request, earlyMax), cancellation);
            }
            else if (RequestHash.Differ(hash, request.Requester.RequestHash))
            {
                Reject(delivery, RequestRejections.Differs(request.Requester, sagaId: null), cancellation);
            }
            else
            {
                outcomes.Report(delivery.Sink, new DeliveryOutcome.Done(null), cancellation);
            }
        }
    }

    private void Reject(Delivery delivery, Rejection rejection, CancellationToken cancellation) =>
        outcomes.Report(delivery.Sink, new DeliveryOutcome.Rejected(rejection, Disposition.DeadLetter), cancellation);
}
