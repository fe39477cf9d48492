using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>Brings sagas that wake up the rows of items that they need before they can go on.</summary>
internal sealed class WantedItemReader(ISagaStore store)
{
    private static readonly SagaItemStatus[] _all = Enum.GetValues<SagaItemStatus>();
    private static readonly SagaItemStatus[] _toCompensate = [SagaItemStatus.Completed, SagaItemStatus.Unknown];

    /// <summary>Puts the rows into the wake-ups. What is decided in the same batch before them makes them useless, not wrong.</summary>
    public async Task BringAsync(IReadOnlyList<WorkItem> items, IReadOnlyDictionary<SagaId, SagaWork> works, CancellationToken cancellation)
    {
        var asked = new List<(WorkItem Item, WantedItems Wanted)>();
        foreach (var item in items)
        {
            if (item.Message is TimerFired && works[item.Message.SagaId] is { Saga: { } saga, Pipe: { } pipe })
            {
                item.Attempt(() => asked.AddRange(EachItems.Wanted(pipe.Plan, saga).Select(wanted => (item, wanted)).ToList()));
            }
        }

        if (asked.Count == 0)
        {
            return;
        }

        var pages = await store.LoadItemsAsync([.. asked.Select(each => Query(each.Item.Message.SagaId, each.Wanted))], cancellation);
        foreach (var (item, answers) in asked.Zip(pages).GroupBy(pair => pair.First.Item, pair => new StoredItems(pair.First.Wanted, pair.Second))
            .Select(group => (group.Key, group.ToList())))
        {
            item.Become((TimerFired)item.Message with { Items = answers });
        }
    }

    private static SagaItemsQuery Query(SagaId sagaId, WantedItems wanted) => new(
        sagaId, wanted.Step, wanted.Visit, wanted.Below is null ? _all : _toCompensate, wanted.Below, Descending: wanted.Below is not null, wanted.Limit);
}
