using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Kafka.DeadLetters;

namespace Onex.Kafka.Consuming;

/// <summary>What an endpoint reads, and as whom.</summary>
public sealed record EndpointAddress(string Name, IReadOnlyList<string> Topics, string Group);

/// <summary>
/// Reads an endpoint's topics as one member of its group. A thread of its own polls and never stops polling, so that the group never loses us
/// to a slow handler; a loop gives what has arrived to the handler, batch after batch.
/// </summary>
internal sealed class RecordConsumer : IDisposable
{
    private const int IdleMs = 100;
    private const int PausedMs = 10;

    private static readonly TimeSpan _lookForUnreadEvery = TimeSpan.FromSeconds(1);

    // A broker that is away must not keep us from ending; it finds out by the session timeout.
    private static readonly TimeSpan _closeFor = TimeSpan.FromSeconds(5);

    private readonly EndpointAddress _address;
    private readonly IRecordBatchHandler _handler;
    private readonly KafkaSettings _settings;
    private readonly IRecordLog _log;
    private readonly DeadLetterWriter _deadLetters;
    private readonly MissedRecordsCount _missed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    private readonly Thread _thread;
    private readonly TaskCompletionSource _polled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abandon = new();
    private readonly SemaphoreSlim _arrived = new(0, 1);
    private Task _handling = Task.CompletedTask;
    private Task _preparing = Task.CompletedTask;
    private volatile bool _stopTaking;
    private volatile bool _stopPolling;
    private volatile bool _troubled;
    private volatile bool _hasAssignment;

    // Guards what follows, and every AssignedPartition. A monitor and not a Lock, because the polling thread waits on it for room.
    private readonly object _gate = new();
    private readonly Dictionary<TopicPartition, AssignedPartition> _assigned = [];
    private readonly List<CancellationTokenSource> _assignments = [];
    private readonly Queue<Given> _pending = new();
    private int _inFlight;
    private long _inFlightBytes;
    private bool _assignmentChanged;
    private (TopicPartition Partition, long Count, long Since)? _unread;

    // The polling thread's own.
    private bool _paused;
    private long _lookedForUnreadAt;
    private ErrorCode _complainedOf = ErrorCode.NoError;

    public RecordConsumer(
        EndpointAddress address,
        IRecordBatchHandler handler,
        KafkaSettings settings,
        IRecordLog log,
        DeadLetterWriter deadLetters,
        MissedRecordsCount missed,
        TimeProvider time,
        ILogger logger)
    {
        _address = address;
        _handler = handler;
        _settings = settings;
        _log = log;
        _deadLetters = deadLetters;
        _missed = missed;
        _time = time;
        _logger = logger;
        _thread = new Thread(Poll) { IsBackground = true, Name = $"endpoint {address.Name}" };
    }

    /// <summary>What it reads.</summary>
    public IReadOnlyList<string> Topics => _address.Topics;

    /// <summary>Whether an assignment has arrived, possibly an empty one.</summary>
    public bool HasAssignment => _hasAssignment;

    /// <summary>Records read and not yet settled.</summary>
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

    /// <summary>Whether the partitions are paused.</summary>
    public bool IsPaused => Volatile.Read(ref _paused);

    /// <summary>Says that it makes no progress although records wait, or null.</summary>
    public string? StandsStill()
    {
        var busy = _handler.IsBusy;
        lock (_gate)
        {
            foreach (var partition in _assigned.Values)
            {
                if (!busy && partition.InFlight > 0 && _time.GetElapsedTime(partition.ProgressAt) is var still && still > _settings.StandstillAfter)
                {
                    return $"stands still: of the records of {Describe([partition.Partition])} that are read ({partition.InFlight}) none was done for {still.TotalSeconds:0} s";
                }
            }

            return _unread is { } unread && _time.GetElapsedTime(unread.Since) is var silent && silent > _settings.StandstillAfter
                ? $"stands still: records of {Describe([unread.Partition])} wait ({unread.Count}), and none came for {silent.TotalSeconds:0} s"
                : null;
        }
    }

    public void Start()
    {
        _handling = Task.Run(HandleAsync);
        _thread.Start();
    }

