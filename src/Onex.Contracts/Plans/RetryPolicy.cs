using Onex.Contracts.Text;

namespace Onex.Contracts.Plans;

/// <summary>How failures are retried.</summary>
/// <param name="Attempts">The maximum of attempts; at least 1.</param>
/// <param name="First">The delay before the second attempt.</param>
/// <param name="Factor">The factor by which the delay grows.</param>
/// <param name="Max">The longest delay.</param>
/// <param name="Jitter">How delays are randomized.</param>
/// <param name="Within">The time from the first attempt within which the last one must begin, or null.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan First, double Factor, TimeSpan Max, Jitter Jitter, TimeSpan? Within)
{
    /// <summary>The policy if neither the step nor its connection sets one.</summary>
    public static RetryPolicy Default { get; } =
        new(5, TimeSpan.FromMilliseconds(200), 2, TimeSpan.FromSeconds(20), Jitter.Full, null);

    /// <summary>No attempt begins later than this after the first, because the effect ledger deletes outcomes soon after that.</summary>
    public static TimeSpan Span { get; } = TimeSpan.FromDays(14);

    /// <summary>
    /// The sum of the delays between all attempts without jitter, at most <see cref="Durations.Longest"/>. Rounded down for messages: to
    /// whole seconds above ten seconds, to whole milliseconds below.
    /// </summary>
    public TimeSpan LongestDelays
    {
        get
        {
            var (sum, delay) = (0.0, First.TotalMilliseconds);
            for (var attempt = 1; attempt < Attempts; attempt++)
            {
                sum += Math.Min(delay, Max.TotalMilliseconds);
                delay *= Factor;
            }

            sum = Math.Min(sum, Durations.Longest.TotalMilliseconds);
            return TimeSpan.FromMilliseconds(sum > 10_000 ? Math.Floor(sum / 1000) * 1000 : Math.Floor(sum));
        }
    }
}

/// <summary>How the delay before an attempt is randomized.</summary>
public enum Jitter
{
    /// <summary>A random time up to the delay.</summary>
    Full,

    /// <summary>Exactly the delay.</summary>
    None,
}
