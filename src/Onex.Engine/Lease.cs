namespace Onex.Engine;

/// <summary>The ledger entry of a command whose outcome it does not know.</summary>
/// <param name="Attempt">The latest attempt that a role claimed.</param>
/// <param name="ValidUntil">When the lease expires; null if it has expired.</param>
internal sealed record Lease(int Attempt, DateTimeOffset? ValidUntil)
{
    /// <summary>Whether it was cancelled before a role claimed it, so it never takes effect.</summary>
    public bool Cancelled { get; init; }
}
