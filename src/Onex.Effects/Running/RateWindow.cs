using Onex.Effects.Connections;

namespace Onex.Effects.Running;

/// <summary>Limits how many attempts begin per period, counted over a sliding window in steps of a tenth of it. Not thread-safe.</summary>
internal sealed class RateWindow(RateLimit limit, TimeProvider time)
{
    private const int Parts = 10;

    private readonly (long Number, int Begun)[] _parts = new (long, int)[Parts];
    private readonly long _start = time.GetTimestamp();
    private readonly long _partTicks = Math.Max(1, limit.Window.Ticks / Parts);

    public RateLimit Limit { get; } = limit;

    /// <summary>How many attempts may begin now.</summary>
    public int FreePermits
    {
        get
        {
            var now = CurrentPart();
            return Math.Max(0, Limit.Permits - _parts.Where(part => part.Number > now - Parts).Sum(part => part.Begun));
        }
    }

    /// <summary>Counts an attempt that begins now. Call it only while <see cref="FreePermits"/> is above zero.</summary>
    public void Take()
    {
        var now = CurrentPart();
        ref var part = ref _parts[now % Parts];
        if (part.Number != now)
        {
            part = (now, 0);
        }

        part.Begun++;
    }

    /// <summary>Reverses the count of an attempt that did not begin. Does nothing if the present part has no count.</summary>
    public void GiveBack()
    {
        ref var part = ref _parts.AsSpan()[(int)(CurrentPart() % Parts)];
        part.Begun = Math.Max(0, part.Begun - 1);
    }

    /// <summary>How long it will take until this many attempts may begin, if no other attempt begins; zero if they may begin now.</summary>
    public TimeSpan UntilFree(int attempts)
    {
        var now = CurrentPart();
        var missing = Math.Min(attempts, Limit.Permits) - FreePermits;
        foreach (var (number, begun) in _parts.Where(part => part.Number > now - Parts && part.Begun > 0).OrderBy(part => part.Number))
        {
            if (missing <= 0)
            {
                break;
            }

            missing -= begun;
            if (missing <= 0)
            {
                // A part counts until a whole window after its beginning. Attempts beyond the permits of one window wait further windows.
                var wait = TimeSpan.FromTicks((number + Parts) * _partTicks) - time.GetElapsedTime(_start);
                return (wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1)) + Limit.Window * FurtherWindows(attempts);
            }
        }

        return Limit.Window * FurtherWindows(attempts);
    }

    private int FurtherWindows(int attempts) => (attempts - 1) / Limit.Permits;

    private long CurrentPart() => time.GetElapsedTime(_start).Ticks / _partTicks;
}
