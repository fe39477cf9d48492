using Onex.Kafka.Consuming;

namespace Onex.Workers.Running;

/// <summary>
/// Admits computations, first come, first served: at most as many as may run at a time, and only while what they may hold together fits
/// into their share of the process's memory. One that alone exceeds the share runs alone.
/// </summary>
/// <param name="atOnce">The number of computations at a time.</param>
/// <param name="bytes">The memory of all computations together.</param>
internal sealed class ComputeRoom(int atOnce, long bytes) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(atOnce, atOnce);
    private readonly MemoryGate _memory = new(bytes);

    /// <summary>The number of computations at a time.</summary>
    public int AtOnce { get; } = atOnce;

    /// <summary>The number of computations that run, or wait for memory.</summary>
    public int Used => AtOnce - _slots.CurrentCount;

    /// <summary>Waits for a place, which is given back by disposing of it. Null if the command was cancelled meanwhile.</summary>
    public async ValueTask<IDisposable?> EnterAsync(long weight, CancellationToken stopped, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopped, cancellation);
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
        catch (OperationCanceledException) when (stopped.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    public void Dispose() => _slots.Dispose();

    private sealed class Place(SemaphoreSlim slots, IDisposable memory) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                memory.Dispose();
                slots.Release();
            }
        }
    }
}