    /// <summary>
    /// Stops taking, waits for what is in the handler's hands, commits, leaves the group. What is not settled in time is given up: it comes
    /// again to whoever reads the partition next.
    /// </summary>
    public async Task StopAsync(TimeSpan drainFor, CancellationToken cancellation)
    {
        lock (_gate)
        {
            _stopTaking = true;
            DropUngiven();
            TellIfDrained();
        }

        Signal();
        try
        {
            await _drained.Task.WaitAsync(drainFor, _time, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            Log.UnfinishedRecords(_logger, _address.Name, InFlight);
        }

        await _abandon.CancelAsync();
        _stopPolling = true;
        await Task.WhenAll(_polled.Task, _handling)
            .WaitAsync(_closeFor, _time, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        // A thread that still closes its consumer needs them; then they end with the process.
        if (_polled.Task.IsCompleted && _handling.IsCompleted)
        {
            _abandon.Dispose();
            _arrived.Dispose();
        }
    }

    private void Poll()
    {
        var backoff = Backoff.ForSharedFailure(_time);
        while (!_stopPolling)
        {
            try
            {
                using var consumer = _log.Join(_address, new MembershipEvents(OnAssigned, OnRevoked, OnRevoked, OnMissed));
                PollUntilStopped(consumer, backoff);

                // Revokes, commits what is stored, and leaves the group.
                consumer.Close();
            }
            catch (Exception e)
            {
                Log.ConsumerBroke(_logger, _address.Name, e);
                _hasAssignment = false;
                OnRevoked([.. Partitions()]);
                _abandon.Token.WaitHandle.WaitOne(backoff.Next());
            }
        }

        _polled.TrySetResult();
    }

    private void PollUntilStopped(ILogConsumer consumer, Backoff backoff)
    {
        try
        {
            while (!_stopPolling)
            {
                PollOnce(consumer);
                if (_hasAssignment)
                {
                    backoff.Reset();
                }
            }
        }
        catch (LogChangedException e)
        {
            // Whoever joins in our place begins where the log that there is now wants to be read.
            Log.LogChanged(_logger, _address.Name, e.Message);
            _hasAssignment = false;
        }
    }

    private void PollOnce(ILogConsumer consumer)
    {
        StoreSettled(consumer);
        var room = PauseOrResume(consumer);
        LookForUnread(consumer);
        if (Consume(consumer, _paused ? PausedMs : IdleMs) is not { } first)
        {
            return;
        }

        // What is there already belongs to the same batch. A paused consumer can still meet a record of a partition that it has just got.
        var arrived = new List<ConsumeResult<byte[]?, byte[]?>> { first };
        var bytes = ValueBytes(first);
        while (arrived.Count < room.Records && bytes < room.Bytes && Consume(consumer, 0) is { } next)
        {
            arrived.Add(next);
            bytes += ValueBytes(next);
        }

        Take(arrived);
    }

    private ConsumeResult<byte[]?, byte[]?>? Consume(ILogConsumer consumer, int waitMs)
    {
        try
        {
            var result = consumer.Consume(waitMs);
            if (result is { Message: not null } or { IsPartitionEOF: true })
            {
                _complainedOf = ErrorCode.NoError;
                return result;
            }
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            // A missing topic, a coordinator that moves: the library goes on by itself. One line for a row of the same.
            if (_complainedOf != e.Error.Code)
            {
                _complainedOf = e.Error.Code;
                Log.ConsumeFailed(_logger, _address.Name, e.Error.Reason);
            }
        }

        return null;
    }

    // What the broker has and does not give: behind a transaction that stays open, say.
    private void LookForUnread(ILogConsumer consumer)
    {
        if (_time.GetElapsedTime(_lookedForUnreadAt) < _lookForUnreadEvery)
        {
            return;
        }

        _lookedForUnreadAt = _time.GetTimestamp();
        lock (_gate)
        {
            // What makes no progress is the consumer: as long as records of one partition come, another's are not waited for in vain.
            var found = _paused ? null : _assigned.Values.FirstOrDefault(partition => End(partition) > partition.Reached);
            _unread = found is null ? null : (found.Partition, End(found)!.Value - found.Reached!.Value, _unread?.Since ?? _lookedForUnreadAt);
        }

        long? End(AssignedPartition partition) => consumer.EndOf(partition.Partition);
    }

    // How many more records and bytes may be taken now.
    private (int Records, long Bytes) PauseOrResume(ILogConsumer consumer)
    {
        bool pause, again;
        int records;
        long bytes;
        lock (_gate)
        {
            if (!_paused && !_troubled && IsFull() && !_stopTaking)
            {
                // A pause costs what was read ahead. Often the handler is about to settle a batch, so give it a moment.
                Monitor.Wait(_gate, 20);
            }

            var halfFree = _inFlight <= _settings.InFlightMax / 2 && _inFlightBytes <= _settings.InFlightBytesMax / 2;
            pause = _troubled || _stopTaking || (_paused ? !halfFree : IsFull());
            again = _assignmentChanged;
            _assignmentChanged = false;
            records = Math.Min(_settings.BatchMax, _settings.InFlightMax - _inFlight);
            bytes = _settings.InFlightBytesMax - _inFlightBytes;
        }

        if (pause != _paused || (pause && again))
        {
            Volatile.Write(ref _paused, pause);
            if (pause)
            {
                consumer.Pause();
            }
            else
            {
                consumer.Resume();
            }
        }

        return (records, bytes);
    }

    private bool IsFull() => _inFlight >= _settings.InFlightMax || _inFlightBytes >= _settings.InFlightBytesMax;

    private void Take(List<ConsumeResult<byte[]?, byte[]?>> arrived)
    {
        lock (_gate)
        {
            _unread = null;
            var now = _time.GetTimestamp();
            foreach (var result in arrived)
            {
                if (_stopTaking || !_assigned.TryGetValue(result.TopicPartition, out var partition))
                {
                    continue;
                }

                if (result.IsPartitionEOF)
                {
                    // What lies between the last record and the end was never given: control records.
                    partition.Tracker.Pass(result.Offset.Value);
                    partition.Reached = result.Offset.Value;
                    continue;
                }

                partition.Tracker.Read(result.Offset.Value);
                partition.Reached = result.Offset.Value + 1;
                if (partition.InFlight++ == 0)
                {
                    partition.ProgressAt = now;
                }

                partition.InFlightBytes += ValueBytes(result);
                _inFlight++;
                _inFlightBytes += ValueBytes(result);
                if (partition.Held is { } held)
                {
                    held.Add(result);
                }
                else
                {
                    _pending.Enqueue(new Given(partition, partition.Entry(result)));
                }
            }
        }

        Signal();
    }

    private void OnMissed(MissedRecords missed)
    {
        _missed.Add(missed);
        Log.RecordsMissed(
            _logger, _address.Name, missed.Count, missed.Partition.Topic, missed.Partition.Partition.Value, missed.From, missed.To - 1);
    }

    private void OnAssigned(ILogConsumer consumer, List<TopicPartition> partitions)
    {
        var lost = CancellationTokenSource.CreateLinkedTokenSource(_abandon.Token);
        List<AssignedPartition> gained;
        HashSet<int> numbers;
        lock (_gate)
        {
            var before = Numbers();
            gained = partitions.ConvertAll(partition => new AssignedPartition(partition, Settle, lost.Token));
            foreach (var partition in gained)
            {
                _assigned[partition.Partition] = partition;
            }

            numbers = Numbers();
            numbers.ExceptWith(before);
            _assignments.Add(lost);
            _assignmentChanged = true;
            _unread = null;
        }

        _hasAssignment = true;
        Log.PartitionsAssigned(_logger, _address.Name, Describe(partitions));
        if (partitions.Count > 0)
        {
            var previous = _preparing;
            _preparing = Task.Run(() => PrepareAsync(consumer, previous, gained, numbers, lost.Token));
        }
    }

    // Off the polling thread, because it may be slow; the partitions' records are held back until it ends.
    private async Task PrepareAsync(
        ILogConsumer consumer, Task previous, List<AssignedPartition> partitions, HashSet<int> numbers, CancellationToken lost)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var backoff = Backoff.ForSharedFailure(_time);
        var complained = false;
        while (!lost.IsCancellationRequested)
        {
            try
            {
                var ids = await consumer.TopicIdsAsync([.. partitions.Select(partition => partition.Partition.Topic).Distinct()], lost);
                var letters = await _deadLetters.OpenAsync(partitions.Select(partition => partition.Partition), lost);
                if (numbers.Count > 0)
                {
                    await _handler.AssignedAsync(numbers, lost);
                }

                partitions.ForEach(partition => partition.OpenDeadLetters = letters);
                Open(partitions, ids);
                return;
            }
            catch (Exception e) when (!lost.IsCancellationRequested)
            {
                if (!complained)
                {
                    complained = true;
                    Log.PartitionsNotReady(_logger, _address.Name, e);
                }

                await backoff.WaitAsync(lost);
            }
        }
    }

    private void Open(List<AssignedPartition> partitions, IReadOnlyDictionary<string, Guid> ids)
    {
        lock (_gate)
        {
            foreach (var partition in partitions.Where(partition => !partition.Revoked))
            {
                partition.TopicId = ids.TryGetValue(partition.Partition.Topic, out var id) ? id : null;
                foreach (var result in partition.Held ?? [])
                {
                    _pending.Enqueue(new Given(partition, partition.Entry(result)));
                }

                partition.Held = null;
            }

            if (_stopTaking)
            {
                DropUngiven();
                TellIfDrained();
            }
        }

        Signal();
    }

    private void OnRevoked(ILogConsumer consumer, List<TopicPartition> partitions)
    {
        StoreSettled(consumer);
        OnRevoked(partitions);
    }

    private void OnRevoked(List<TopicPartition> partitions)
    {
        var ended = new List<CancellationTokenSource>();
        HashSet<int> numbers;
        lock (_gate)
        {
            numbers = Numbers();
            foreach (var partition in partitions)
            {
                if (_assigned.Remove(partition, out var revoked))
                {
                    Release(revoked);
                }
            }

            numbers.ExceptWith(Numbers());
            if (_assigned.Count == 0)
            {
                ended.AddRange(_assignments);
                _assignments.Clear();
            }

            TellIfDrained();
            Monitor.PulseAll(_gate);
        }

        // First, so that a handler that is still taking over what it is now told to give up can see that it must not.
        foreach (var assignment in ended)
        {
            assignment.Cancel();
            assignment.Dispose();
        }

        if (numbers.Count > 0)
        {
            Log.PartitionsRevoked(_logger, _address.Name, Describe(partitions));
            try
            {
                _handler.Revoked(numbers);
            }
            catch (Exception e)
            {
                Log.RevokeFailed(_logger, _address.Name, e);
            }
        }
    }

    private void Release(AssignedPartition partition)
    {
        partition.Revoked = true;
        partition.Held = null;
        _inFlight -= partition.InFlight;
        _inFlightBytes -= partition.InFlightBytes;
    }

    private async Task HandleAsync()
    {
        var backoff = Backoff.ForSharedFailure(_time);
        var atOnce = _settings.BatchMax;
        while (await NextBatchAsync() is { } given)
        {
            while (given.Count > 0)
            {
                var part = given.Count > atOnce ? given.GetRange(0, atOnce) : given;
                try
                {
                    await _handler.HandleAsync(part.ConvertAll(one => one.Entry), _abandon.Token);
                    if (_troubled)
                    {
                        _troubled = false;
                        Log.ConsumerResumed(_logger, _address.Name);
                    }

                    backoff.Reset();
                    given.RemoveRange(0, part.Count);
                    atOnce = Math.Min(_settings.BatchMax, atOnce * 2);
                    continue;
                }
                catch (Exception) when (_abandon.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception e) when (MemoryShortage.Is(e) && part.Count > 1)
                {
                    // What does not fit is halved. That is no trouble yet: it is one if not even a single record fits.
                    var before = MemoryShortage.Describe();
                    atOnce = Math.Max(1, part.Count / 2);
                    MemoryShortage.Relieve();
                    Log.BatchHalved(_logger, _address.Name, part.Count, before, MemoryShortage.Describe());
                    DropSettled(given);
                    continue;
                }
                catch (Exception e)
                {
                    if (!_troubled)
                    {
                        _troubled = true;
                        Log.ConsumerPaused(_logger, _address.Name, e);
                    }
                }

                if (_stopTaking || !await WaitedAsync(backoff))
                {
                    // What is left comes again to whoever is next.
                    Abandon(given);
                    return;
                }

                DropSettled(given);
            }

            _troubled = false;
        }
    }

    private void DropSettled(List<Given> given)
    {
        lock (_gate)
        {
            given.RemoveAll(one => one.Entry.IsSettled || one.Partition.Revoked);
        }
    }

    private async Task<bool> WaitedAsync(Backoff backoff)
    {
        try
        {
            await backoff.WaitAsync(_abandon.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // The handler threw while we stop: nobody will settle these.
    private void Abandon(List<Given> given)
    {
        lock (_gate)
        {
            foreach (var one in given.Where(one => !one.Entry.IsSettled && !one.Partition.Revoked))
            {
                Forget(one);
            }

            TellIfDrained();
        }
    }

    private async Task<List<Given>?> NextBatchAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_stopTaking)
                {
                    return null;
                }

                // Large ones in small batches: a batch holds its records to its end.
                var batch = new List<Given>(Math.Min(_pending.Count, _settings.BatchMax));
                var bytes = 0L;
                while (batch.Count < _settings.BatchMax && bytes < _settings.InFlightBytesMax / 4 && _pending.TryDequeue(out var given))
                {
                    if (!given.Partition.Revoked)
                    {
                        batch.Add(given);
                        bytes += given.Entry.Record.Value?.Length ?? 0;
                    }
                }

                if (batch.Count > 0)
                {
                    return batch;
                }
            }

            await _arrived.WaitAsync();
        }
    }

