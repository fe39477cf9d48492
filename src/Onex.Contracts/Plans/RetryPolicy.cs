namespace Onex.Contracts.Plans;

/// <summary>How failures are retried.</summary>
/// <param name="Attempts">How often it is tried in all; at least 1.</param>
/// <param name="First">The delay before the second attempt.</param>
/// <param name="Factor">What each further delay is multiplied by.</param>
/// <param name="Max">The longest delay.</param>
/// <param name="Jitter">How delays are spread.</param>
/// <param name="Within">The time in which the last attempt must begin, from the first one on, or null.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan First, double Factor, TimeSpan Max, Jitter Jitter, TimeSpan? Within)
{
    /// <summary>5 attempts, first 200 ms, factor 2, at most 20 s, full jitter.</summary>
    public static RetryPolicy Default { get; } =
        new(5, TimeSpan.FromMilliseconds(200), 2, TimeSpan.FromSeconds(20), Jitter.Full, null);

    /// <summary>No attempt begins later than this after the first: outcomes of effects are kept a little longer, and not for ever.</summary>
    public static TimeSpan Span { get; } = TimeSpan.FromDays(14);

    /// <summary>The delays between all attempts together, as long as jitter can make them; at most 3660 days, in whole seconds if they are long.</summary>
    public TimeSpan LongestDelays
    {
        get
        {
            var (all, delay) = (0.0, First.TotalMilliseconds);
            for (var attempt = 1; attempt < Attempts; attempt++)
            {
                all += Math.Min(delay, Max.TotalMilliseconds);
                delay *= Factor;
            }

            all = Math.Min(all, TimeSpan.FromDays(3660).TotalMilliseconds);
            return TimeSpan.FromMilliseconds(all > 10_000 ? Math.Floor(all / 1000) * 1000 : Math.Floor(all));
        }
    }
}

/// <summary>How the delay before an attempt is spread.</summary>
public enum Jitter
{
    /// <summary>Anything from nothing to the delay.</summary>
    Full,

    /// <summary>The delay as it is.</summary>
    None,
}
