namespace Onex.Effects.Operations;

/// <summary>
/// Limits the memory of all results together. Attempts wait for free memory as their results grow. One attempt at a time may exceed the
/// limit without waiting, so that attempts that have begun to read cannot deadlock.
/// </summary>
/// <param name="capacity">The maximum size of all results together, in bytes, except for one attempt.</param>
/// <param name="largest">The maximum size of one result in bytes. Operations check it.</param>
internal sealed class ResultMemory(long capacity, int largest)
{
    /// <summary>A memory without a limit.</summary>
    public static ResultMemory Unbounded { get; } = new(long.MaxValue, int.MaxValue);

    private readonly Lock _lock = new();
    private readonly LinkedList<(Reservation Reservation, long Additional, TaskCompletionSource Granted)> _waiting = new();
    private long _reserved;
    private Reservation? _exceeding;

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

    private int Largest { get; } = largest;

    /// <summary>Begins a reservation, without memory yet, for the result of an attempt. Disposing of it releases its memory.</summary>
    public Reservation Begin() => new(this);

    // Called with the lock held.
    private bool TryReserve(Reservation reservation, long additional)
    {
        // A cancelled attempt may have left code running, which still reserves after the attempt has ended.
        if (reservation.HasEnded)
        {
            return true;
        }

        if (_reserved + additional > capacity && _exceeding != reservation)
        {
            if (_exceeding is not null)
            {
                return false;
            }

            _exceeding = reservation;
        }

        _reserved += additional;
        reservation.Bytes += additional;
        return true;
    }

    // Called with the lock held.
    private void GrantWaiting()
    {
        while (_waiting.First is { Value: var next } && TryReserve(next.Reservation, next.Additional))
        {
            _waiting.RemoveFirst();
            next.Granted.SetResult();
        }
    }

    /// <summary>The reservation of an attempt.</summary>
    internal sealed class Reservation(ResultMemory memory) : IDisposable
    {
        /// <summary>The maximum size of one result in bytes. Operations check it.</summary>
        public int Largest => memory.Largest;

        public long Bytes { get; set; }

        public bool HasEnded { get; private set; }

        /// <summary>Completes when this many bytes in total are reserved. After it was disposed of it reserves nothing.</summary>
        public async ValueTask ReserveAsync(long bytes, CancellationToken cancellation)
        {
            LinkedListNode<(Reservation Reservation, long Additional, TaskCompletionSource Granted)> waiter;
            lock (memory._lock)
            {
                var additional = bytes - Bytes;
                var isNext = memory._waiting.Count == 0 || memory._exceeding == this;
                if (HasEnded || additional <= 0 || (isNext && memory.TryReserve(this, additional)))
                {
                    return;
                }

                var granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiter = memory._waiting.AddLast((this, additional, granted));
            }

            try
            {
                await waiter.Value.Granted.Task.WaitAsync(cancellation);
            }
            catch
            {
                lock (memory._lock)
                {
                    // It is not in the list if it was granted at that moment; Dispose then releases its memory.
                    if (waiter.List is not null)
                    {
                        memory._waiting.Remove(waiter);
                    }

                    memory.GrantWaiting();
                }

                throw;
            }
        }

        public void Dispose()
        {
            lock (memory._lock)
            {
                HasEnded = true;
                memory._reserved -= Bytes;
                Bytes = 0;
                if (memory._exceeding == this)
                {
                    memory._exceeding = null;
                }

                memory.GrantWaiting();
            }
        }
    }
}
