using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

/// <summary>The results of the completed items of an <c>each</c> of the saga that a computation is for.</summary>
internal interface IStoredItems
{
    /// <summary>The results of a step, with the index of each item, in their order. At most a page is in memory.</summary>
    IAsyncEnumerable<(int Index, CelValue Result)> ReadAsync(string step, CancellationToken cancellation);
}
