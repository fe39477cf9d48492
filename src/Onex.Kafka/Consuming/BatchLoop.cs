using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Gives an endpoint's records to its handler, batch after batch. A handler may have several batches at a time
/// (<see cref="IRecordBatchHandler.BatchesAtOnce"/>). After a failure the failed batch and those after it are given again in order, one at
/// a time, with growing waits.
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
    ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly Backoff _backoff = Backoff.ForSharedFailure(time);
    private int _batchMax = settings.BatchMax;
    private volatile bool _isFailing;
    private volatile bool _isStopping;

    /// <summary>Whether the handler fails, so that no further record should be read.</summary>
    public bool IsFailing => _isFailing;

    /// <summary>Records have arrived.</summary>
    public void Signal()
    {
        lock (_signal)
        {
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }
    }

    /// <summary>Ends the loop once the handler has finished what it has; a failed batch is not given again.</summary>
    public void Stop()
    {
        _isStopping = true;
        Signal();
    }

    public void Dispose() => _signal.Dispose();

    /// <summary>Runs until the buffer drains or the token is cancelled.</summary>
    public async Task RunAsync(CancellationToken abandon)
    {
        var given = new Queue<(List<BufferedRecord> Records, Task Handling)>();
        while (true)
        {
            var batch = given.Count < handler.BatchesAtOnce ? buffer.NextBatch(_batchMax, AtLeast(given)) : [];
            if (batch is { Count: > 0 })
            {
                given.Enqueue((batch, GiveAsync(batch, abandon)));
                continue;
            }

            if (!given.TryPeek(out var oldest))
            {
                if (batch is null)
                {
                    return;
                }

                await _signal.WaitAsync(CancellationToken.None);
                continue;
            }

            if (!oldest.Handling.IsCompleted)
            {
                await (batch is null ? oldest.Handling : _signal.WaitAsync(CancellationToken.None))
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            if (oldest.Handling.IsCompletedSuccessfully)
            {
                given.Dequeue();
                _batchMax = Math.Min(settings.BatchMax, _batchMax * 2);
                continue;
            }

            await Task.WhenAll(given.Select(other => other.Handling)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var failure = oldest.Handling.Exception?.InnerException ?? new OperationCanceledException();
            var again = given.SelectMany(other => other.Records).ToList();
            given.Clear();
            if (!await GiveAgainAsync(again, oldest.Records.Count, failure, abandon))
            {
                return;
            }
        }
    }

    // A small batch beside a running one would cost a commit of its own: it waits and grows.
    private static int AtLeast(Queue<(List<BufferedRecord> Records, Task Handling)> given) =>
        given.TryPeek(out var oldest) ? Math.Max(1, oldest.Records.Count / 2) : 1;

    private async Task GiveAsync(List<BufferedRecord> batch, CancellationToken abandon)
    {
        try
        {
            await handler.HandleAsync(batch.ConvertAll(record => record.Entry), abandon);
        }
        finally
        {
            Signal();
        }
    }

    // Returns false if the loop must end.
    private async Task<bool> GiveAgainAsync(List<BufferedRecord> records, int failedCount, Exception first, CancellationToken abandon)
    {
        for (Exception? failure = first; failure is not null;)
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
                if (!_isFailing)
                {
                    _isFailing = true;
                    Log.ConsumerPaused(logger, endpoint, failure);
                }

                if (_isStopping || !await WaitedAsync(abandon))
                {
                    // The next owner of the partitions reads the rest again.
                    buffer.Abandon(records);
                    onAbandoned();
                    return false;
                }
            }

            buffer.RemoveFinished(records);
            (failedCount, failure) = await GiveInPartsAsync(records, abandon);
        }

        _isFailing = false;
        return true;
    }

    // Removes what the handler has accepted. Returns the size of the part that failed and its failure, or null.
    private async Task<(int Count, Exception? Failure)> GiveInPartsAsync(List<BufferedRecord> records, CancellationToken abandon)
    {
        while (records.Count > 0)
        {
            var part = records.GetRange(0, Math.Min(_batchMax, records.Count));
            try
            {
                await handler.HandleAsync(part.ConvertAll(record => record.Entry), abandon);
            }
            catch (Exception failure)
            {
                return (part.Count, failure);
            }

            if (_isFailing)
            {
                _isFailing = false;
                Log.ConsumerResumed(logger, endpoint);
            }

            _backoff.Reset();
            records.RemoveRange(0, part.Count);
            _batchMax = Math.Min(settings.BatchMax, _batchMax * 2);
        }

        return (0, null);
    }

    private async Task<bool> WaitedAsync(CancellationToken abandon)
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
}
