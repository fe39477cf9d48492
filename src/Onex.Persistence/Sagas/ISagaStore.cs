using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Outbox;

namespace Onex.Persistence.Sagas;

/// <summary>
/// Stores sagas, in batches. Every implementation passes one compliance suite. Methods throw <see cref="StoreUnavailableException"/> when
/// the database cannot be used for now, except that a commit waits if a part of it may be written already; the same holds for
/// <see cref="IOutbox"/>, <see cref="IWakeups"/>, <see cref="IEarlyEvents"/> and <see cref="IPayloads"/>.
/// </summary>
public interface ISagaStore
{
    /// <summary>
    /// Loads the rows with these ids, and their input, unsent messages and buffered events, at once. Ids without a row are missing in
    /// the result; so are others once the limit is reached.
    /// </summary>
    Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(
        IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation);

    /// <summary>Loads all rows with these ids.</summary>
    Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(IReadOnlyCollection<SagaId> ids, CancellationToken cancellation) =>
        LoadAsync(ids, null, cancellation);

    /// <summary>
    /// Commits many sagas, normally in one transaction and one round trip, and returns a result for each entry, in their order. Retries
    /// after a deadlock or serialization failure. An entry with invalid values fails alone (<see cref="CommitResult.Invalid"/>). If the
    /// connection is lost once the batch may have reached the server, it is committed again as soon as the database can be reached:
    /// <c>last_transition_id</c> shows what was written.
    /// </summary>
    Task<IReadOnlyList<CommitResult>> CommitAsync(CommitBatch batch, CancellationToken cancellation);

    /// <summary>Loads a page of items for each query, in the order of the queries, in one round trip.</summary>
    Task<IReadOnlyList<IReadOnlyList<SagaItem>>> LoadItemsAsync(IReadOnlyList<SagaItemsQuery> queries, CancellationToken cancellation);

    /// <summary>
    /// All live sagas, in any order: after a restart, the embedded mode sends their outstanding commands again, because its log is in
    /// memory. One list and no pages, because no index has the live sagas in the order of their ids; each takes 16 to 32 bytes.
    /// </summary>
    Task<IReadOnlyList<SagaId>> LiveAsync(CancellationToken cancellation);

    /// <summary>The saga that a request started or joined, or that has processed an event with this id; null if there is none.</summary>
    Task<CommitResult.DuplicateRequest?> FindRequestAsync(MessageId requestId, CancellationToken cancellation);

    /// <summary>Finds the sagas that events are for, in the order of the addresses.</summary>
    Task<IReadOnlyList<EventTarget>> FindEventTargetsAsync(IReadOnlyList<EventAddress> addresses, CancellationToken cancellation);

    /// <summary>The database's clock.</summary>
    Task<DateTimeOffset> NowAsync(CancellationToken cancellation);
}

/// <summary>A loaded row with everything that belongs to it.</summary>
/// <param name="Row">The row.</param>
/// <param name="Input">The payload of its request.</param>
/// <param name="Unsent">Its unsent messages, oldest first.</param>
public sealed record LoadedSaga(SagaRow Row, RawJson Input, IReadOnlyList<OutgoingMessage> Unsent)
{
    /// <summary>Its buffered events, in order of arrival.</summary>
    public IReadOnlyList<EarlyEvent> BufferedEvents { get; init; } = [];
}
