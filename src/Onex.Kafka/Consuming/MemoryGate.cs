namespace Onex.Kafka.Consuming;

/// <summary>Lets in as much at a time as there is memory for, first come, first served. What is too heavy for it comes in alone.</summary>
/// <param name="capacity">The weight that may be inside.</param>
public sealed class MemoryGate(long capacity)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(long Weight, TaskCompletionSource Turn)> _waiting = new();
    private long _inside;

    /// <summary>Waits for its turn. Whoever disposes of the answer leaves.</summary>
    public async ValueTask<IDisposable> EnterAsync(long weight, CancellationToken cancellation)
    {
        weight = Math.Clamp(weight, 0, capacity);
        LinkedListNode<(long Weight, TaskCompletionSource Turn)> mine;
        lock (_lock)
        {
            if (_waiting.Count == 0 && _inside + weight <= capacity)
            {
                _inside += weight;
                return new Place(this, weight);
            }

            mine = _waiting.AddLast((weight, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
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
                    // Let in at the very moment.
                    _inside -= weight;
                }
                else
                {
                    _waiting.Remove(mine);
                }

                LetIn();
            }

            throw;
        }

        return new Place(this, weight);
    }

    private void LetIn()
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
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                lock (gate._lock)
                {
                    gate._inside -= weight;
                    gate.LetIn();
                }
            }
        }
    }
}
