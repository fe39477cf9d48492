using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>Loads the rows of items that sagas need to continue when they wake up.</summary>
internal sealed class WantedItemReader(ISagaStore store)
{
    private static readonly SagaItemStatus[] _allStatuses = Enum.GetValues<SagaItemStatus>();
    private static readonly SagaItemStatus[] _compensatedStatuses = [SagaItemStatus.Completed, SagaItemStatus.Unknown];

    /// <summary>
    /// Adds the rows to the wake-ups among the deliveries. The engine ignores rows that an earlier decision of the round made unnecessary.
    /// </summary>
    public async Task<IReadOnlyList<Delivery>> AddItemsAsync(
        IReadOnlyList<Delivery> deliveries, IReadOnlyDictionary<SagaId, SagaWork> works, CancellationToken cancellation)
    {
        Delivery[]? changed = null;
        var queries = new List<(int Index, SagaId SagaId, WantedItems Wanted)>();
        for (var i = 0; i < deliveries.Count; i++)
        {
            var delivery = deliveries[i];
            if (delivery.Message is TimerFired { SagaId: var sagaId } && works[sagaId] is { Saga: { } saga, Machine: { } machine })
            {
                var index = i;
                var checkedDelivery = delivery.Try(
                    () => queries.AddRange(EachItems.Wanted(machine.Plan, saga).Select(wanted => (index, sagaId, wanted)).ToList()));
                if (!ReferenceEquals(checkedDelivery, delivery))
                {
                    (changed ??= [.. deliveries])[i] = checkedDelivery;
                }
            }
        }

        if (queries.Count > 0)
        {
            changed ??= [.. deliveries];
            var pages = await store.LoadItemsAsync([.. queries.Select(query => CreateQuery(query.SagaId, query.Wanted))], cancellation);
            foreach (
                var group in queries.Zip(pages).GroupBy(pair => pair.First.Index, pair => new StoredItems(pair.First.Wanted, pair.Second)))
            {
                var delivery = changed[group.Key];
                changed[group.Key] = delivery with { Message = (TimerFired)delivery.Message with { Items = group.ToList() } };
            }
        }

        return changed ?? deliveries;
    }

    // Items below an index are wanted to compensate them, in descending order.
    private static SagaItemsQuery CreateQuery(SagaId sagaId, WantedItems wanted) => new(
        sagaId, wanted.Step, wanted.Visit, wanted.Below is null ? _allStatuses : _compensatedStatuses,
        wanted.Below, Descending: wanted.Below is not null, wanted.Limit);
}
