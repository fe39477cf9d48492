using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Records;

namespace Onex.Kafka.Rider;

#pragma warning disable CA1001 // The semaphore allocates no handle, and messages that end late still release it.
/// <summary>Handles each record of a topic as a message, concurrently up to a limit. Messages begin in order, and end in any.</summary>
internal sealed class TopicHandler<T>(
    string topic,
    JsonTypeInfo<T> type,
    MessageHandler<T> handle,
    int concurrency,
    int lanes,
    Func<Exception, bool> isShared,
    Func<T, long> weigh,
    KafkaSettings settings,
    TimeProvider time,
    ILogger<TopicHandler<T>> logger) : IRecordBatchHandler
    where T : class
{
    private static readonly TimeSpan _firstRetryAfter = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestRetryAfter = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _slots = new(concurrency, concurrency);
    private readonly MemoryGate _memory = new(settings.WeightMax);
    private MessageLanes? _lanes;
    private int _failing;
    private int _running;

    /// <summary>How many messages are being handled, and how many at most.</summary>
    public (int Used, int Limit) Slots => (concurrency - _slots.CurrentCount, concurrency);

    public bool IsBusy => Volatile.Read(ref _running) > 0 && Volatile.Read(ref _failing) == 0;

    // Returns when each message has a slot, so that a slow message delays no other while slots are free.
    public async Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        _lanes ??= new MessageLanes(lanes, (entry, stopping) => _ = HandleOneAsync(entry, stopping));
        foreach (var entry in batch)
        {
            await _slots.WaitAsync(cancellation);
            _lanes.Add(entry, cancellation);
        }
    }

    public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Task.CompletedTask;

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
    }

    private async Task HandleOneAsync(BatchEntry entry, CancellationToken cancellation)
    {
        entry.Begin();
        try
        {
            var (message, dead) = await ReadAsync(entry.Record, cancellation);
            if (message is null)
            {
                entry.Complete(dead ?? throw new InvalidOperationException("Neither a message nor a reason."));
                return;
            }

            // A slot limits the number of messages, and this limits their memory.
            using var place = await _memory.EnterAsync(weigh(message), cancellation);
            entry.Complete(await HandleWithRetriesAsync(message, entry, cancellation));
        }
        catch (OperationCanceledException)
        {
            // The endpoint stops, and the record is read again.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async ValueTask<(T? Message, RecordOutcome.Dead? Dead)> ReadAsync(ConsumedRecord record, CancellationToken cancellation)
    {
        Backoff? backoff = null;
        while (true)
        {
            try
            {
                return Read(record);
            }
            catch (Exception e) when (MemoryShortage.Is(e))
            {
                NoteFailure(e);
            }

            await (backoff ??= Backoff.ForSharedFailure(time)).WaitAsync(cancellation);
        }
    }

    private (T? Message, RecordOutcome.Dead? Dead) Read(ConsumedRecord record)
    {
        try
        {
            return record.Value is { Length: > 0 } value && JsonSerializer.Deserialize(value, type) is { } message
                ? (message, null)
                : (null, Dead(record, ErrorCodes.MalformedMessage, "The value is empty.", ErrorTypes.For(ErrorCodes.MalformedMessage), 0));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException or FormatException)
        {
            return (null, Dead(record, ErrorCodes.MalformedMessage, e.Message, ErrorTypes.For(ErrorCodes.MalformedMessage), 0));
        }
    }

    private async Task<RecordOutcome> HandleWithRetriesAsync(T message, BatchEntry entry, CancellationToken cancellation)
    {
        // For this message only: an asynchronous method restores the current span of its caller.
        Activity.Current = entry.Span;
        var record = entry.Record;
        Backoff? sharedBackoff = null;
        Backoff? ownBackoff = null;
        var began = time.GetTimestamp();
        var retries = 0;
        while (true)
        {
            TimeSpan wait;
            try
            {
                Interlocked.Increment(ref _running);
                try
                {
                    await handle(message, record, cancellation);
                }
                finally
                {
                    Interlocked.Decrement(ref _running);
                }

                NoteSuccess();
                return RecordOutcome.Handled.Instance;
            }
            catch (Exception) when (cancellation.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellation);
            }
            catch (MessageReturnedException)
            {
                return RecordOutcome.Returned.Instance;
            }
            catch (Exception e) when (isShared(e) || MemoryShortage.Is(e))
            {
                NoteFailure(e);
                wait = (sharedBackoff ??= Backoff.ForSharedFailure(time)).Next();

                // A shared failure is not the message's own, so its time does not count.
                began = time.GetTimestamp();
            }
            catch (Exception e)
            {
                wait = (ownBackoff ??= new Backoff(_firstRetryAfter, _longestRetryAfter, time)).Next();
                if (retries >= settings.RetryAttempts || time.GetElapsedTime(began) + wait > settings.RetryFor)
                {
                    return Dead(record, ErrorCodes.HandlingFailed, e.Message, e.GetType().Name, retries);
                }

                retries++;
            }

            await Task.Delay(wait, time, cancellation);
        }
    }

    private void NoteFailure(Exception e)
    {
        if (MemoryShortage.Is(e))
        {
            MemoryShortage.Relieve();
        }

        if (Interlocked.Exchange(ref _failing, 1) == 0)
        {
            Log.TopicPaused(logger, topic, e);
        }
    }

    private void NoteSuccess()
    {
        if (Volatile.Read(ref _failing) != 0 && Interlocked.Exchange(ref _failing, 0) != 0)
        {
            Log.TopicResumed(logger, topic);
        }
    }

    private static RecordOutcome.Dead Dead(ConsumedRecord record, string code, string reason, string errorType, int retries) =>
        new(code, reason, errorType, RecordIdentity.CorrelationId(record)) { RetryCount = retries };
}