    private void Settle(AssignedPartition partition, BatchEntry entry, RecordOutcome outcome)
    {
        if (outcome is RecordOutcome.Dead dead)
        {
            _ = Task.Run(() => BuryAsync(partition, entry, dead));
        }
        else if (_deadLetters.Has(entry.Record, partition.OpenDeadLetters))
        {
            _ = CloseAsync(partition, entry);
        }
        else
        {
            Complete(partition, entry);
        }
    }

    // The record of an open letter was handled after all.
    private async Task CloseAsync(AssignedPartition partition, BatchEntry entry)
    {
        try
        {
            await _deadLetters.CloseAsync(entry.Record, partition.Lost);
            Complete(partition, entry);
        }
        catch (OperationCanceledException)
        {
            // The partition is no longer ours: whoever reads the record next closes the letter.
        }
    }

    private async Task BuryAsync(AssignedPartition partition, BatchEntry entry, RecordOutcome.Dead dead)
    {
        try
        {
            await _deadLetters.WriteAsync(entry.Record, dead, partition.Lost);
            Complete(partition, entry);
        }
        catch (OperationCanceledException)
        {
            // The partition is no longer ours: the record comes again elsewhere.
        }
        catch (Exception e)
        {
            Log.DeadLetterNotWritten(_logger, _address.Name, e);
        }
    }

