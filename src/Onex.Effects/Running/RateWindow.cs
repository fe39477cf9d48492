using Onex.Effects.Connections;

namespace Onex.Effects.Running;

/// <summary>Limits how many attempts begin per period, counted over a sliding window in steps of a tenth of it. Not thread-safe.</summary>
internal sealed class RateWindow(RateLimit limit, TimeProvider time)
{
    private const int Parts = 10;

    private readonly (long Part, int Begun)[] _parts = new (long, int)[Parts];
    private readonly long _start = time.GetTimestamp();
    private readonly long _ticks = Math.Max(1, limit.Window.Ticks / Parts);

    /// <summary>The limit.</summary>
    public RateLimit Limit { get; } = limit;

    /// <summary>How many attempts may begin now.</summary>
    public int Free
    {
        get
        {
            var now = Now();
            return Math.Max(0, Limit.Permits - _parts.Where(part => part.Part > now - Parts).Sum(part => part.Begun));
        }
    }

    /// <summary>Counts an attempt that begins now. Call it only while <see cref="Free"/> is above zero.</summary>
    public void Take()
    {
        var now = Now();
        ref var part = ref _parts[now % Parts];
        if (part.Part != now)
        {
            part = (now, 0);
        }

        part.Begun++;
    }

    /// <summary>Reverses the count of an attempt that did not begin.</summary>
    public void GiveBack()
    {
        ref var part = ref _parts.AsSpan()[(int)(Now() % Parts)];
        part.Begun = Math.Max(0, part.Begun - 1);
    }

    /// <summary>How long it will take until this many attempts may begin, if no other attempt begins; zero if they may begin now.</summary>
    public TimeSpan UntilFree(int attempts)
    {
        var now = Now();
        var missing = Math.Min(attempts, Limit.Permits) - Free;
        foreach (var (part, begun) in _parts.Where(part => part.Part > now - Parts && part.Begun > 0).OrderBy(part => part.Part))
        {
            if (missing <= 0)
            {
                break;
            }

            missing -= begun;
            if (missing <= 0)
            {
                // The count of a part ends a whole window after its beginning. What goes beyond one window follows at the same rate.
                var wait = TimeSpan.FromTicks((part + Parts) * _ticks) - time.GetElapsedTime(_start);
                return (wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1)) + Limit.Window * Windows(attempts);
            }
        }

        return Limit.Window * Windows(attempts);
    }

    private int Windows(int attempts) => (attempts - 1) / Limit.Permits;

    private long Now() => time.GetElapsedTime(_start).Ticks / _ticks;
}
