namespace Onex.Effects.Running;

/// <summary>Counts attempts over a sliding period, in steps of a tenth of it. Not thread-safe.</summary>
internal sealed class AttemptCounts(TimeSpan within, TimeProvider time)
{
    private const int Parts = 10;

    private readonly (long Number, int Attempts, int Failures)[] _parts = new (long, int, int)[Parts];
    private readonly long _start = time.GetTimestamp();

    /// <summary>Adds an attempt and returns the counts of the period.</summary>
    public (int Attempts, int Failures) Add(bool isFailure)
    {
        var now = CurrentPart();
        ref var part = ref _parts[now % Parts];
        if (part.Number != now)
        {
            part = (now, 0, 0);
        }

        part.Attempts++;
        part.Failures += isFailure ? 1 : 0;
        return Sum(now);
    }

    public (int Attempts, int Failures) Read() => Sum(CurrentPart());

    private (int Attempts, int Failures) Sum(long now)
    {
        var (attempts, failures) = (0, 0);
        foreach (var part in _parts)
        {
            if (part.Number > now - Parts)
            {
                attempts += part.Attempts;
                failures += part.Failures;
            }
        }

        return (attempts, failures);
    }

    public void Clear() => Array.Clear(_parts);

    private long CurrentPart() => time.GetElapsedTime(_start).Ticks / Math.Max(1, within.Ticks / Parts);
}
