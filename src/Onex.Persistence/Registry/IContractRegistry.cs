namespace Onex.Persistence.Registry;

/// <summary>Every contract version ever loaded, so that any main can continue any saga.</summary>
public interface IContractRegistry
{
    /// <summary>
    /// Registers contracts. The answer names those whose version is registered with other content (name, version, registered hash);
    /// they are not stored unless <paramref name="mutable"/>.
    /// </summary>
    Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
        IReadOnlyCollection<RegisteredContract> contracts, bool mutable, CancellationToken cancellation);

    /// <summary>The contract of that hash, or null.</summary>
    Task<RegisteredContract?> FindAsync(string hash, CancellationToken cancellation);
}

/// <summary>A row of <c>contracts</c>.</summary>
/// <param name="Hash">SHA-256 in lower-case hex; the key.</param>
/// <param name="Name">The contract's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Source">jsonb: the file and everything it refers to.</param>
public sealed record RegisteredContract(string Hash, string Name, string Version, Onex.Contracts.Messages.RawJson Source);
