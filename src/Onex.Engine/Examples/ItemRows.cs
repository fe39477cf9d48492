using Onex.Contracts.Plans;

namespace Onex.Engine.Examples;

/// <summary>The item rows of a saga in virtual time, written and read like those in the store.</summary>
internal sealed class ItemRows
{
    private readonly Dictionary<(string Step, int Visit, int Index), SagaItem> _rows = [];

    /// <summary>All rows.</summary>
    public IReadOnlyCollection<SagaItem> All => _rows.Values;

    /// <summary>Stores the outcomes of items.</summary>
    public void Keep(IEnumerable<SagaItem> items)
    {
        foreach (var item in items)
        {
            var stored = _rows.GetValueOrDefault((item.Step, item.Visit, item.Index));
            _rows[(item.Step, item.Visit, item.Index)] = item with
            {
                Result = item.Result ?? stored?.Result,
                CompensationArguments = item.CompensationArguments ?? stored?.CompensationArguments,
            };
        }
    }

    /// <summary>The rows that a saga needs before it can continue.</summary>
    public IReadOnlyList<StoredItems> Wanted(Plan plan, SagaState saga) =>
        [.. EachItems.Wanted(plan, saga).Select(wanted => new StoredItems(wanted, [.. Find(wanted)]))];

    private IEnumerable<SagaItem> Find(WantedItems wanted)
    {
        var items = _rows.Values.Where(item => item.Step == wanted.Step && item.Visit == wanted.Visit);
        return wanted.Below is { } below
            ? items
                .Where(item => item.Index < below && item.CompensationArguments is not null
                    && item.Status is SagaItemStatus.Completed or SagaItemStatus.Unknown)
                .OrderByDescending(item => item.Index)
                .Take(wanted.Limit)
            : items.OrderBy(item => item.Index).Take(wanted.Limit);
    }
}
