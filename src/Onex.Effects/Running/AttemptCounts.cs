namespace Onex.Effects.Running;

/// <summary>Counts attempts over a sliding period, in steps of a tenth of it. Not thread-safe.</summary>
internal sealed class AttemptCounts(TimeSpan within, TimeProvider time)
{
    private const int Parts = 10;

    private readonly (long Part, int Attempts, int Failures)[] _parts = new (long, int, int)[Parts];
    private readonly long _start = time.GetTimestamp();

    /// <summary>Adds an attempt and returns the counts of the period.</summary>
    public (int Attempts, int Failures) Add(bool failed)
    {
        var now = Now();
        ref var part = ref _parts[now % Parts];
        if (part.Part != now)
        {
            part = (now, 0, 0);
        }

        part.Attempts++;
        part.Failures += failed ? 1 : 0;
        return Sum(now);
    }

    /// <summary>The counts of the period.</summary>
    public (int Attempts, int Failures) Read() => Sum(Now());

    private (int Attempts, int Failures) Sum(long now)
    {
        var (attempts, failures) = (0, 0);
        foreach (var one in _parts)
        {
            if (one.Part > now - Parts)
            {
                attempts += one.Attempts;
                failures += one.Failures;
            }
        }

        return (attempts, failures);
    }

    /// <summary>Starts to count from zero.</summary>
    public void Clear() => Array.Clear(_parts);

    private long Now() => time.GetElapsedTime(_start).Ticks / Math.Max(1, within.Ticks / Parts);
}
