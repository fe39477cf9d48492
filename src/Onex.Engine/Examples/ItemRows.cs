using Onex.Contracts.Plans;

namespace Onex.Engine.Examples;

/// <summary>The items' rows of a saga in virtual time, kept and read as the store does it.</summary>
internal sealed class ItemRows
{
    private readonly Dictionary<(string Step, int Visit, int Index), SagaItem> _rows = [];

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<SagaItem> All => _rows.Values;

    /// <summary>Takes over what became of items.</summary>
    public void Keep(IEnumerable<SagaItem> items)
    {
        foreach (var item in items)
        {
            var known = _rows.GetValueOrDefault((item.Step, item.Visit, item.Index));
            _rows[(item.Step, item.Visit, item.Index)] = item with { Result = item.Result ?? known?.Result, Undo = item.Undo ?? known?.Undo };
        }
    }

    /// <summary>The rows that a saga needs before it can go on.</summary>
    public IReadOnlyList<StoredItems> Wanted(Plan plan, SagaState saga) =>
        [.. EachItems.Wanted(plan, saga).Select(wanted => new StoredItems(wanted, [.. Find(wanted)]))];

    private IEnumerable<SagaItem> Find(WantedItems wanted)
    {
        var items = _rows.Values.Where(item => item.Step == wanted.Step && item.Visit == wanted.Visit);
        return wanted.Below is { } below
            ? items
                .Where(item => item.Index < below && item.Undo is not null && item.Status is SagaItemStatus.Completed or SagaItemStatus.Unknown)
                .OrderByDescending(item => item.Index)
                .Take(wanted.Limit)
            : items.OrderBy(item => item.Index).Take(wanted.Limit);
    }
}
