using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>A query for items of an <c>each</c> step, in the order of their indexes.</summary>
/// <param name="SagaId">The saga.</param>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">The visit of the step's state; null for the latest one with an item of any status.</param>
/// <param name="Statuses">The statuses to return.</param>
/// <param name="Below">Only items with a lower index; null for all.</param>
/// <param name="Descending">Whether the highest index comes first.</param>
/// <param name="Limit">The most items to return.</param>
public sealed record SagaItemsQuery(
    SagaId SagaId, string Step, int? Visit, IReadOnlyList<SagaItemStatus> Statuses, int? Below, bool Descending, int Limit)
{
    /// <summary>Only items with this index or a higher one.</summary>
    public int AtLeast { get; init; }
}
