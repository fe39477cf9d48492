using Onex.Contracts.Messages;

namespace Onex.Persistence.Postgres;

/// <summary>
/// Remembers where in <c>outbox_batches</c> the unsent messages are that this process committed or read. So a sent message is found by the
/// key of its row, without an index on message ids. Other messages are looked up in the table.
/// </summary>
internal sealed class OutboxPlaces
{
    // Limits the memory, because this process does not learn which messages another one has sent, and keeps their places.
    internal const int MessagesMax = 200_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<MessageId, OutboxPlace> _places = [];
    private readonly SortedDictionary<long, (MessageId[] Messages, int Unsent)> _committed = [];
    private readonly Queue<MessageId> _read = new();

    /// <summary>Adds the messages of a batch that was committed, in the order of their places.</summary>
    public void AddCommitted(long batch, MessageId[] messages)
    {
        lock (_lock)
        {
            _committed[batch] = (messages, messages.Length);
            for (var i = 0; i < messages.Length; i++)
            {
                _places[messages[i]] = new OutboxPlace(batch, i + 1);
            }

            RemoveOldRead();
            while (_places.Count > MessagesMax)
            {
                // Later batches have higher numbers.
                var oldest = _committed.First();
                _committed.Remove(oldest.Key);
                foreach (var message in oldest.Value.Messages)
                {
                    _places.Remove(message);
                }
            }
        }
    }

    /// <summary>Adds messages that were read. At the limit they replace those that were read first.</summary>
    public void AddRead(IEnumerable<(MessageId Message, OutboxPlace Place)> messages)
    {
        lock (_lock)
        {
            foreach (var (message, place) in messages)
            {
                // Of a batch that this process committed, a message without a place has been sent since it was read.
                if (!_committed.ContainsKey(place.Batch) && _places.TryAdd(message, place))
                {
                    _read.Enqueue(message);
                }
            }

            RemoveOldRead();
        }
    }

    /// <summary>Divides sent messages into complete batches, places in other batches, and unknown messages.</summary>
    public SentMessages Find(IReadOnlyCollection<MessageId> messages)
    {
        var unknown = new List<MessageId>();
        var places = new List<OutboxPlace>(messages.Count);
        var complete = new HashSet<long>();
        lock (_lock)
        {
            foreach (var message in messages.Distinct())
            {
                if (_places.TryGetValue(message, out var place))
                {
                    places.Add(place);
                }
                else
                {
                    unknown.Add(message);
                }
            }

            foreach (var (batch, sent) in places.CountBy(place => place.Batch))
            {
                if (_committed.TryGetValue(batch, out var committed) && committed.Unsent == sent)
                {
                    complete.Add(batch);
                }
            }
        }

        places.RemoveAll(place => complete.Contains(place.Batch));
        return new SentMessages([.. complete.Order()], places, unknown);
    }

    /// <summary>Removes messages that have been deleted or marked as sent in the table.</summary>
    public void Remove(IReadOnlyCollection<MessageId> messages)
    {
        lock (_lock)
        {
            foreach (var message in messages)
            {
                if (_places.Remove(message, out var place) && _committed.TryGetValue(place.Batch, out var batch))
                {
                    if (batch.Unsent == 1)
                    {
                        _committed.Remove(place.Batch);
                    }
                    else
                    {
                        _committed[place.Batch] = batch with { Unsent = batch.Unsent - 1 };
                    }
                }
            }
        }
    }

    // Called with the lock held, before committed messages are removed: another process may have sent those that were only read.
    private void RemoveOldRead()
    {
        while (Math.Max(_places.Count, _read.Count) > MessagesMax && _read.TryDequeue(out var oldest))
        {
            // A message that was read and committed at the same time has the place of its commit.
            if (_places.TryGetValue(oldest, out var place) && !_committed.ContainsKey(place.Batch))
            {
                _places.Remove(oldest);
            }
        }
    }
}

/// <summary>Sent messages, divided by how they are removed from the table.</summary>
/// <param name="CompleteBatches">Batches that this process committed, without another unsent message.</param>
/// <param name="Places">The places of messages in other batches.</param>
/// <param name="Unknown">Messages whose places must be looked up.</param>
internal sealed record SentMessages(long[] CompleteBatches, IReadOnlyList<OutboxPlace> Places, IReadOnlyList<MessageId> Unknown);
