using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

/// <summary>The stored results of the completed items of <c>each</c> steps, of the saga that a computation is for.</summary>
internal interface IStoredItems
{
    /// <summary>Reads the results of a step in the order of their indexes. At most one page is in memory.</summary>
    IAsyncEnumerable<(int Index, CelValue Result)> ReadAsync(string step, CancellationToken cancellation);
}
