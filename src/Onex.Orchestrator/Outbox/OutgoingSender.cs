using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.Producing;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>A message that the broker rejects for good.</summary>
/// <param name="Message">The message.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record UndeliverableMessage(OutgoingMessage Message, string Reason);

/// <summary>
/// Sends committed messages. A message leaves the outbox once the broker has acknowledged it; until then it is sent again when its saga is
/// loaded, when the saga's home partition is assigned, and by the sweep. One that the broker rejects for good becomes a dead letter,
/// or a shorter response.
/// </summary>
internal sealed class OutgoingSender(
    IRecordProducer producer,
    IDeadLetterIndex deadLetters,
    ILogger<OutgoingSender> logger,
    long bytesMax = long.MaxValue,
    ResentMessages? resent = null,
    TimeProvider? time = null)
    : IDisposable
{
    // How many resent messages one log line names, and how many messages _certainlyUnsent and _failed hold.
    private const int LoggedMessagesMax = 20;
    private const int CertainlyUnsentMax = 100_000;
    private const int FailedMax = 10_000;

    // How long a failed message counts as unfinished. By then, a sweep has normally sent it again, here or in another process.
    private static readonly TimeSpan _failedCountsFor = TimeSpan.FromSeconds(15);

    // How long WaitForRoomAsync waits.
    private static readonly TimeSpan _roomTimeout = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    // Messages that are in flight, or acknowledged and still in the outbox, each with the time when it was sent first. This process must
    // not send them again.
    private readonly ConcurrentDictionary<MessageId, long> _inFlight = new();
    private readonly ConcurrentQueue<MessageId> _acknowledged = new();

    // Messages that could not be sent: when each was sent first, and when that failed last. A sweep of this or another process sends them
    // again.
    private readonly ConcurrentDictionary<MessageId, (long First, long Failed)> _failed = new();

    // Messages that were certainly not sent, because there was no room for them or because the producer reports it.
    private readonly ConcurrentDictionary<MessageId, byte> _certainlyUnsent = new();
    private readonly Channel<UndeliverableMessage> _undeliverable = Channel.CreateUnbounded<UndeliverableMessage>();
    private readonly SemaphoreSlim _moreAcknowledged = new(0, 1);
    private readonly SemaphoreSlim _room = new(0, 1);
    private long _bytes;
    private volatile bool _isDisposed;

    // Guards the following fields: when each current reading of the outbox began, which messages were deleted since the oldest current
    // reading began, and which messages were sent although a copy may be on their topic. These times are counts of _clock.
    private readonly Lock _lock = new();
    private readonly SortedSet<long> _readings = [];
    private readonly Queue<(long At, MessageId Id)> _deleted = new();
    private readonly List<OutgoingMessage> _possibleCopies = [];
    private long _clock;

    /// <summary>The messages that the broker rejected for good; a loop reports them to their sagas.</summary>
    public ChannelReader<UndeliverableMessage> UndeliverableMessages => _undeliverable.Reader;

    /// <summary>The number of messages that are in flight, or acknowledged and still in the outbox.</summary>
    public int InFlight
    {
        get
        {
            lock (_lock)
            {
                return Math.Max(0, _inFlight.Count - _deleted.Count);
            }
        }
    }

    /// <summary>Called for each message that the broker rejects for good.</summary>
    public Action OnUndeliverable { get; set; } = () => { };

    /// <summary>Whether messages are in flight, or acknowledged and still in the outbox.</summary>
    public bool HasInFlight => InFlight > 0;

    /// <summary>How many messages are in flight, acknowledged, or failed lately; and how long ago the oldest was first sent.</summary>
    public (int Count, TimeSpan OldestAge) UnfinishedMessages
    {
        get
        {
            var (count, oldest) = (0, long.MaxValue);
            foreach (var (_, since) in _inFlight)
            {
                (count, oldest) = (count + 1, Math.Min(oldest, since));
            }

            foreach (var (id, (first, failed)) in _failed)
            {
                if (_time.GetElapsedTime(failed) <= _failedCountsFor)
                {
                    (count, oldest) = (count + 1, Math.Min(oldest, first));
                }
                else
                {
                    _failed.TryRemove(id, out _);
                }
            }

            return (count, count == 0 ? TimeSpan.Zero : _time.GetElapsedTime(oldest));
        }
    }

    /// <summary>
    /// Hands messages to the producer, in order, unless they are in flight. Cannot be cancelled: it would be unknown which of them were
    /// sent, so all would be sent again. Returns false if there was no room for all.
    /// </summary>
    /// <param name="sagaId">Their saga; for a redrive, the dead letter's id.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="isFromOutbox">
    /// Whether they were found in the outbox. Then an earlier attempt may have left a dead letter, which is discarded once the message is
    /// sent.
    /// </param>
    public bool Send(SagaId sagaId, IEnumerable<OutgoingMessage> messages, bool isFromOutbox = false)
    {
        var isFull = false;
        foreach (var message in messages)
        {
            // Without room, this message and those after it, in order, stay in the outbox until the sweep finds them.
            isFull |= Interlocked.Read(ref _bytes) >= bytesMax;
            if (isFull)
            {
                if (!isFromOutbox)
                {
                    AddUnsent(message);
                }
            }
            else if (_inFlight.TryAdd(message.MessageId, TakeFirstSent(message.MessageId)))
            {
                if (!_certainlyUnsent.TryRemove(message.MessageId, out _) && isFromOutbox)
                {
                    AddPossibleCopy(message);
                }

                Interlocked.Add(ref _bytes, message.Value.Length);
                _ = SendAsync(sagaId, message, isFromOutbox);
            }
        }

        return !isFull;
    }

    /// <summary>Waits a short time for room. If there is none then, further committed messages wait in the outbox.</summary>
    public async Task WaitForRoomAsync(CancellationToken cancellation)
    {
        if (Interlocked.Read(ref _bytes) >= bytesMax)
        {
            await _room.WaitAsync(_roomTimeout, cancellation);
        }
    }

    /// <summary>Removes and returns the ids of messages that the broker has acknowledged, to delete these from the outbox.</summary>
    public List<MessageId> TakeAcknowledged(int limit)
    {
        var taken = new List<MessageId>();
        while (taken.Count < limit && _acknowledged.TryDequeue(out var id))
        {
            taken.Add(id);
        }

        return taken;
    }

    /// <summary>
    /// Marks the time between reading unsent messages and sending them: a message that was acknowledged and deleted since it was read is
    /// not sent again.
    /// </summary>
    public Reading BeginReading()
    {
        lock (_lock)
        {
            _readings.Add(++_clock);
            return new Reading(this, _clock);
        }
    }

    public void MarkDeleted(IEnumerable<MessageId> ids)
    {
        lock (_lock)
        {
            _clock++;
            foreach (var id in ids)
            {
                _deleted.Enqueue((_clock, id));
            }

            ReleaseDeleted();
        }
    }

    /// <summary>Puts back the ids of messages that could not be deleted, so that they are taken again.</summary>
    public void ReturnAcknowledged(IEnumerable<MessageId> ids)
    {
        foreach (var id in ids)
        {
            _acknowledged.Enqueue(id);
        }

        Signal(_moreAcknowledged);
    }

    public Task WaitForAcknowledgedAsync(CancellationToken cancellation) => _moreAcknowledged.WaitAsync(cancellation);

    public void Dispose()
    {
        _isDisposed = true;
        _moreAcknowledged.Dispose();
        _room.Dispose();
    }

    private void EndReading(long began)
    {
        OutgoingMessage[] copies;
        lock (_lock)
        {
            _readings.Remove(began);
            ReleaseDeleted();
            copies = [.. _possibleCopies];
            _possibleCopies.Clear();
        }

        if (copies.Length > 0)
        {
            Log.MessagesResent(
                logger,
                copies.Length,
                string.Join(", ", copies.Take(LoggedMessagesMax).Select(message => $"{message.MessageId} for {message.Topic}"))
                    + (copies.Length > LoggedMessagesMax ? ", ..." : ""));
        }
    }

    // Logged when a reading ends.
    private void AddPossibleCopy(OutgoingMessage message)
    {
        resent?.Add(message.Topic);
        lock (_lock)
        {
            _possibleCopies.Add(message with { Value = default });
        }
    }

    // Beyond the maximum, messages are not added and later count as possible copies.
    private void AddUnsent(OutgoingMessage message)
    {
        if (_certainlyUnsent.Count < CertainlyUnsentMax)
        {
            _certainlyUnsent.TryAdd(message.MessageId, 0);
        }
    }

    // A message that was deleted before every current reading began cannot be found and sent again, so it need not be in _inFlight.
    private void ReleaseDeleted()
    {
        while (_deleted.TryPeek(out var oldest) && (_readings.Count == 0 || oldest.At < _readings.Min))
        {
            _inFlight.TryRemove(_deleted.Dequeue().Id, out _);
        }
    }

    private async Task SendAsync(SagaId sagaId, OutgoingMessage message, bool isFromOutbox)
    {
        try
        {
            var record = new ProducedRecord(message.Topic, message.Partition, message.Key, message.Value, message.Headers.Items);
            var report = await producer.ProduceAsync(record, CancellationToken.None);
            if (report.Delivery == DeliveryStatus.Undeliverable)
            {
                report = await SendUndeliverableAsync(sagaId, message, record, report.Reason ?? "no reason given");
            }
            else if (isFromOutbox && report.Delivery == DeliveryStatus.Acknowledged && !IsDeadLetter(message))
            {
                await deadLetters.CloseUndeliveredAsync(
                    UndeliverableDeadLetter.Id(message), "The message was sent later.", CancellationToken.None);
            }

            if (report.Delivery == DeliveryStatus.Acknowledged)
            {
                _acknowledged.Enqueue(message.MessageId);
                Signal(_moreAcknowledged);
                return;
            }

            if (report.IsUnwritten)
            {
                AddUnsent(message);
            }
        }
#pragma warning disable CA1031 // Whatever went wrong, the message is in the outbox, and the sweep finds it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            // The producer closes after this sender and then reports what is in flight. The next process finds these messages again.
            if (!_isDisposed)
            {
                Log.MessageNotProduced(logger, failure);
            }
        }
        finally
        {
            if (Interlocked.Add(ref _bytes, -message.Value.Length) < bytesMax)
            {
                Signal(_room);
            }
        }

        if (_inFlight.TryRemove(message.MessageId, out var first) && _failed.Count < FailedMax)
        {
            _failed[message.MessageId] = (first, _time.GetTimestamp());
        }
    }

    private long TakeFirstSent(MessageId id) => _failed.TryRemove(id, out var before) ? before.First : _time.GetTimestamp();

    private async Task<DeliveryReport> SendUndeliverableAsync(
        SagaId sagaId, OutgoingMessage message, ProducedRecord record, string reason)
    {
        OnUndeliverable();
        var isDeadLetter = IsDeadLetter(message);
        var saga = isDeadLetter || message.Headers[HeaderNames.Redrive] is null ? sagaId : Redrive.FindSaga(message);
        if (saga is { } known)
        {
            Log.MessageUndeliverable(logger, message.MessageId, known, message.Topic, reason);
        }
        else
        {
            Log.MessageWithoutSagaUndeliverable(logger, message.MessageId, message.Topic, reason);
        }

        if (ShortResponse.For(message, reason) is { } shortResponse)
        {
            var shortReport = await producer.ProduceAsync(
                record with { Value = shortResponse.Value, Headers = shortResponse.Headers.Items }, CancellationToken.None);
            if (shortReport.Delivery != DeliveryStatus.Undeliverable)
            {
                // No dead letter is needed: the short response tells the requester how to fetch the full one.
                return shortReport;
            }
        }

        var deadLetter = isDeadLetter ? UndeliverableDeadLetter.WithoutValue(message) : UndeliverableDeadLetter.Write(message, reason);
        if (!isDeadLetter)
        {
            await deadLetters.AddAsync(UndeliverableDeadLetter.Row(message, reason), CancellationToken.None);
        }

        // Only after the dead letter was added, because whoever reads this report may discard the dead letter at once.
        _undeliverable.Writer.TryWrite(new UndeliverableMessage(message, reason));

        // The index has the message by now (a dead letter was added with its commit), so nothing is lost if the dead-letter topic does not
        // exist. Then the message counts as acknowledged.
        var report = await producer.ProduceAsync(
            record with { Topic = deadLetter.Topic, Partition = null, Value = deadLetter.Value, Headers = deadLetter.Headers.Items },
            CancellationToken.None);
        return report.Delivery == DeliveryStatus.Undeliverable ? new DeliveryReport(DeliveryStatus.Acknowledged, null) : report;
    }

    private static bool IsDeadLetter(OutgoingMessage message) =>
        message.Topic.EndsWith(Topics.DeadLetterSuffix, StringComparison.Ordinal)
        && message.Headers[HeaderNames.EventType] == EventTypes.DeadLetter;

    private static void Signal(SemaphoreSlim semaphore)
    {
        if (semaphore.CurrentCount > 0)
        {
            return;
        }

        try
        {
            semaphore.Release();
        }
        catch (Exception tooLate) when (tooLate is SemaphoreFullException or ObjectDisposedException)
        {
            // Another thread has signalled it meanwhile, or it is disposed.
        }
    }

    public readonly struct Reading(OutgoingSender sender, long began) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => sender.EndReading(began);
    }
}
