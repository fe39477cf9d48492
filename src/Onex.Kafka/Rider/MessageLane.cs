using Onex.Kafka.Consuming;

namespace Onex.Kafka.Rider;

/// <summary>
/// A thread of the pool that begins to handle messages, one after the other. A handler defers work that may block: the lane runs it when
/// the handler has returned its task, which wakes no other thread. If running work is given up, a new lane begins the other messages.
/// </summary>
public sealed class MessageLane : IThreadPoolWorkItem
{
    [ThreadStatic]
    private static MessageLane? _current;

    private readonly Lock _lock = new();
    private readonly MessageLanes _lanes;
    private IThreadPoolWorkItem? _deferred;
    private IThreadPoolWorkItem? _running;
    private bool _isReplaced;

    internal MessageLane(MessageLanes lanes) => _lanes = lanes;

    /// <summary>The lane that runs on this thread, or null.</summary>
    public static MessageLane? Current => _current;

    internal bool IsReplaced
    {
        get
        {
            lock (_lock)
            {
                return _isReplaced;
            }
        }
    }

    /// <summary>Runs this work next. Call it on the lane's thread. Returns false if other work is deferred already.</summary>
    public bool TryDefer(IThreadPoolWorkItem work)
    {
        if (_deferred is not null)
        {
            return false;
        }

        _deferred = work;
        return true;
    }

    /// <summary>Says that nobody waits for this work any more. If it still blocks the lane, a new lane replaces the lane.</summary>
    public void GiveUp(IThreadPoolWorkItem work)
    {
        lock (_lock)
        {
            if (_running != work || _isReplaced)
            {
                return;
            }

            _isReplaced = true;
        }

        _lanes.Start();
    }

    void IThreadPoolWorkItem.Execute()
    {
        _current = this;
        while (_lanes.BeginNext(this))
        {
            while (_deferred is { } work)
            {
                _deferred = null;
                SetRunning(work);
                work.Execute();
                SetRunning(null);
            }
        }

        _current = null;
    }

    private void SetRunning(IThreadPoolWorkItem? work)
    {
        lock (_lock)
        {
            _running = work;
        }
    }
}

/// <summary>Begins messages in their order, on a limited number of lanes.</summary>
/// <param name="lanesMax">The most lanes; those that are replaced do not count.</param>
/// <param name="begin">Begins to handle a message. It does not throw.</param>
internal sealed class MessageLanes(int lanesMax, Action<BatchEntry, CancellationToken> begin)
{
    private readonly Lock _lock = new();
    private readonly Queue<(BatchEntry Entry, CancellationToken Cancellation)> _waiting = new();
    private int _lanes;

    /// <summary>Adds a message behind all earlier ones.</summary>
    public void Add(BatchEntry entry, CancellationToken cancellation)
    {
        lock (_lock)
        {
            _waiting.Enqueue((entry, cancellation));
            if (_lanes == lanesMax)
            {
                return;
            }

            _lanes++;
        }

        Start();
    }

    /// <summary>Starts a lane that is counted already.</summary>
    public void Start() => ThreadPool.UnsafeQueueUserWorkItem(new MessageLane(this), preferLocal: false);

    /// <summary>Begins the next message on a lane. Returns false if the lane must end.</summary>
    public bool BeginNext(MessageLane lane)
    {
        (BatchEntry Entry, CancellationToken Cancellation) next;
        if (lane.IsReplaced)
        {
            return false;
        }

        lock (_lock)
        {
            if (!_waiting.TryDequeue(out next))
            {
                _lanes--;
                return false;
            }
        }

        begin(next.Entry, next.Cancellation);
        return true;
    }
}
