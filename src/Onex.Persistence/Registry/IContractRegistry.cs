namespace Onex.Persistence.Registry;

/// <summary>Every contract version ever loaded, so that any main can continue any saga.</summary>
public interface IContractRegistry
{
    /// <summary>
    /// Registers contracts. The content that a version was registered with first is the version's; the answer is that content of each given version
    /// that has another one. What is given is not stored then, unless <paramref name="mutable"/>: with it everything is, and the answer is empty.
    /// </summary>
    Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
        IReadOnlyCollection<RegisteredContract> contracts, bool mutable, CancellationToken cancellation);

    /// <summary>What live sagas run, in order of name, version and hash.</summary>
    Task<IReadOnlyList<ContractInUse>> InUseAsync(CancellationToken cancellation);

    /// <summary>The contract of that hash, or null.</summary>
    Task<RegisteredContract?> FindAsync(string hash, CancellationToken cancellation);
}

/// <summary>How many live sagas run a contract's content.</summary>
/// <param name="Hash">Its hash.</param>
/// <param name="Name">The contract's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Sagas">How many.</param>
public sealed record ContractInUse(string Hash, string Name, string Version, long Sagas);

/// <summary>A row of <c>contracts</c>.</summary>
/// <param name="Hash">SHA-256 in lower-case hex; the key.</param>
/// <param name="Name">The contract's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Source">jsonb: the file and everything it refers to.</param>
public sealed record RegisteredContract(string Hash, string Name, string Version, Onex.Contracts.Messages.RawJson Source);
