namespace Onex.Effects.Connections;

/// <summary>
/// The limits of a connection that are counted per key, or over all processes. Limits of a process without a key are
/// <see cref="Connection.RateLimit"/> and <see cref="Connection.Concurrency"/>.
/// </summary>
/// <param name="Rate">How many attempts may begin per period, or null.</param>
/// <param name="IsRateOfCluster">Whether all processes count the rate together.</param>
/// <param name="Concurrency">How many attempts may run at the same time, or null.</param>
/// <param name="IsConcurrencyOfCluster">Whether all processes count running attempts together.</param>
internal sealed record SharedLimitSettings(RateLimit? Rate, bool IsRateOfCluster, int? Concurrency, bool IsConcurrencyOfCluster)
{
    /// <summary>Whether the rate is counted per key.</summary>
    public bool IsRateKeyed { get; init; }

    /// <summary>Whether the concurrency is counted per key.</summary>
    public bool IsConcurrencyKeyed { get; init; }

    /// <summary>Whether some limit is counted by all processes together.</summary>
    public bool IsOfCluster => IsRateOfCluster || IsConcurrencyOfCluster;
}
