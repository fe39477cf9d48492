using Onex.Contracts.Messages;

namespace Onex.Persistence.Secrets;

/// <summary>The handles that sagas hold instead of secrets. A row says where the value is, never the value itself.</summary>
public interface ISecretHandles
{
    /// <summary>Stores handles until their saga is removed, also if the outcome that returns them is never recorded.</summary>
    Task AddAsync(IReadOnlyCollection<SecretHandle> handles, CancellationToken cancellation);

    /// <summary>The handles with these ids that belong to the saga. Unknown handles and handles of other sagas are missing.</summary>
    Task<IReadOnlyDictionary<Guid, SecretHandle>> FindAsync(
        SagaId sagaId, IReadOnlyCollection<Guid> ids, CancellationToken cancellation);
}

/// <summary>A handle: a field of one version of a secret.</summary>
/// <param name="Id">128 random bits. The saga's data holds it as <c>onex-secret:ID</c>.</param>
/// <param name="SagaId">The saga that read or wrote the secret.</param>
/// <param name="Connection">The connection to Vault.</param>
/// <param name="Path">The secret's path.</param>
/// <param name="Version">The secret's version.</param>
/// <param name="Field">The field.</param>
public sealed record SecretHandle(Guid Id, SagaId SagaId, string Connection, string Path, int Version, string Field);
