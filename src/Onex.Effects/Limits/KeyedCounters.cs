using Onex.Effects.Connections;
using Onex.Effects.Running;

namespace Onex.Effects.Limits;

/// <summary>
/// Counts permits by key in the memory of this process. Beyond <see cref="KeysMax"/> a further key replaces the least recently used one
/// without running attempts, if there is one. The rate of that one is lost, so its next attempts may begin at once.
/// </summary>
internal sealed class KeyedCounters(TimeProvider time)
{
    public const int KeysMax = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Counter>> _counters = new(StringComparer.Ordinal);
    private readonly LinkedList<Counter> _byUse = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _counters.Count;
            }
        }
    }

    /// <summary>Counts an attempt and returns zero if it may begin now; else returns how long it must wait.</summary>
    public TimeSpan TakeRate(string name, RateLimit limit)
    {
        lock (_lock)
        {
            var counter = GetOrAdd(name);
            if (counter.Rate?.Limit != limit)
            {
                counter.Rate = new RateWindow(limit, time);
            }

            if (counter.Rate.FreePermits <= 0)
            {
                return counter.Rate.UntilFree(1);
            }

            counter.Rate.Take();
            return TimeSpan.Zero;
        }
    }

    /// <summary>Counts a running attempt; false if as many run as are allowed.</summary>
    public bool TryTakeSlot(string name, int slotsMax)
    {
        lock (_lock)
        {
            var counter = GetOrAdd(name);
            if (counter.Running >= slotsMax)
            {
                return false;
            }

            counter.Running++;
            return true;
        }
    }

    /// <summary>Records that a running attempt has ended.</summary>
    public void ReleaseSlot(string name)
    {
        lock (_lock)
        {
            if (_counters.TryGetValue(name, out var node))
            {
                node.Value.Running = Math.Max(0, node.Value.Running - 1);
            }
        }
    }

    private Counter GetOrAdd(string name)
    {
        if (_counters.TryGetValue(name, out var node))
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value;
        }

        if (_counters.Count >= KeysMax && LeastRecentlyUsed() is { } unused)
        {
            _byUse.Remove(unused);
            _counters.Remove(unused.Value.Name);
        }

        node = _byUse.AddLast(new Counter(name));
        _counters.Add(name, node);
        return node.Value;
    }

    // Skips counters with running attempts, whose number would be lost; null if all have some.
    private LinkedListNode<Counter>? LeastRecentlyUsed()
    {
        var node = _byUse.First;
        while (node is { Value.Running: > 0 })
        {
            node = node.Next;
        }

        return node;
    }

    private sealed class Counter(string name)
    {
        public string Name => name;

        public RateWindow? Rate { get; set; }

        public int Running { get; set; }
    }
}
