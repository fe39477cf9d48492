using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.Producing;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Outbox;

/// <summary>A message that the broker rejects for good.</summary>
/// <param name="SagaId">The saga that sent it.</param>
/// <param name="Message">The message.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record Undeliverable(SagaId SagaId, OutgoingMessage Message, string Reason);

/// <summary>
/// Sends what was committed. A message leaves the outbox once the broker has acknowledged it; until then it is found again when its saga is
/// loaded, when its partition is assigned, and by the sweep. A message that the broker refuses for good goes to the dead-letter topic.
/// </summary>
internal sealed class OutgoingSender(
    IRecordProducer producer, IDeadLetterIndex deadLetters, ILogger<OutgoingSender> logger, long bytesMax = long.MaxValue, ResentMessages? resent = null)
    : IDisposable
{
    // How many of the messages that are found at a time the log names, and of how many is known that they have not left.
    private const int NamedMax = 20;
    private const int NotLeftMax = 100_000;

    private static readonly TimeSpan _roomWithin = TimeSpan.FromSeconds(2);

    // Messages that are on their way, or acknowledged but not yet forgotten by the store: not to be sent a second time from here.
    private readonly ConcurrentDictionary<MessageId, byte> _inHand = new();
    private readonly ConcurrentQueue<MessageId> _acknowledged = new();

    // Messages that certainly have not left: there was no room for them, or the producer says so.
    private readonly ConcurrentDictionary<MessageId, byte> _notLeft = new();
    private readonly Channel<Undeliverable> _undeliverable = Channel.CreateUnbounded<Undeliverable>();
    private readonly SemaphoreSlim _moreAcknowledged = new(0, 1);
    private readonly SemaphoreSlim _room = new(0, 1);
    private long _bytes;
    private volatile bool _isDisposed;

    // Guards what follows: who reads the outbox now, by when they began, and what the store has forgotten since the oldest of them did.
    private readonly Lock _lock = new();
    private readonly SortedSet<long> _readings = [];
    private readonly Queue<(long At, MessageId Id)> _forgotten = new();
    private readonly List<OutgoingMessage> _possibleCopies = [];
    private long _clock;

    /// <summary>The messages that the broker rejects for good, for a loop that reports them to their sagas.</summary>
    public ChannelReader<Undeliverable> Undeliverable => _undeliverable.Reader;

    /// <summary>Whether messages are in transit, or acknowledged and not yet deleted from the outbox.</summary>
    public bool HasPending
    {
        get
        {
            lock (_lock)
            {
                return _inHand.Count > _forgotten.Count;
            }
        }
    }

    /// <summary>
    /// Hands messages to the producer, in order, unless they are on their way already. Nothing cancels that: a stop would not know which of them
    /// have left, and they would leave again.
    /// </summary>
    /// <param name="sagaId">Whose they are.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="again">
    /// Whether they were found in the outbox: an earlier try may have been refused and left a letter, which is closed if the message leaves now.
    /// </param>
    public void Send(SagaId sagaId, IEnumerable<OutgoingMessage> messages, bool again = false)
    {
        var isFull = false;
        foreach (var message in messages)
        {
            // The outbox has it, and the sweep finds it when there is room again. What comes after it waits with it.
            isFull |= Interlocked.Read(ref _bytes) >= bytesMax;
            if (isFull)
            {
                if (!again)
                {
                    HasNotLeft(message);
                }
            }
            else if (_inHand.TryAdd(message.MessageId, 0))
            {
                if (!_notLeft.TryRemove(message.MessageId, out _) && again)
                {
                    MayHaveLeft(message);
                }

                Interlocked.Add(ref _bytes, message.Value.Length);
                _ = SendAsync(sagaId, message, again);
            }
        }
    }

    /// <summary>Ends when there is room for more messages, and soon in any case: then what is committed waits in the outbox.</summary>
    public async Task RoomAsync(CancellationToken cancellation)
    {
        if (Interlocked.Read(ref _bytes) >= bytesMax)
        {
            await _room.WaitAsync(_roomWithin, cancellation);
        }
    }

    /// <summary>Takes the ids that the broker has acknowledged and the store may forget.</summary>
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
    /// Around reading unsent messages and sending them: what is read may have been acknowledged, and forgotten by the store, since it was read, and
    /// is not sent a second time.
    /// </summary>
    public Reading BeginReading()
    {
        lock (_lock)
        {
            _readings.Add(++_clock);
            return new Reading(this, _clock);
        }
    }

    /// <summary>The store has forgotten them.</summary>
    public void Forgotten(IEnumerable<MessageId> ids)
    {
        lock (_lock)
        {
            _clock++;
            foreach (var id in ids)
            {
                _forgotten.Enqueue((_clock, id));
            }

            LetGo();
        }
    }

    /// <summary>The store could not be told: later.</summary>
    public void GiveBack(IEnumerable<MessageId> ids)
    {
        foreach (var id in ids)
        {
            _acknowledged.Enqueue(id);
        }

        Signal(_moreAcknowledged);
    }

    /// <summary>Ends when there are acknowledged messages to be forgotten.</summary>
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
            LetGo();
            copies = [.. _possibleCopies];
            _possibleCopies.Clear();
        }

        if (copies.Length > 0)
        {
            Log.MessagesResent(
                logger,
                copies.Length,
                string.Join(", ", copies.Take(NamedMax).Select(message => $"{message.MessageId} for {message.Topic}")) + (copies.Length > NamedMax ? ", ..." : ""));
        }
    }

    // Named when the reading that found it ends.
    private void MayHaveLeft(OutgoingMessage message)
    {
        resent?.Add(message.Topic);
        lock (_lock)
        {
            _possibleCopies.Add(message with { Value = default });
        }
    }

    // Of more than that it is not remembered: they count as possible copies.
    private void HasNotLeft(OutgoingMessage message)
    {
        if (_notLeft.Count < NotLeftMax)
        {
            _notLeft.TryAdd(message.MessageId, 0);
        }
    }

    // What was forgotten before the oldest reading began cannot be found by any of them.
    private void LetGo()
    {
        while (_forgotten.TryPeek(out var oldest) && (_readings.Count == 0 || oldest.At < _readings.Min))
        {
            _inHand.TryRemove(_forgotten.Dequeue().Id, out _);
        }
    }

    private async Task SendAsync(SagaId sagaId, OutgoingMessage message, bool again)
    {
        try
        {
            var record = new ProducedRecord(message.Topic, message.Partition, message.Key, message.Value, message.Headers.Items);
            var report = await producer.ProduceAsync(record, CancellationToken.None);
            if (report.Delivery == DeliveryStatus.Undeliverable)
            {
                report = await SendRefusedAsync(sagaId, message, record, report.Reason ?? "no reason given");
            }
            else if (again && report.Delivery == DeliveryStatus.Acknowledged && !IsLetter(message))
            {
                await deadLetters.CloseAsync(UndeliverableDeadLetter.Id(message), "The message was sent after all.", CancellationToken.None);
            }

            if (report.Delivery == DeliveryStatus.Acknowledged)
            {
                _acknowledged.Enqueue(message.MessageId);
                Signal(_moreAcknowledged);
                return;
            }

            if (report.IsUnwritten)
            {
                HasNotLeft(message);
            }
        }
#pragma warning disable CA1031 // Whatever went wrong, the message is in the outbox, and the sweep finds it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            // The producer reports what is in flight when it closes, after this has been disposed of: the next process deletes those messages.
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

        _inHand.TryRemove(message.MessageId, out _);
    }

    private async Task<DeliveryReport> SendRefusedAsync(
        SagaId sagaId, OutgoingMessage message, ProducedRecord record, string reason)
    {
        Log.MessageUndeliverable(logger, message.MessageId, sagaId, message.Topic, reason);
        if (ShortResponse.For(message, reason) is { } instead)
        {
            var said = await producer.ProduceAsync(record with { Value = instead.Value, Headers = instead.Headers.Items }, CancellationToken.None);
            if (said.Delivery != DeliveryStatus.Undeliverable)
            {
                // Whoever asked knows what happened and where the response is: in the saga's own rows.
                return said;
            }
        }

        // The whole value may be what is refused (too large), so that the letter tells where it stays: in the saga's own rows.
        var letter = UndeliverableDeadLetter.Write(sagaId, message, reason);
        var topic = message.Topic;
        if (!IsLetter(message))
        {
            topic = Topics.DeadLetter(topic);
            await deadLetters.AddAsync(UndeliverableDeadLetter.Row(message, reason), CancellationToken.None);
        }

        // Behind the letter, which is closed if the saga fails its step because of this.
        _undeliverable.Writer.TryWrite(new Undeliverable(sagaId, message, reason));

        // The index has the message by now (what went to a dead-letter topic itself, since its commit), so that nothing is lost where nobody has
        // made such a topic: to be refused for ever would be no better.
        var report = await producer.ProduceAsync(record with { Topic = topic, Partition = null, Value = letter }, CancellationToken.None);
        return report.Delivery == DeliveryStatus.Undeliverable ? new DeliveryReport(DeliveryStatus.Acknowledged, null) : report;
    }

    private static bool IsLetter(OutgoingMessage message) => message.Topic.EndsWith(Topics.DeadLetterSuffix, StringComparison.Ordinal);

    private static void Signal(SemaphoreSlim what)
    {
        if (what.CurrentCount > 0)
        {
            return;
        }

        try
        {
            what.Release();
        }
        catch (Exception signalled) when (signalled is SemaphoreFullException or ObjectDisposedException)
        {
            // Another thread has signalled it meanwhile, or it is disposed.
        }
    }

    /// <summary>Somebody reads unsent messages.</summary>
    public readonly struct Reading(OutgoingSender sender, long began) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => sender.EndReading(began);
    }
}