    private void Complete(AssignedPartition partition, BatchEntry entry)
    {
        lock (_gate)
        {
            if (partition.Revoked)
            {
                return;
            }

            partition.Tracker.Settle(entry.Record.Offset);
            partition.ProgressAt = _time.GetTimestamp();
            Forget(new Given(partition, entry));
            TellIfDrained();
            if (!IsFull())
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void Forget(Given one)
    {
        var bytes = one.Entry.Record.Value?.Length ?? 0;
        one.Partition.InFlight--;
        one.Partition.InFlightBytes -= bytes;
        _inFlight--;
        _inFlightBytes -= bytes;
    }

    private void DropUngiven()
    {
        while (_pending.TryDequeue(out var given))
        {
            if (!given.Partition.Revoked)
            {
                Forget(given);
            }
        }

        foreach (var partition in _assigned.Values)
        {
            foreach (var result in partition.Held ?? [])
            {
                partition.InFlight--;
                partition.InFlightBytes -= ValueBytes(result);
                _inFlight--;
                _inFlightBytes -= ValueBytes(result);
            }

            partition.Held?.Clear();
        }
    }

    private void TellIfDrained()
    {
        if (_stopTaking && _inFlight <= 0)
        {
            _drained.TrySetResult();
        }
    }

    // On the polling thread only. Hands the watermarks to the library, which commits them.
    private void StoreSettled(ILogConsumer consumer)
    {
        List<TopicPartitionOffset>? moved = null;
        lock (_gate)
        {
            foreach (var partition in _assigned.Values)
            {
                if (partition.Tracker.Watermark is { } watermark && watermark != partition.Stored)
                {
                    partition.Stored = watermark;
                    (moved ??= []).Add(new TopicPartitionOffset(partition.Partition, watermark));
                }
            }
        }

        foreach (var offset in moved ?? [])
        {
            try
            {
                consumer.StoreOffset(offset);
            }
            catch (KafkaException e) when (!e.Error.IsFatal)
            {
                // The partition is being taken away at this moment.
                Log.OffsetNotStored(_logger, _address.Name, offset, e.Error.Reason);
            }
        }
    }

    private List<TopicPartition> Partitions()
    {
        lock (_gate)
        {
            return [.. _assigned.Keys];
        }
    }

    private HashSet<int> Numbers() => [.. _assigned.Keys.Select(partition => partition.Partition.Value)];

    private void Signal()
    {
        lock (_arrived)
        {
            if (_arrived.CurrentCount == 0)
            {
                _arrived.Release();
            }
        }
    }

    private static int ValueBytes(ConsumeResult<byte[]?, byte[]?> result) => result.Message?.Value?.Length ?? 0;

    private static string Describe(List<TopicPartition> partitions) => partitions.Count == 0
        ? "no partition"
        : string.Join(", ", partitions.GroupBy(partition => partition.Topic).Select(topic =>
            $"{topic.Key} [{string.Join(' ', topic.Select(partition => partition.Partition.Value).Order())}]"));

    private readonly record struct Given(AssignedPartition Partition, BatchEntry Entry);
}
