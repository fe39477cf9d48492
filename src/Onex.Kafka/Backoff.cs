namespace Onex.Kafka;

/// <summary>
/// Waits that double from the first to the longest, each shortened by up to a quarter so that processes do not retry in step.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, TimeProvider time)
{
    private readonly Random _jitter = new();
    private TimeSpan _next;

    /// <summary>For failures that all records share: 100 ms to 2 s.</summary>
    public static Backoff ForSharedFailure(TimeProvider time) =>
        new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2), time);

    /// <summary>The length of the next wait.</summary>
    public TimeSpan Next()
    {
        var wait = _next < first ? first : _next;
        _next = wait * 2 < longest ? wait * 2 : longest;
        return wait * (1 - (_jitter.NextDouble() / 4));
    }

    public Task WaitAsync(CancellationToken cancellation) => Task.Delay(Next(), time, cancellation);

    public void Reset() => _next = TimeSpan.Zero;
}
