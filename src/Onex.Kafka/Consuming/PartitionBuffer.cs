using Confluent.Kafka;
using Onex.Kafka.Records;

namespace Onex.Kafka.Consuming;

/// <summary>A record that is pending or being handled, with the assignment under which it was read.</summary>
internal readonly record struct BufferedRecord(AssignedPartition Partition, BatchEntry Entry);

/// <summary>What a buffer can take now.</summary>
/// <param name="Records">How many records to read next: those that fit, at most a batch. Not positive if the limit is reached.</param>
/// <param name="Bytes">How many more bytes of values fit.</param>
/// <param name="IsFull">Whether one of the limits is reached.</param>
/// <param name="IsHalfFree">Whether at least half of each limit is free.</param>
internal readonly record struct BufferRoom(int Records, long Bytes, bool IsFull, bool IsHalfFree);

/// <summary>How far a consumer is behind in a topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partitions">The number of its partitions that are assigned to the consumer.</param>
/// <param name="Lag">The offsets of these partitions that are not handled yet, up to the last known end.</param>
internal readonly record struct TopicLag(string Topic, int Partitions, long Lag);

/// <summary>
/// The state of one consumer's assigned partitions: records held until a partition is prepared, records pending for the handler, counts of
/// what is in flight, and watermarks. It never gives an offset to store that is past a record without a durable outcome. It has no thread,
/// no task and no Kafka client; one lock guards it and every <see cref="AssignedPartition"/>, so all threads of the consumer may use it.
/// </summary>
/// <param name="settings">The limits.</param>
/// <param name="onOutcome">Receives the outcome of each record, on the thread that reports it and without the lock.</param>
/// <param name="time">The clock.</param>
/// <param name="group">The consumer group, for spans.</param>
internal sealed class PartitionBuffer(
    KafkaSettings settings, Action<AssignedPartition, BatchEntry, RecordOutcome> onOutcome, TimeProvider time, string? group = null)
{
    // A monitor and not a Lock, because the polling thread waits on it for room.
    private readonly object _gate = new();
    private readonly Dictionary<TopicPartition, AssignedPartition> _assigned = [];
    private readonly Queue<BufferedRecord> _pending = new();
    private int _inFlight;
    private long _inFlightBytes;
    private bool _draining;
    private (TopicPartition Partition, long Count, long Since)? _unread;
    private volatile IReadOnlyList<TopicLag> _lags = [];

    /// <summary>Records read that are neither completed nor dropped (returned, abandoned, revoked).</summary>
    public int InFlight
    {
        get
        {
            lock (_gate)
            {
                return _inFlight;
            }
        }
    }

    /// <summary>The lags as of the last <see cref="NoteLags"/>.</summary>
    public IReadOnlyList<TopicLag> Lags => _lags;

    /// <summary>Whether <see cref="Drain"/> was called and no record is in flight any more.</summary>
    public bool IsDrained
    {
        get
        {
            lock (_gate)
            {
                return _draining && _inFlight <= 0;
            }
        }
    }

    public List<TopicPartition> Assigned
    {
        get
        {
            lock (_gate)
            {
                return [.. _assigned.Keys];
            }
        }
    }

    /// <summary>
    /// Adds partitions. Their records are held until <see cref="Open"/>. Also returns the partition numbers that were not assigned before
    /// in any topic.
    /// </summary>
    public (List<AssignedPartition> Partitions, HashSet<int> NewNumbers) Assign(List<TopicPartition> partitions, CancellationToken lost)
    {
        lock (_gate)
        {
            var before = Numbers();
            var assigned = partitions.ConvertAll(partition => new AssignedPartition(partition, onOutcome, group, lost));
            foreach (var partition in assigned)
            {
                _assigned[partition.Partition] = partition;
            }

            _unread = null;
            var added = Numbers();
            added.ExceptWith(before);
            return (assigned, added);
        }
    }

    /// <summary>Makes the held records of these partitions pending, because the handler is ready for them.</summary>
    public void Open(
        List<AssignedPartition> partitions, IReadOnlyDictionary<string, Guid> topicIds, IReadOnlySet<Guid> openDeadLetters)
    {
        lock (_gate)
        {
            foreach (var partition in partitions.Where(partition => !partition.IsRevoked))
            {
                partition.TopicId = topicIds.TryGetValue(partition.Partition.Topic, out var id) ? id : null;
                partition.OpenDeadLetters = openDeadLetters;
                foreach (var result in partition.HeldResults ?? [])
                {
                    _pending.Enqueue(new BufferedRecord(partition, partition.CreateEntry(result)));
                }

                partition.HeldResults = null;
            }
        }
    }

    /// <summary>Removes partitions with their records. Returns the partition numbers that are not assigned in any topic any more.</summary>
    public HashSet<int> Revoke(List<TopicPartition> partitions)
    {
        lock (_gate)
        {
            var removed = Numbers();
            foreach (var partition in partitions)
            {
                if (_assigned.Remove(partition, out var revoked))
                {
                    revoked.IsRevoked = true;
                    revoked.HeldResults = null;
                    _inFlight -= revoked.InFlight;
                    _inFlightBytes -= revoked.InFlightBytes;
                }
            }

            Monitor.PulseAll(_gate);
            removed.ExceptWith(Numbers());
            return removed;
        }
    }

    /// <summary>Adds what was read, in order. Drops records of partitions that are not assigned, and all records while it drains.</summary>
    public void Add(List<ConsumeResult<byte[]?, byte[]?>> results)
    {
        lock (_gate)
        {
            _unread = null;
            var now = time.GetTimestamp();
            foreach (var result in results)
            {
                if (_draining || !_assigned.TryGetValue(result.TopicPartition, out var partition))
                {
                    continue;
                }

                if (result.IsPartitionEOF)
                {
                    // The offsets between the last record and the end hold control records, which no consumer gets.
                    partition.Tracker.AdvanceTo(result.Offset.Value);
                    partition.NextOffset = result.Offset.Value;
                    continue;
                }

                partition.Tracker.Read(result.Offset.Value);
                partition.NextOffset = result.Offset.Value + 1;
                if (partition.InFlight == 0)
                {
                    partition.ProgressAt = now;
                }

                Count(partition, 1, ValueBytes(result));
                if (partition.HeldResults is { } held)
                {
                    held.Add(result);
                }
                else
                {
                    _pending.Enqueue(new BufferedRecord(partition, partition.CreateEntry(result)));
                }
            }
        }
    }

    /// <summary>Removes and returns the next pending records, possibly none; null once the buffer drains.</summary>
    /// <param name="atMost">The largest number of records; a batch is never larger than the setting, and smaller if it is heavy.</param>
    /// <param name="atLeast">If fewer are pending, they stay pending.</param>
    public List<BufferedRecord>? TakeBatch(int atMost = int.MaxValue, int atLeast = 1)
    {
        lock (_gate)
        {
            if (_draining)
            {
                return null;
            }

            if (_pending.Count < atLeast)
            {
                return [];
            }

            // Large records come in small batches, because a batch keeps its records in memory until it ends.
            var count = Math.Min(atMost, settings.BatchMax);
            var batch = new List<BufferedRecord>(Math.Min(_pending.Count, count));
            var bytes = 0L;
            while (batch.Count < count && bytes < settings.InFlightBytesMax / 4 && _pending.TryDequeue(out var record))
            {
                if (!record.Partition.IsRevoked)
                {
                    batch.Add(record);
                    bytes += ValueBytes(record);
                }
            }

            return batch;
        }
    }

    /// <summary>Lets the offset advance past a record whose outcome is durable. Does nothing if its partition was revoked.</summary>
    public void Complete(AssignedPartition partition, BatchEntry entry)
    {
        lock (_gate)
        {
            if (partition.IsRevoked)
            {
                return;
            }

            partition.Tracker.Complete(entry.Record.Offset);
            partition.ProgressAt = time.GetTimestamp();
            Uncount(new BufferedRecord(partition, entry));

            // Wakes the consumer that waits for room when half a batch fits, not for each record.
            if (!IsFull() && _inFlight <= settings.InFlightMax - (Math.Min(settings.BatchMax, settings.InFlightMax) / 2))
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Stops counting a record that the handler has returned. Its offset stays behind, so it is read again.</summary>
    public void Return(AssignedPartition partition, BatchEntry entry)
    {
        lock (_gate)
        {
            if (!partition.IsRevoked)
            {
                Uncount(new BufferedRecord(partition, entry));
            }
        }
    }

    /// <summary>Removes from a list the records whose outcome is reported, durable or not, and those of revoked partitions.</summary>
    public void RemoveFinished(List<BufferedRecord> records)
    {
        lock (_gate)
        {
            records.RemoveAll(IsFinished);
        }
    }

    /// <summary>Stops counting those of the records that have no outcome. Their offsets stay behind, so they are read again.</summary>
    public void Abandon(List<BufferedRecord> records)
    {
        lock (_gate)
        {
            foreach (var record in records.Where(record => !IsFinished(record)))
            {
                Uncount(record);
            }
        }
    }

    /// <summary>Drops everything that the handler does not have yet, and takes no more.</summary>
    public void Drain()
    {
        lock (_gate)
        {
            _draining = true;
            while (_pending.TryDequeue(out var record))
            {
                if (!record.Partition.IsRevoked)
                {
                    Uncount(record);
                }
            }

            foreach (var partition in _assigned.Values)
            {
                foreach (var result in partition.HeldResults ?? [])
                {
                    Count(partition, -1, -ValueBytes(result));
                }

                partition.HeldResults?.Clear();
            }
        }
    }

    /// <summary>Returns the watermarks that moved since the last call, and counts them as stored: a restart begins to read there.</summary>
    public IReadOnlyList<TopicPartitionOffset> TakeOffsetsToStore()
    {
        lock (_gate)
        {
            List<TopicPartitionOffset>? moved = null;
            foreach (var partition in _assigned.Values)
            {
                if (partition.Tracker.Watermark is { } watermark && watermark != partition.StoredOffset)
                {
                    partition.StoredOffset = watermark;
                    (moved ??= []).Add(new TopicPartitionOffset(partition.Partition, watermark));
                }
            }

            return moved ?? [];
        }
    }

    /// <summary>Returns what fits. If full, first waits until half a batch fits or partitions are revoked, at most this long.</summary>
    public BufferRoom WaitForRoom(int waitMs)
    {
        lock (_gate)
        {
            if (waitMs > 0 && IsFull() && !_draining)
            {
                Monitor.Wait(_gate, waitMs);
            }

            return new BufferRoom(
                Math.Min(settings.BatchMax, settings.InFlightMax - _inFlight),
                settings.InFlightBytesMax - _inFlightBytes,
                IsFull(),
                _inFlight <= settings.InFlightMax / 2 && _inFlightBytes <= settings.InFlightBytesMax / 2);
        }
    }

    /// <summary>
    /// Notes since when there are unread records although nothing was read, for example because the broker holds them back behind an open
    /// transaction. A record of any partition counts as progress: only the whole consumer can stall.
    /// </summary>
    /// <param name="endOf">Returns the end of a partition, or null if that is unknown. Is null while the consumer is paused.</param>
    public void NoteUnread(Func<TopicPartition, long?>? endOf)
    {
        lock (_gate)
        {
            var since = _unread?.Since ?? time.GetTimestamp();
            _unread = null;
            foreach (var partition in _assigned.Values)
            {
                var count = endOf?.Invoke(partition.Partition) - partition.NextOffset;
                if (count > 0)
                {
                    _unread = (partition.Partition, count.Value, since);
                    return;
                }
            }
        }
    }

    /// <summary>Notes how far each topic is behind.</summary>
    /// <param name="endOf">The end of a partition, where it is known.</param>
    public void NoteLags(Func<TopicPartition, long?> endOf)
    {
        lock (_gate)
        {
            _lags =
            [
                .. _assigned.Values.GroupBy(partition => partition.Partition.Topic, StringComparer.Ordinal).Select(topic => new TopicLag(
                    topic.Key,
                    topic.Count(),
                    topic.Sum(partition => LagOf(partition, endOf(partition.Partition))))),
            ];
        }
    }

    /// <summary>Notes the end of each partition whose last noted end was reached. Records before it wait since then, or longer.</summary>
    /// <param name="endOf">The end of a partition, where it is known.</param>
    public void NoteEnds(Func<TopicPartition, long?> endOf)
    {
        lock (_gate)
        {
            foreach (var partition in _assigned.Values)
            {
                var seenOffset = partition.SeenEnd?.Offset;
                if (endOf(partition.Partition) is { } end && (seenOffset is null || partition.NextOffset >= seenOffset))
                {
                    partition.SeenEnd = (end, time.GetTimestamp());
                }
            }
        }
    }

    /// <summary>Describes the partition whose unread records wait longest, if longer than <c>BehindAfter</c>; else null.</summary>
    public string? DescribeLag(Func<TopicPartition, long?> endOf)
    {
        lock (_gate)
        {
            var slowest = _assigned.Values
                .Where(partition => partition.NextOffset < partition.SeenEnd?.Offset)
                .MinBy(partition => partition.SeenEnd!.Value.At);
            if (slowest?.SeenEnd is not { } seen)
            {
                return null;
            }

            var waited = time.GetElapsedTime(seen.At);
            return waited > settings.BehindAfter
                ? $"is behind: records of {Describe([slowest.Partition])} that arrived {waited.TotalSeconds:0} s ago are not read yet "
                    + $"({Math.Max(endOf(slowest.Partition) ?? 0, seen.Offset) - slowest.NextOffset} wait)"
                : null;
        }
    }

    /// <summary>Describes a lack of progress although records wait, or returns null.</summary>
    public string? DescribeStall(bool handlerIsBusy)
    {
        lock (_gate)
        {
            foreach (var partition in _assigned.Values)
            {
                if (!handlerIsBusy && partition.InFlight > 0 && IsTooLong(partition.ProgressAt, out var idle))
                {
                    return $"is stalled: of the records read from {Describe([partition.Partition])} ({partition.InFlight}) none was "
                        + $"completed for {idle.TotalSeconds:0} s" + (IsFull() ? "; no more are read, because their memory is full" : "");
                }
            }

            return _unread is { } unread && IsTooLong(unread.Since, out var waiting)
                ? $"is stalled: records of {Describe([unread.Partition])} wait ({unread.Count}), none came for {waiting.TotalSeconds:0} s"
                : null;
        }
    }

    /// <summary>Partitions as text: <c>requests [0 1 2]</c>.</summary>
    public static string Describe(List<TopicPartition> partitions) => partitions.Count == 0
        ? "no partition"
        : string.Join(", ", partitions.GroupBy(partition => partition.Topic).Select(topic =>
            $"{topic.Key} [{string.Join(' ', topic.Select(partition => partition.Partition.Value).Order())}]"));

    /// <summary>The number of bytes that a record counts as.</summary>
    public static int ValueBytes(ConsumeResult<byte[]?, byte[]?> result) => result.Message?.Value?.Length ?? 0;

    // Without a known end, as before the first fetch, only what was read counts.
    private static long LagOf(AssignedPartition partition, long? end) =>
        end is { } known && (partition.Tracker.Watermark ?? partition.NextOffset) is { } next
            ? Math.Max(partition.InFlight, known - next)
            : partition.InFlight;

    private static int ValueBytes(BufferedRecord record) => record.Entry.Record.Value?.Length ?? 0;

    private static bool IsFinished(BufferedRecord record) => record.Entry.IsCompleted || record.Partition.IsRevoked;

    private bool IsFull() => _inFlight >= settings.InFlightMax || _inFlightBytes >= settings.InFlightBytesMax;

    private bool IsTooLong(long since, out TimeSpan elapsed) => (elapsed = time.GetElapsedTime(since)) > settings.StalledAfter;

    private HashSet<int> Numbers() => [.. _assigned.Keys.Select(partition => partition.Partition.Value)];

    private void Uncount(BufferedRecord record) => Count(record.Partition, -1, -ValueBytes(record));

    private void Count(AssignedPartition partition, int records, long bytes)
    {
        partition.InFlight += records;
        partition.InFlightBytes += bytes;
        _inFlight += records;
        _inFlightBytes += bytes;
    }
}
