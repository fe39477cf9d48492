namespace Onex.Persistence.Ledger;

/// <summary>
/// Batches concurrent calls into one statement. When idle, a call runs at once; when busy, the next batch runs as soon as the previous
/// statement returns. There is no fixed delay.
/// </summary>
/// <param name="flush">Runs items together and returns a result for each, in their order. Must be repeatable with the same items.</param>
/// <param name="batchMax">The most items per statement.</param>
/// <param name="isInvalidData">Whether an error means that the values of one item are invalid.</param>
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
            // The database rejects the values of one item; the others must succeed.
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
