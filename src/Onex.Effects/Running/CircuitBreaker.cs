using Onex.Effects.Connections;

namespace Onex.Effects.Running;

/// <summary>What an attempt says about its connection.</summary>
internal enum AttemptSign
{
    /// <summary>Nothing: it ended before it tried to reach the external system, or a problem of this process failed it.</summary>
    None,

    /// <summary>The external system works: the attempt completed, was rejected, or met a conflict of transactions.</summary>
    Works,

    /// <summary>The external system failed for this attempt, perhaps only for it.</summary>
    Fails,

    /// <summary>A failure that shows that the external system is unavailable. If the breaker is open then, the command is parked.</summary>
    Unavailable,
}

/// <summary>The state of a circuit breaker.</summary>
internal enum BreakerState
{
    /// <summary>Attempts begin.</summary>
    Closed,

    /// <summary>No attempt begins before the next trial is due.</summary>
    Open,

    /// <summary>One attempt runs as a trial, and no other begins.</summary>
    Trial,
}

/// <summary>
/// A circuit breaker. It opens when the failed share of the attempts within a period is too high, once <see cref="BreakerSettings.Calls"/>
/// were made in it. It also opens after as many failures in a row, however far apart, because an outage may show only in rare, slow
/// attempts. When the pause is over it lets one trial through. Not thread-safe: its gate holds the lock.
/// </summary>
internal sealed class CircuitBreaker(BreakerSettings settings, TimeProvider time)
{
    /// <summary>The longest pause that a service may request with Retry-After.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly AttemptCounts _counts = new(settings.Within, time);
    private int _consecutiveFailures;
    private bool _lastWasFailedFirstAttempt;
    private long _openedAt;
    private TimeSpan _pause;

    public BreakerSettings Settings { get; } = settings;

    /// <summary>Whether it is closed, open, or runs a trial.</summary>
    public BreakerState State { get; private set; }

    /// <summary>Since when it has not been closed; null while it is closed.</summary>
    public DateTimeOffset? Since { get; private set; }

    /// <summary>Why it opened, or why the last trial failed; null while it is closed.</summary>
    public string? Reason { get; private set; }

    /// <summary>How long it will take until the next trial may begin: zero if it may begin now, null unless it is open.</summary>
    public TimeSpan? UntilTrial
    {
        get
        {
            if (State != BreakerState.Open)
            {
                return null;
            }

            var remaining = _pause - time.GetElapsedTime(_openedAt);
            return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
        }
    }

    /// <summary>Begins a trial. Call it only while <see cref="UntilTrial"/> is zero.</summary>
    public void BeginTrial() => State = BreakerState.Trial;

    /// <summary>Reports the end of an attempt.</summary>
    /// <param name="sign">What the attempt says about the connection.</param>
    /// <param name="isTrial">Whether the attempt was the trial.</param>
    /// <param name="retryAfter">The Retry-After of the service, or null.</param>
    /// <param name="reason">Why the attempt failed, for people.</param>
    /// <param name="isFirstAnswer">Whether the external system answered the first attempt of a command.</param>
    public void Report(AttemptSign sign, bool isTrial, TimeSpan? retryAfter, string? reason, bool isFirstAnswer = false)
    {
        if (isTrial)
        {
            EndTrial(sign, retryAfter, reason);
        }
        else if (State == BreakerState.Closed && sign != AttemptSign.None)
        {
            // Counted only while the breaker is closed: one that ends while it is open began earlier, and says nothing of the present.
            var isFailure = sign != AttemptSign.Works;

            // Some services fail the first attempt of each command and accept the second. So of failed first attempts in a row only one
            // counts. In an outage the second attempts fail, too.
            var isUncounted = isFailure && isFirstAnswer && _lastWasFailedFirstAttempt;
            _lastWasFailedFirstAttempt = isFailure && isFirstAnswer;
            if (isUncounted)
            {
                return;
            }

            _consecutiveFailures = isFailure ? _consecutiveFailures + 1 : 0;
            var (attempts, failures) = _counts.Add(isFailure);
            var isShareTooHigh = attempts >= Settings.Calls && failures >= Settings.Ratio * attempts;
            if (_consecutiveFailures >= Settings.Calls || (isFailure && isShareTooHigh))
            {
                Open(retryAfter, reason);
            }
        }
    }

    /// <summary>Opens it at once if it is closed, whatever it has counted: no attempt can begin, as without a secret of Vault.</summary>
    public void OpenNow(string? reason)
    {
        if (State == BreakerState.Closed)
        {
            Open(null, reason);
        }
    }

    private void EndTrial(AttemptSign sign, TimeSpan? retryAfter, string? reason)
    {
        switch (sign)
        {
            case AttemptSign.Works:
                State = BreakerState.Closed;
                Since = null;
                Reason = null;
                _consecutiveFailures = 0;
                _lastWasFailedFirstAttempt = false;
                _counts.Clear();
                break;

            // The trial decided nothing, so the next attempt is a trial, too.
            case AttemptSign.None:
                State = BreakerState.Open;
                break;

            default:
                Open(retryAfter, reason);
                break;
        }
    }

    private void Open(TimeSpan? retryAfter, string? reason)
    {
        State = BreakerState.Open;
        Since ??= time.GetUtcNow();
        Reason = reason;
        _openedAt = time.GetTimestamp();
        var requested = retryAfter > LongestPause ? LongestPause : retryAfter ?? TimeSpan.Zero;
        _pause = requested > Settings.Pause ? requested : Settings.Pause;
    }
}
