using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>Finds the sagas that events are for. One that came before its saga is kept, if its contract says so.</summary>
/// <param name="store">Where sagas are.</param>
/// <param name="rejections">Answers those that nothing becomes of.</param>
/// <param name="keptMax">As many wait for one saga at a time.</param>
internal sealed class EventTargets(ISagaStore store, RejectionSender rejections, int keptMax)
{
    /// <summary>Those events that have a saga, addressed; what becomes of the others is durable, or on its way to their senders.</summary>
    public async Task<List<WorkItem>> FindAsync(IReadOnlyList<WorkItem> items, DateTimeOffset now, CancellationToken cancellation)
    {
        var targets = await store.FindTargetsAsync([.. items.Select(item => item.Event!.Address)], cancellation);
        var found = new List<WorkItem>(items.Count);
        var early = new List<WorkItem>();
        foreach (var (item, target) in items.Zip(targets))
        {
            var request = item.Event!;
            switch (target)
            {
                case { SeenBy: { } other } when RequestHash.Differ(target.SeenHash, request.Requester.RequestHash):
                    item.Refuse(EventDeclines.Differs(request.Requester, other), isDead: true, rejections, cancellation);
                    break;

                // A redelivery: whatever its saga would make of it now, it has it already.
                case { SeenBy: { } seen }:
                    item.Done(seen);
                    break;
                case { Live: [var only] }:
                    item.Address(only);
                    found.Add(item);
                    break;
                case { Live.Count: > 1 }:
                    item.Refuse(EventDeclines.Ambiguous(request, target.Live), isDead: true, rejections, cancellation);
                    break;
                case var _ when request.Misfit is { } misfit:
                    item.Refuse(misfit, isDead: true, rejections, cancellation);
                    break;
                case { Ended: { } ended } when request.Early is not null:
                    item.Refuse(EventDeclines.Late(request, ended), isDead: true, rejections, cancellation);
                    break;
                case var _ when request.Early is not null && request.Address.SagaId is null:
                    early.Add(item);
                    break;
                default:
                    item.Refuse(EventDeclines.Missing(request), isDead: true, rejections, cancellation);
                    break;
            }
        }

        await KeepAsync(early, now, cancellation);
        return found;
    }

    private async Task KeepAsync(List<WorkItem> items, DateTimeOffset now, CancellationToken cancellation)
    {
        if (items.Count == 0)
        {
            return;
        }

        var kept = await store.StoreEarlyAsync(
            [.. items.Select(item => EarlyEventRows.ToRow(item.Event!, now, item.Event!.Early!.Value))], keptMax, cancellation);
        foreach (var item in items)
        {
            var request = item.Event!;
            if (!kept.TryGetValue(request.MessageId, out var hash))
            {
                item.Refuse(EventDeclines.TooMany(request, keptMax), isDead: true, rejections, cancellation);
            }
            else if (RequestHash.Differ(hash, request.Requester.RequestHash))
            {
                item.Refuse(EventDeclines.Differs(request.Requester, sagaId: null), isDead: true, rejections, cancellation);
            }
            else
            {
                item.Done(sagaId: null);
            }
        }
    }
}
