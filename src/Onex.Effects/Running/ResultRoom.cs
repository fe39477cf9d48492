namespace Onex.Effects.Running;

/// <summary>
/// Lets the results of attempts grow as long as all together fit into the memory that there is for them. One attempt at a time may hold more than
/// that: it never waits, so that attempts that have begun to read cannot wait for each other for ever.
/// </summary>
/// <param name="capacity">The bytes of results that may be held, as they arrive.</param>
/// <param name="largest">The bytes that one may have.</param>
internal sealed class ResultRoom(long capacity, int largest)
{
    /// <summary>Room for whatever comes.</summary>
    public static ResultRoom Unbounded { get; } = new(long.MaxValue, int.MaxValue);

    private readonly Lock _lock = new();
    private readonly LinkedList<(Place Place, long More, TaskCompletionSource Turn)> _waiting = new();
    private long _held;
    private Place? _beyond;

    /// <summary>How many wait for room.</summary>
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

    /// <summary>A place for the result of one attempt. It holds nothing yet; disposing of it gives back what it holds.</summary>
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

    /// <summary>What one attempt holds.</summary>
    internal sealed class Place(ResultRoom room) : IDisposable
    {
        /// <summary>The bytes that one result may have.</summary>
        public int Largest => room.LargestOne;

        /// <summary>The bytes that it holds.</summary>
        public long Held { get; set; }

        /// <summary>Ends when there is room for so many bytes in all.</summary>
        public async ValueTask HoldAsync(long bytes, CancellationToken cancellation)
        {
            LinkedListNode<(Place Place, long More, TaskCompletionSource Turn)> mine;
            lock (room._lock)
            {
                var more = bytes - Held;
                if (more <= 0 || ((room._waiting.Count == 0 || room._beyond == this) && room.TryHold(this, more)))
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
                    // Unless it was let in at the very moment: what it holds is given back at the end.
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
