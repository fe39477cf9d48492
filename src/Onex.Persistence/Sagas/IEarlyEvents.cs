using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>Finds the sagas of events, and stores early events, which arrived before their saga.</summary>
public interface IEarlyEvents
{
    /// <summary>Finds the sagas that events are for, in the order of the addresses.</summary>
    Task<IReadOnlyList<EventTarget>> FindTargetsAsync(IReadOnlyList<EventAddress> addresses, CancellationToken cancellation);

    /// <summary>
    /// Stores early events. An event that is stored already counts as the same one. At most <paramref name="limit"/> are stored per
    /// contract and correlation id. Returns the ids of those that are stored now, each with its stored hash.
    /// </summary>
    Task<IReadOnlyDictionary<MessageId, Guid?>> StoreEarlyAsync(
        IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation);

    /// <summary>
    /// Early events to be processed, in order of arrival: their saga has started in time (<see cref="DueEvent.SagaId"/>), or they have
    /// expired, by the database's clock. Buffered events (<see cref="LoadedSaga.Early"/>) are not among them.
    /// </summary>
    Task<IReadOnlyList<DueEvent>> DueEarlyAsync(int limit, CancellationToken cancellation);

    /// <summary>
    /// Deletes early events. Events that a saga has buffered meanwhile stay, because another orchestrator may have delivered them.
    /// </summary>
    Task RemoveEarlyAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation);
}

/// <summary>
/// How an event identifies its saga: by id, else by business key, else by correlation id among the live sagas of the contract.
/// </summary>
/// <param name="MessageId">The event's identity.</param>
/// <param name="Contract">The contract.</param>
/// <param name="CorrelationId">The correlation id of its request.</param>
/// <param name="SagaId">The id of the saga, or null.</param>
/// <param name="BusinessKey">The business key that identifies its saga, or null.</param>
public sealed record EventAddress(MessageId MessageId, string Contract, Guid CorrelationId, SagaId? SagaId, string? BusinessKey);

/// <summary>The sagas that an address identifies.</summary>
/// <param name="Live">The matching live sagas of the contract: none, one, or the first two of several.</param>
/// <param name="SeenBy">The saga, live or ended, that has processed the message before or was started by it; null if there is none.</param>
public sealed record EventTarget(IReadOnlyList<SagaId> Live, SagaId? SeenBy)
{
    /// <summary>The hash of the processed message; null if none was stored. Empty for a start, which is never an event.</summary>
    public Guid? SeenHash { get; init; }

    /// <summary>If no live saga matches, and the event has no saga id: the matching saga that ended last, or null.</summary>
    public SagaId? Ended { get; init; }
}

/// <summary>An early event to be processed.</summary>
/// <param name="Event">The event.</param>
/// <param name="SagaId">Its saga, live or already ended; null if the event has expired.</param>
public sealed record DueEvent(EarlyEvent Event, SagaId? SagaId);
