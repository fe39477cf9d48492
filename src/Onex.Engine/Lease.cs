namespace Onex.Engine;

/// <summary>The entry of a command in the effect ledger while its outcome is unknown.</summary>
/// <param name="Attempt">The latest attempt that a role claimed; 0 if none was.</param>
/// <param name="ValidUntil">When the lease expires; null if no role holds it.</param>
internal sealed record Lease(int Attempt, DateTimeOffset? ValidUntil)
{
    /// <summary>
    /// Whether the command was cancelled, so that it did not take effect: before a role claimed it, or, if <see cref="Attempt"/> is above
    /// 0, while that attempt was parked.
    /// </summary>
    public bool Cancelled { get; init; }

    /// <summary>Since when it is parked, because its connection does not let it begin; null if it is not.</summary>
    public DateTimeOffset? ParkedAt { get; init; }
}
