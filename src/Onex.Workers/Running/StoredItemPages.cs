using System.Runtime.CompilerServices;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;
using Onex.Workers.Operations;

namespace Onex.Workers.Running;

/// <summary>Reads the stored items of a saga page by page.</summary>
/// <param name="load">Loads a page, or null if the process has no database.</param>
/// <param name="sagaId">The saga.</param>
internal sealed class StoredItemPages(LoadItems? load, SagaId sagaId) : IStoredItems
{
    /// <summary>The maximum number of items of a page: about 13 MB, because a stored result has 64 KiB at most.</summary>
    public const int PageMax = 200;

    private static readonly SagaItemStatus[] _completed = [SagaItemStatus.Completed];

    public async IAsyncEnumerable<(int Index, CelValue Result)> ReadAsync(
        string step, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (load is null)
        {
            throw new ComputeFailedException(
                StepCodes.StoreMissing, "the items are in Postgres, and this runtime-worker has no POSTGRES_HOST");
        }

        var next = 0;
        while (true)
        {
            var page = await load(
                new(sagaId, step, Visit: null, _completed, Below: null, Descending: false, PageMax) { AtLeast = next }, cancellation);
            foreach (var item in page)
            {
                yield return (item.Index, item.Result is { } json ? StoredValues.Read(json.Utf8.Span) : CelValue.Map([]));
            }

            if (page.Count < PageMax)
            {
                yield break;
            }

            next = page[^1].Index + 1;
        }
    }
}

/// <summary>Loads a page of items.</summary>
internal delegate Task<IReadOnlyList<SagaItem>> LoadItems(SagaItemsQuery query, CancellationToken cancellation);
