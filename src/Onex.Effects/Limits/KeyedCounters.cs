using Onex.Effects.Connections;
using Onex.Effects.Running;

namespace Onex.Effects.Limits;

/// <summary>
/// Counts permits by key in the memory of this process. The number of keys is bounded: of too many, those that were not used for longest
/// are removed, so that their next attempts may begin at once.
/// </summary>
internal sealed class KeyedCounters(TimeProvider time)
{
    /// <summary>The maximum number of keys.</summary>
    public const int KeysMax = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Counter>> _counters = new(StringComparer.Ordinal);
    private readonly LinkedList<Counter> _byUse = new();

    /// <summary>The number of keys that are held.</summary>
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

    /// <summary>Counts an attempt that begins now; or says how long it will take until one may.</summary>
    public TimeSpan TakeRate(string name, RateLimit limit)
    {
        lock (_lock)
        {
            var counter = Find(name);
            if (counter.Rate?.Limit != limit)
            {
                counter.Rate = new RateWindow(limit, time);
            }

            if (counter.Rate.Free <= 0)
            {
                return counter.Rate.UntilFree(1);
            }

            counter.Rate.Take();
            return TimeSpan.Zero;
        }
    }

    /// <summary>Counts an attempt that runs, unless there are as many as allowed.</summary>
    public bool TakeSlot(string name, int most)
    {
        lock (_lock)
        {
            var counter = Find(name);
            if (counter.Running >= most)
            {
                return false;
            }

            counter.Running++;
            return true;
        }
    }

    /// <summary>The attempt has ended.</summary>
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

    private Counter Find(string name)
    {
        if (_counters.TryGetValue(name, out var node))
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value;
        }

        if (_counters.Count >= KeysMax && Oldest() is { } oldest)
        {
            _byUse.Remove(oldest);
            _counters.Remove(oldest.Value.Name);
        }

        node = _byUse.AddLast(new Counter(name));
        _counters.Add(name, node);
        return node.Value;
    }

    // Not one with attempts that run: their number would be lost. There are fewer of those than a process may run at a time.
    private LinkedListNode<Counter>? Oldest()
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
