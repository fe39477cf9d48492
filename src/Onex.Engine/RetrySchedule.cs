using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>When a failed attempt is followed by the next one. Pure: jitter is derived from the command's id and the attempt.</summary>
internal static class RetrySchedule
{
    // The maximum delay that a service may request with Retry-After.
    private static readonly TimeSpan _longestRetryAfter = TimeSpan.FromHours(1);

    /// <summary>The delay before the attempt that follows <paramref name="attempt"/>.</summary>
    public static TimeSpan Delay(RetryPolicy policy, CommandId commandId, int attempt, TimeSpan? retryAfter)
    {
        // The exponent has a maximum so that the power stays finite.
        var delay = policy.First.TotalMilliseconds * Math.Pow(policy.Factor, Math.Min(attempt - 1, 60));
        delay = Math.Min(delay, policy.Max.TotalMilliseconds);
        if (policy.Jitter == Jitter.Full)
        {
            delay *= Identity.Fraction(commandId, attempt);
        }

        var scheduled = TimeSpan.FromMilliseconds(delay);
        var requested = retryAfter ?? TimeSpan.Zero;
        requested = requested < _longestRetryAfter ? requested : _longestRetryAfter;
        return requested > scheduled ? requested : scheduled;
    }

    /// <summary>Whether another attempt is allowed that would begin at <paramref name="next"/>.</summary>
    public static bool Allows(RetryPolicy policy, int attempt, DateTimeOffset firstSentAt, DateTimeOffset next) =>
        attempt < policy.Attempts && (policy.Within is not { } within || next - firstSentAt <= within);
}
