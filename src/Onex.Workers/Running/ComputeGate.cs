using Onex.Kafka.Consuming;

namespace Onex.Workers.Running;

/// <summary>
/// Admits computations, first come, first served: at most as many as may run at a time, and only while what they may hold together fits
/// into their share of the process's memory. A computation that exceeds the share by itself runs alone.
/// </summary>
/// <param name="slotCount">The number of computations at a time.</param>
/// <param name="bytes">The memory of all computations together.</param>
internal sealed class ComputeGate(int slotCount, long bytes) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(slotCount, slotCount);
    private readonly MemoryGate _memory = new(bytes);
    private readonly CancellationTokenSource _closed = new();

    public int SlotCount { get; } = slotCount;

    /// <summary>The number of computations that run, or wait for memory.</summary>
    public int Used => SlotCount - _slots.CurrentCount;

    /// <summary>Waits for a place and returns it; disposing of the place releases it. Null if the wait was cancelled.</summary>
    /// <exception cref="MessageReturnedException">The gate is closed.</exception>
    public async ValueTask<IDisposable?> EnterAsync(long weight, CancellationToken cancellation)
    {
        // Most computations need not wait, and then need no linked token.
        if (!_closed.IsCancellationRequested && _slots.Wait(0, CancellationToken.None))
        {
            if (_memory.TryEnter(weight) is { } memory)
            {
                return new Place(_slots, memory);
            }

            _slots.Release();
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closed.Token);
        try
        {
            await _slots.WaitAsync(either.Token);
            try
            {
                return new Place(_slots, await _memory.EnterAsync(weight, either.Token));
            }
            catch
            {
                _slots.Release();
                throw;
            }
        }
        catch (OperationCanceledException)
        {
            return cancellation.IsCancellationRequested ? null : throw new MessageReturnedException();
        }
    }

    /// <summary>Admits no more, because the process stops. Those that wait get an exception; those that were admitted run on.</summary>
    public void Close() => _closed.Cancel();

    public void Dispose()
    {
        _slots.Dispose();
        _closed.Dispose();
    }

    private sealed class Place(SemaphoreSlim slots, IDisposable memory) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0)
            {
                memory.Dispose();
                slots.Release();
            }
        }
    }
}
