namespace Onex.Kafka.Consuming;

/// <summary>Admits work up to a total weight, first come, first served. Work that is heavier than the capacity enters alone.</summary>
/// <param name="capacity">The total weight that may be inside.</param>
public sealed class MemoryGate(long capacity)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(long Weight, TaskCompletionSource Turn)> _waiting = new();
    private long _inside;

    /// <summary>Enters if that is possible without a wait, else returns null. Disposing of the result gives the weight back.</summary>
    public IDisposable? TryEnter(long weight)
    {
        weight = Math.Clamp(weight, 0, capacity);
        lock (_lock)
        {
            if (_waiting.Count > 0 || _inside + weight > capacity)
            {
                return null;
            }

            _inside += weight;
            return new Place(this, weight);
        }
    }

    /// <summary>Waits for its turn. Disposing of the result gives the weight back.</summary>
    public ValueTask<IDisposable> EnterAsync(long weight, CancellationToken cancellation) =>
        TryEnter(weight) is { } place ? new(place) : WaitAsync(weight, cancellation);

    private async ValueTask<IDisposable> WaitAsync(long weight, CancellationToken cancellation)
    {
        weight = Math.Clamp(weight, 0, capacity);
        LinkedListNode<(long Weight, TaskCompletionSource Turn)> mine;
        lock (_lock)
        {
            mine = _waiting.AddLast((weight, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));

            // Another may have left since TryEnter.
            Admit();
        }

        try
        {
            await mine.Value.Turn.Task.WaitAsync(cancellation);
        }
        catch
        {
            lock (_lock)
            {
                if (mine.List is null)
                {
                    // Admitted at the moment of the cancellation.
                    _inside -= weight;
                }
                else
                {
                    _waiting.Remove(mine);
                }

                Admit();
            }

            throw;
        }

        return new Place(this, weight);
    }

    private void Admit()
    {
        while (_waiting.First is { } next && _inside + next.Value.Weight <= capacity)
        {
            _inside += next.Value.Weight;
            _waiting.Remove(next);
            next.Value.Turn.SetResult();
        }
    }

    private sealed class Place(MemoryGate gate, long weight) : IDisposable
    {
        private int _hasLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _hasLeft, 1) == 0)
            {
                lock (gate._lock)
                {
                    gate._inside -= weight;
                    gate.Admit();
                }
            }
        }
    }
}
