namespace Onex.Persistence.Ledger;

/// <summary>
/// Runs concurrent calls in batches. When idle, a call runs at once; when busy, the waiting calls run together as soon as the previous
/// batch has ended. There is no fixed delay.
/// </summary>
/// <param name="flush">Runs items together, with results in their order. Repeatable, because a data error makes items run again.</param>
/// <param name="batchMax">The most items per batch.</param>
/// <param name="isInvalidData">Whether an error means that an item's values are invalid. Then each item of the batch runs alone.</param>
internal sealed class GroupCommit<TItem, TResult>(
    Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> flush, int batchMax, Func<Exception, bool> isInvalidData)
{
    private readonly Lock _lock = new();
    private readonly Queue<Call> _waiting = new();
    private bool _running;

    /// <summary>Runs an item in a batch. Cancellation ends the wait, not the work.</summary>
    public Task<TResult> RunAsync(TItem item, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var call = new Call(item);
        lock (_lock)
        {
            _waiting.Enqueue(call);
            if (!_running)
            {
                _running = true;
                _ = Task.Run(FlushAllAsync, CancellationToken.None);
            }
        }

        return call.Completion.Task.WaitAsync(cancellation);
    }

    private async Task FlushAllAsync()
    {
        while (TakeBatch() is { Count: > 0 } calls)
        {
            await FlushAsync(calls);
        }
    }

    private List<Call> TakeBatch()
    {
        lock (_lock)
        {
            var calls = new List<Call>(Math.Min(_waiting.Count, batchMax));
            while (calls.Count < batchMax && _waiting.TryDequeue(out var call))
            {
                calls.Add(call);
            }

            _running = calls.Count > 0;
            return calls;
        }
    }

    private async Task FlushAsync(List<Call> calls)
    {
        try
        {
            var results = await flush([.. calls.Select(call => call.Item)]);
            for (var i = 0; i < calls.Count; i++)
            {
                calls[i].Completion.SetResult(results[i]);
            }
        }
        catch (Exception error) when (calls.Count > 1 && isInvalidData(error))
        {
            // The database rejects the values of an item; the items with valid values must succeed.
            foreach (var call in calls)
            {
                await FlushAsync([call]);
            }
        }
#pragma warning disable CA1031 // The callers get every exception.
        catch (Exception error)
#pragma warning restore CA1031
        {
            foreach (var call in calls)
            {
                call.Completion.TrySetException(error);
            }
        }
    }

    private sealed class Call(TItem item)
    {
        public TItem Item { get; } = item;

        public TaskCompletionSource<TResult> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
