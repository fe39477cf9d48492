namespace Onex.Kafka.Producing;

/// <summary>
/// Hands items over in order, in batches. While few items arrive, none waits, because no other item would join it. While many arrive, they
/// wait some milliseconds for each other, because a large request costs the broker about as much as a small one.
/// </summary>
internal sealed class LingerQueue<T> : IDisposable
{
    /// <summary>
    /// From this many waiting items on, none waits for more. A batch may be larger: it also has what arrived during the handover before it.
    /// </summary>
    public const int BatchMax = 500;

    private const int LongestWaitMs = 5;

    // Up to the first rate no item waits. From the second rate on, each waits at most the longest time.
    private const double FewPerSecond = 500;
    private const double ManyPerSecond = 3000;

    private static readonly TimeSpan _window = TimeSpan.FromMilliseconds(50);

    private readonly Action<IReadOnlyList<T>> _handOver;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private List<T> _waiting = [];
    private List<T> _batch = [];
    private bool _isHandingOver;
    private bool _isTimed;
    private bool _isClosed;

    // The items since the window began, and the wait that follows from the window before.
    private long _windowBegan;
    private int _arrived;
    private int _waitMs;

    /// <param name="handOver">Takes a batch, on one thread at a time. Must neither throw, block nor keep the list.</param>
    /// <param name="time">The clock.</param>
    public LingerQueue(Action<IReadOnlyList<T>> handOver, TimeProvider time)
    {
        _handOver = handOver;
        _time = time;
        _windowBegan = time.GetTimestamp();
        _timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Adds an item behind all earlier ones.</summary>
    public void Add(T item)
    {
        lock (_lock)
        {
            _waiting.Add(item);
            Measure();
            if (_isHandingOver || WaitForMore())
            {
                return;
            }

            _isHandingOver = true;
        }

        HandOver();
    }

    /// <summary>Hands over the waiting items. Later items are handed over at once.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
        }

        OnTimer();
        SpinWait.SpinUntil(() => !Volatile.Read(ref _isHandingOver));
        _timer.Dispose();
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            _isTimed = false;
            if (_isHandingOver)
            {
                return;
            }

            _isHandingOver = true;
        }

        HandOver();
    }

    private void HandOver()
    {
        for (var first = true; ; first = false)
        {
            lock (_lock)
            {
                _batch.Clear();
                if (_waiting.Count == 0 || (!first && WaitForMore()))
                {
                    Volatile.Write(ref _isHandingOver, false);
                    return;
                }

                (_batch, _waiting) = (_waiting, _batch);
            }

            _handOver(_batch);
        }
    }

    // Called with the lock held.
    private void Measure()
    {
        _arrived++;
        var elapsed = _time.GetElapsedTime(_windowBegan);
        if (elapsed >= _window)
        {
            var share = ((_arrived / elapsed.TotalSeconds) - FewPerSecond) / (ManyPerSecond - FewPerSecond);
            _waitMs = (int)(LongestWaitMs * Math.Clamp(share, 0, 1));
            _arrived = 0;
            _windowBegan = _time.GetTimestamp();
        }
    }

    // Returns whether the waiting items must wait for more, and starts the timer if so. Called with the lock held.
    private bool WaitForMore()
    {
        if (_waitMs == 0 || _isClosed || _waiting.Count >= BatchMax)
        {
            return false;
        }

        if (!_isTimed)
        {
            _isTimed = true;
            _timer.Change(TimeSpan.FromMilliseconds(_waitMs), Timeout.InfiniteTimeSpan);
        }

        return true;
    }
}
