using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>
/// Stores early events, which arrived before their saga. Commits turn those that the saga buffers into buffered events. The others are
/// deleted by <see cref="RemoveEarlyAsync"/>, or replaced by a dead letter.
/// </summary>
public interface IEarlyEvents
{
    /// <summary>
    /// Stores early events, unless they are stored already. At most <paramref name="limit"/> unexpired ones are stored per contract and
    /// business key, or correlation id if they have no key. Returns the ids of the given events that are stored afterwards, each with its
    /// stored hash.
    /// </summary>
    Task<IReadOnlyDictionary<MessageId, Guid?>> StoreEarlyAsync(
        IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation);

    /// <summary>
    /// Early events to be processed, in order of arrival: their saga started before they expired (<see cref="DueEvent.SagaId"/>), or they
    /// have expired, by the database's clock. Buffered events (<see cref="LoadedSaga.BufferedEvents"/>) and those in
    /// <paramref name="except"/> are not among them.
    /// </summary>
    Task<IReadOnlyList<DueEvent>> DueEarlyAsync(IReadOnlyCollection<MessageId> except, int limit, CancellationToken cancellation);

    /// <summary>
    /// Deletes early events. Events that a saga has buffered meanwhile stay, because another orchestrator may have delivered them.
    /// </summary>
    Task RemoveEarlyAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation);
}

/// <summary>An early event to be processed.</summary>
/// <param name="Event">The event.</param>
/// <param name="SagaId">Its saga, live or already ended; null if the event expired before its saga started.</param>
public sealed record DueEvent(EarlyEvent Event, SagaId? SagaId);
