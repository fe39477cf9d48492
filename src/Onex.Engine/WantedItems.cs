namespace Onex.Engine;

/// <summary>Items of an <c>each</c> that a decision needs.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">Which visit of its state.</param>
/// <param name="Below">Only items below this index, from the highest down, for compensation. Null: all, in order.</param>
/// <param name="Limit">How many at most.</param>
internal sealed record WantedItems(string Step, int Visit, int? Below, int Limit);

/// <summary>The items that were requested, as they are stored.</summary>
internal sealed record StoredItems(WantedItems Wanted, IReadOnlyList<SagaItem> Items);
