using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>Which items of a step are loaded, in the order of their indexes.</summary>
/// <param name="SagaId">The saga.</param>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">The visit of its state.</param>
/// <param name="Statuses">Only those with one of these.</param>
/// <param name="Below">Only those with an index below it; null: all.</param>
/// <param name="Descending">Whether the highest index comes first.</param>
/// <param name="Limit">So many at most.</param>
public sealed record SagaItemsQuery(
    SagaId SagaId, string Step, int Visit, IReadOnlyList<SagaItemStatus> Statuses, int? Below, bool Descending, int Limit);
