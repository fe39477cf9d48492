namespace Onex.Persistence.Sagas;

/// <summary>
/// Outputs, responses and large values of sagas, by id. Commits write most of them. The input of a saga need not be
/// among them, because a small one is stored in the row: it is loaded with the row (<see cref="LoadedSaga.Input"/>).
/// </summary>
public interface IPayloads
{
    /// <summary>Loads the payloads with these ids. Unknown ids are missing in the result, and others once the limit is reached.</summary>
    Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(
        IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation);

    /// <summary>Loads all payloads with these ids.</summary>
    Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation) =>
        LoadPayloadsAsync(ids, null, cancellation);

    /// <summary>Stores payloads outside a commit: results of steps that are too large for a message. Keeps those that exist.</summary>
    Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation);
}
