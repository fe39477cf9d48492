using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Gives an endpoint's records to its handler, batch after batch. A handler may have several batches at a time
/// (<see cref="IRecordBatchHandler.BatchesAtOnce"/>). After a failure the records of all failed batches are given again in order, in one
/// batch at a time, with growing waits.
/// </summary>
/// <param name="endpoint">The endpoint's name, for logs.</param>
/// <param name="buffer">The records.</param>
/// <param name="handler">The handler.</param>
/// <param name="settings">The limits.</param>
/// <param name="onAbandoned">Called when records were abandoned because the endpoint stops.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Receives failures.</param>
internal sealed class BatchLoop(
    string endpoint,
    PartitionBuffer buffer,
    IRecordBatchHandler handler,
    KafkaSettings settings,
    Action onAbandoned,
    TimeProvider time,
    ILogger logger)
{
    private volatile TaskCompletionSource _signal = NewSignal();
    private readonly Backoff _backoff = Backoff.ForSharedFailure(time);
    private int _batchMax = settings.BatchMax;
    private volatile Failure? _failure;
    private volatile bool _isStopping;

    /// <summary>Whether the handler fails, so that no further record should be read. Halving a batch for memory does not count.</summary>
    public bool IsFailing => _failure is not null;

    /// <summary>Describes a failure of the handler that has lasted longer than this, or returns null.</summary>
    public string? DescribeFailure(TimeSpan after)
    {
        var failure = _failure;
        var elapsed = failure is null ? TimeSpan.Zero : time.GetElapsedTime(failure.Since);
        return failure is not null && elapsed > after
            ? $"cannot handle its records since {elapsed.TotalSeconds:0} s, and tries again: {Describe(failure.Latest)}"
            : null;
    }

    /// <summary>Wakes the loop, because records have arrived.</summary>
    public void Signal() => _signal.TrySetResult();

    /// <summary>
    /// Lets the loop of a draining buffer end once the handler has finished its batches. A batch that fails after this is abandoned, unless
    /// it is halved for its memory. A batch that already waits for its retry is tried one last time.
    /// </summary>
    public void Stop()
    {
        _isStopping = true;
        Signal();
    }

    /// <summary>Runs until the buffer drains and the handler has finished its batches, or a batch is given up because of a stop.</summary>
    public async Task RunAsync(CancellationToken abandon)
    {
        var running = new List<(List<BufferedRecord> Records, Task Handling)>();
        while (true)
        {
            // Replaced before the buffer is read, so that a record that arrives after the read completes the new signal.
            if (_signal.Task.IsCompleted)
            {
                _signal = NewSignal();
            }

            var signal = _signal.Task;
            var failed = running.FindIndex(batch => batch.Handling is { IsCompleted: true, IsCompletedSuccessfully: false });
            if (failed >= 0)
            {
                await Task.WhenAll(running.Select(batch => batch.Handling)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

                // The handler has accepted the records of the other batches, and may complete them later.
                var unhandled = running.Where(batch => !batch.Handling.IsCompletedSuccessfully).SelectMany(batch => batch.Records).ToList();
                var (records, handling) = running[failed];
                running.Clear();
                var failure = handling.Exception?.InnerException ?? new OperationCanceledException();
                if (!await RetryAsync(unhandled, records.Count, failure, abandon))
                {
                    return;
                }

                continue;
            }

            // Not IsCompleted: a batch may fail after the search above, and the next pass then finds it.
            if (running is [{ Handling.IsCompletedSuccessfully: true }, ..])
            {
                running.RemoveAt(0);
                _batchMax = Math.Min(settings.BatchMax, _batchMax * 2);
                continue;
            }

            var next = running.Count < handler.BatchesAtOnce ? buffer.TakeBatch(_batchMax, LeastCount(running)) : [];
            if (next is { Count: > 0 })
            {
                running.Add((next, HandleAsync(next, abandon)));
            }
            else if (running.Count > 0)
            {
                await Task.WhenAny(signal, running[0].Handling);
            }
            else if (next is null)
            {
                return;
            }
            else
            {
                await signal;
            }
        }
    }

    // A small batch beside a running one would cost a commit of its own, so it waits for more records.
    private static int LeastCount(List<(List<BufferedRecord> Records, Task Handling)> running) =>
        running is [var oldest, ..] ? Math.Max(1, oldest.Records.Count / 2) : 1;

    private async Task HandleAsync(List<BufferedRecord> batch, CancellationToken abandon) =>
        await handler.HandleAsync(batch.ConvertAll(record => record.Entry), abandon);

    private static string Describe(Exception failure) => $"{failure.GetType().Name}: {failure.Message.Split(Environment.NewLine)[0]}";

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Returns false if the loop must end.
    private async Task<bool> RetryAsync(List<BufferedRecord> records, int failedCount, Exception first, CancellationToken abandon)
    {
        Exception? failure = first;
        while (failure is not null)
        {
            if (abandon.IsCancellationRequested)
            {
                return false;
            }

            if (MemoryShortage.Is(failure) && failedCount > 1)
            {
                // A batch that does not fit is halved. Only a single record that does not fit counts as a failure.
                var before = MemoryShortage.Describe();
                _batchMax = Math.Max(1, failedCount / 2);
                MemoryShortage.Relieve();
                Log.BatchHalved(logger, endpoint, failedCount, before, MemoryShortage.Describe());
            }
            else
            {
                if (_failure is null)
                {
                    Log.ConsumerPaused(logger, endpoint, failure);
                }

                _failure = new Failure(_failure?.Since ?? time.GetTimestamp(), failure);

                if (_isStopping || !await TryWaitAsync(abandon))
                {
                    // The next owner of the partitions reads the rest again.
                    buffer.Abandon(records);
                    onAbandoned();
                    return false;
                }
            }

            buffer.RemoveFinished(records);
            (failedCount, failure) = await HandleInPartsAsync(records, abandon);
        }

        // Not a part but the retry has succeeded, because no record was left.
        Resume();
        return true;
    }

    private void Resume()
    {
        if (IsFailing)
        {
            _failure = null;
            Log.ConsumerResumed(logger, endpoint);
        }

        _backoff.Reset();
    }

    // Removes the records that the handler has accepted. Returns the size of the part that failed and its failure; 0 and null if none did.
    private async Task<(int Count, Exception? Failure)> HandleInPartsAsync(List<BufferedRecord> records, CancellationToken abandon)
    {
        handler.Retrying();
        while (records.Count > 0)
        {
            var part = records.GetRange(0, Math.Min(_batchMax, records.Count));
            try
            {
                await HandleAsync(part, abandon);
            }
            catch (Exception failure)
            {
                return (part.Count, failure);
            }

            Resume();
            records.RemoveRange(0, part.Count);
            _batchMax = Math.Min(settings.BatchMax, _batchMax * 2);
        }

        return (0, null);
    }

    private async Task<bool> TryWaitAsync(CancellationToken abandon)
    {
        try
        {
            await _backoff.WaitAsync(abandon);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Since when the handler fails, and its latest failure.
    private sealed record Failure(long Since, Exception Latest);
}
