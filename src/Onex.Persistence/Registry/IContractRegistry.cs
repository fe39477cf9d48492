using Onex.Contracts.Messages;

namespace Onex.Persistence.Registry;

/// <summary>Stores each contract that a saga may have started with, so that any orchestrator can continue any saga.</summary>
public interface IContractRegistry
{
    /// <summary>
    /// Registers contracts. The first registered content of a version is binding: different content of the same version is not stored, and
    /// the result contains the binding content of each such version. If <paramref name="mutable"/>, all is stored and the result is empty.
    /// </summary>
    Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
        IReadOnlyCollection<RegisteredContract> contracts, bool mutable, CancellationToken cancellation);

    /// <summary>The contracts that live sagas run, without those with these hashes, ordered by name, version and hash.</summary>
    Task<IReadOnlyList<ContractInUse>> InUseAsync(IReadOnlyCollection<string> except, CancellationToken cancellation);

    /// <summary>The contract with that hash, or null.</summary>
    Task<RegisteredContract?> FindAsync(string hash, CancellationToken cancellation);
}

/// <summary>The number of live sagas that run a contract.</summary>
/// <param name="Hash">The contract's content hash.</param>
/// <param name="Name">The contract's name.</param>
/// <param name="Version">The contract's version.</param>
/// <param name="Sagas">The number of live sagas.</param>
public sealed record ContractInUse(string Hash, string Name, string Version, long Sagas);

/// <summary>A row of <c>contracts</c>.</summary>
/// <param name="Hash">SHA-256 of the contract's meaning in lower-case hex; the key.</param>
/// <param name="Name">The contract's name.</param>
/// <param name="Version">The contract's version. Several rows may have it: in mutable mode, or after an upgrade of Onex.</param>
/// <param name="Source">The file and everything it refers to; jsonb.</param>
public sealed record RegisteredContract(string Hash, string Name, string Version, RawJson Source);
