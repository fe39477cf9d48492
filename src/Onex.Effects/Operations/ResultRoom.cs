namespace Onex.Effects.Operations;

/// <summary>
/// Limits the memory of all results together. Attempts wait for free memory as their results grow. One attempt at a time may exceed the
/// limit without waiting, so that attempts that have begun to read cannot deadlock.
/// </summary>
/// <param name="capacity">The maximum size of all results together, in bytes as received.</param>
/// <param name="largest">The maximum size of one result in bytes.</param>
internal sealed class ResultRoom(long capacity, int largest)
{
    /// <summary>Without a limit.</summary>
    public static ResultRoom Unbounded { get; } = new(long.MaxValue, int.MaxValue);

    private readonly Lock _lock = new();
    private readonly LinkedList<(Place Place, long More, TaskCompletionSource Turn)> _waiting = new();
    private long _held;
    private Place? _beyond;

    /// <summary>The number of attempts that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    private int LargestOne { get; } = largest;

    /// <summary>Begins a reservation for the result of an attempt. Disposing of it releases its memory.</summary>
    public Place Begin() => new(this);

    // Called with the lock held.
    private bool TryHold(Place place, long more)
    {
        if (_held + more > capacity && _beyond != place)
        {
            if (_beyond is not null)
            {
                return false;
            }

            _beyond = place;
        }

        _held += more;
        place.Held += more;
        return true;
    }

    // Called with the lock held.
    private void LetIn()
    {
        while (_waiting.First is { Value: var next } && TryHold(next.Place, next.More))
        {
            _waiting.RemoveFirst();
            next.Turn.SetResult();
        }
    }

    /// <summary>The reservation of an attempt.</summary>
    internal sealed class Place(ResultRoom room) : IDisposable
    {
        /// <summary>The maximum size of one result in bytes.</summary>
        public int Largest => room.LargestOne;

        /// <summary>The reserved bytes.</summary>
        public long Held { get; set; }

        private bool _hasEnded;

        /// <summary>Completes when this many bytes in total are reserved.</summary>
        public async ValueTask HoldAsync(long bytes, CancellationToken cancellation)
        {
            LinkedListNode<(Place Place, long More, TaskCompletionSource Turn)> mine;
            lock (room._lock)
            {
                var more = bytes - Held;
                // Code that a cancelled attempt left running may get here after the attempt has ended.
                if (_hasEnded || more <= 0 || ((room._waiting.Count == 0 || room._beyond == this) && room.TryHold(this, more)))
                {
                    return;
                }

                mine = room._waiting.AddLast((this, more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
            }

            try
            {
                await mine.Value.Turn.Task.WaitAsync(cancellation);
            }
            catch
            {
                lock (room._lock)
                {
                    // Unless it was granted at that moment; its memory is then released at the end.
                    if (mine.List is not null)
                    {
                        room._waiting.Remove(mine);
                    }

                    room.LetIn();
                }

                throw;
            }
        }

        public void Dispose()
        {
            lock (room._lock)
            {
                _hasEnded = true;
                room._held -= Held;
                Held = 0;
                if (room._beyond == this)
                {
                    room._beyond = null;
                }

                room.LetIn();
            }
        }
    }
}
