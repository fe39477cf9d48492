namespace Onex.Engine;

/// <summary>The ledger entry of a command whose outcome it does not know.</summary>
/// <param name="Attempt">The latest attempt that a role claimed.</param>
/// <param name="ValidUntil">When the lease expires; null if it has expired.</param>
internal sealed record Lease(int Attempt, DateTimeOffset? ValidUntil)
{
    /// <summary>
    /// Whether it was cancelled before a role claimed it, or, if <see cref="Attempt"/> is above 0, while that attempt was parked: it did
    /// not take effect.
    /// </summary>
    public bool Cancelled { get; init; }

    /// <summary>Since when it is parked, because its connection does not let it begin; null if it is not.</summary>
    public DateTimeOffset? ParkedAt { get; init; }
}
