using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Records;

namespace Onex.Kafka.Consuming;

/// <summary>The topics that an endpoint reads, and the consumer group that it joins.</summary>
public sealed record EndpointAddress(string Name, IReadOnlyList<string> Topics, string Group)
{
    /// <summary>
    /// Whether this process is the only member of the group, reads the records of the last hour and those that follow, and commits nothing.
    /// </summary>
    public bool IsBroadcast { get; init; }

    /// <summary>An upper limit for the session timeout; null if <see cref="KafkaSettings.SessionTimeout"/> alone decides.</summary>
    public TimeSpan? SessionTimeoutMax { get; init; }

    /// <summary>
    /// Whether the process keeps its place in the group when it is killed and starts again within the session timeout: it gets its
    /// partitions at once, and the others keep theirs (static membership).
    /// </summary>
    public bool IsStatic { get; init; }

    /// <summary>
    /// Whether neighbouring partitions go to different members. If not, each member gets the same numbers of all topics of equal size.
    /// </summary>
    public bool IsSpread { get; init; }
}

/// <summary>
/// Reads an endpoint's topics as one member of its group. A dedicated thread polls without pause, so that a slow handler never costs the
/// membership. <see cref="BatchLoop"/> gives what has arrived to the handler; <see cref="PartitionBuffer"/> holds the state between both.
/// </summary>
internal sealed class RecordConsumer : IDisposable
{
    private const int IdleMs = 100;
    private const int PausedMs = 10;

    // A pause discards what the client has fetched, and after it the client may wait for half a second until it fetches again. Often the
    // handler is about to complete a batch, so waiting is cheaper.
    private const int WaitForRoomMs = 200;

    private static readonly TimeSpan _checkUnreadEvery = TimeSpan.FromSeconds(1);

    // More often than the client commits the stored offsets.
    private static readonly TimeSpan _storeOffsetsEvery = TimeSpan.FromMilliseconds(50);

    // A handler that fails for longer counts as stalled. A restart of the database takes less.
    private static readonly TimeSpan _failingMax = TimeSpan.FromSeconds(5);

    // An unreachable broker must not keep the process from ending. The group then gives up this member after the session timeout.
    private static readonly TimeSpan _closeFor = TimeSpan.FromSeconds(5);

    private readonly EndpointAddress _address;
    private readonly IRecordBatchHandler _handler;
    private readonly KafkaSettings _settings;
    private readonly IRecordLog _log;
    private readonly DeadLetterWriter _deadLetters;
    private readonly MissedRecordsCount _missed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConsumerMetrics? _metrics;

    private readonly PartitionBuffer _buffer;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _pollingEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abandon = new();
    private readonly BatchLoop _loop;
    private Task _handling = Task.CompletedTask;
    private volatile bool _stopping;
    private volatile bool _stopPolling;
    private volatile bool _hasAssignment;
    private long _polledAt;
    private string? _lag;
    private volatile string? _lastError;

    // The fields from here on belong to the polling thread.
    private readonly List<CancellationTokenSource> _assignments = [];
    private Task _preparing = Task.CompletedTask;
    private bool _paused;
    private bool _assignmentChanged;
    private long _checkedUnreadAt;
    private long _storedOffsetsAt;
    private ErrorCode _loggedError = ErrorCode.NoError;

    public RecordConsumer(
        EndpointAddress address,
        IRecordBatchHandler handler,
        KafkaSettings settings,
        IRecordLog log,
        DeadLetterWriter deadLetters,
        MissedRecordsCount missed,
        TimeProvider time,
        ILogger logger,
        ConsumerMetrics? metrics = null)
    {
        _address = address;
        _handler = handler;
        _settings = settings;
        _log = log;
        _deadLetters = deadLetters;
        _missed = missed;
        _time = time;
        _logger = logger;
        _buffer = new PartitionBuffer(settings, OnOutcome, time, address.Group);
        _loop = new BatchLoop(address.Name, _buffer, handler, settings, SignalIfDrained, time, logger);
        _thread = new Thread(Poll) { IsBackground = true, Name = $"endpoint {address.Name}" };
        _metrics = metrics;
        metrics?.Add(this);
    }

    /// <summary>The topics that it reads.</summary>
    public IReadOnlyList<string> Topics => _address.Topics;

    /// <summary>The group for metrics. Those of broadcasts share a name, because each process has another group at each start.</summary>
    public string Group => _address.IsBroadcast ? "broadcast" : _address.Group;

    /// <summary>The lag of each topic, as of the last second; empty if nobody collects metrics.</summary>
    public IReadOnlyList<TopicLag> Lags() => _buffer.Lags;

    /// <summary>Whether an assignment, possibly an empty one, has arrived since this consumer last joined its group.</summary>
    public bool HasAssignment => _hasAssignment;

    /// <summary>Why it could not join its group or read, since it last read a record; null if it could.</summary>
    public string? LastError => _lastError;

    /// <summary>Records read that are neither completed nor dropped (returned, abandoned, revoked).</summary>
    public int InFlight => _buffer.InFlight;

    /// <summary>Describes why records make no progress: a failing handler, no poll, a stall; null if they do or none wait.</summary>
    public string? DescribeStall() => _loop.DescribeFailure(_failingMax) ?? DescribePoll() ?? _buffer.DescribeStall(_handler.IsBusy);

    /// <summary>Describes unread records that waited longer than <c>BehindAfter</c>, as of the last second; else null.</summary>
    public string? DescribeLag() => Volatile.Read(ref _lag);

    public void Start()
    {
        Volatile.Write(ref _polledAt, _time.GetTimestamp());
        _handling = Task.Run(() => _loop.RunAsync(_abandon.Token));
        _thread.Start();
    }

    /// <summary>
    /// Reads no more, waits for the records that the handler has, commits, and leaves the group. Records that are not completed in time are
    /// read again by the next owner of their partition.
    /// </summary>
    public async Task StopAsync(TimeSpan drainFor, CancellationToken cancellation)
    {
        _stopping = true;
        _buffer.Drain();
        SignalIfDrained();
        _loop.Stop();
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
        await Task.WhenAll(_pollingEnded.Task, _handling)
            .WaitAsync(_closeFor, _time, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        // A thread that is still closing its consumer needs this object, which then ends with the process.
        if (_pollingEnded.Task.IsCompleted && _handling.IsCompleted)
        {
            _abandon.Dispose();
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

                consumer.Close();
            }
            catch (Exception e)
            {
                // A request of an assignment fails as a whole while a leader moves, for example on a topic that has just been created.
                if (e is KafkaException failure && RetriableErrors.Contains(failure))
                {
                    Log.ConsumeFailed(_logger, _address.Name, failure.Error.Reason);
                }
                else
                {
                    Log.ConsumerBroke(_logger, _address.Name, e);
                }

                _hasAssignment = false;
                Volatile.Write(ref _polledAt, _time.GetTimestamp());
                OnRevoked(_buffer.Assigned);
                _abandon.Token.WaitHandle.WaitOne(backoff.Next());
            }
        }

        _pollingEnded.TrySetResult();
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
            // The next consumer begins at the offset that the present log requires.
            Log.LogChanged(_logger, _address.Name, e.Message);
            _hasAssignment = false;
        }
    }

    // Without a poll, a call of the client library or a callback of a rebalance has not returned.
    private string? DescribePoll()
    {
        var elapsed = _time.GetElapsedTime(Volatile.Read(ref _polledAt));
        return elapsed > _settings.StalledAfter && !_pollingEnded.Task.IsCompleted
            ? $"is stalled: its consumer has not polled for {elapsed.TotalSeconds:0} s"
            : null;
    }

    private void PollOnce(ILogConsumer consumer)
    {
        var now = _time.GetTimestamp();
        Volatile.Write(ref _polledAt, now);
        if (_time.GetElapsedTime(_storedOffsetsAt, now) >= _storeOffsetsEvery)
        {
            _storedOffsetsAt = now;
            StoreOffsets(consumer);
        }

        var room = PauseOrResume(consumer);
        CheckUnread(consumer);
        if (Consume(consumer, _paused ? PausedMs : IdleMs) is not { } first)
        {
            return;
        }

        // Records that have already arrived join the same batch. While paused, a record of a newly assigned partition may still come.
        var arrived = new List<ConsumeResult<byte[]?, byte[]?>> { first };
        var bytes = PartitionBuffer.ValueBytes(first);
        while (arrived.Count < room.Records && bytes < room.Bytes && Consume(consumer, 0) is { } next)
        {
            arrived.Add(next);
            bytes += PartitionBuffer.ValueBytes(next);
        }

        _buffer.Add(arrived);
        _loop.Signal();
        Count(arrived);
    }

    private void Count(List<ConsumeResult<byte[]?, byte[]?>> arrived)
    {
        if (_metrics is { Enabled: true } metrics)
        {
            foreach (var topic in _address.Topics)
            {
                metrics.Count(arrived.Count(record => !record.IsPartitionEOF && record.Topic == topic), topic, Group);
            }
        }
    }

    private ConsumeResult<byte[]?, byte[]?>? Consume(ILogConsumer consumer, int waitMs)
    {
        try
        {
            var result = consumer.Consume(waitMs);
            if (result is { Message: not null } or { IsPartitionEOF: true })
            {
                _loggedError = ErrorCode.NoError;
                _lastError = null;
                return result;
            }
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            // A missing topic or a moving coordinator: the library retries by itself. The same error is logged once.
            _lastError = e.Error.Reason;
            if (_loggedError != e.Error.Code)
            {
                _loggedError = e.Error.Code;
                Log.ConsumeFailed(_logger, _address.Name, e.Error.Reason);
            }
        }

        return null;
    }

    private void CheckUnread(ILogConsumer consumer)
    {
        if (_time.GetElapsedTime(_checkedUnreadAt) >= _checkUnreadEvery)
        {
            _checkedUnreadAt = _time.GetTimestamp();
            _buffer.NoteUnread(_paused ? null : consumer.EndOf);
            _buffer.NoteEnds(consumer.EndOf);
            Volatile.Write(ref _lag, _buffer.DescribeLag(consumer.EndOf));
            if (_metrics is { Enabled: true })
            {
                _buffer.NoteLags(consumer.EndOf);
            }
        }
    }

    private BufferRoom PauseOrResume(ILogConsumer consumer)
    {
        var room = _buffer.WaitForRoom(_paused || _loop.IsFailing ? 0 : WaitForRoomMs);
        var pause = _loop.IsFailing || _stopping || (_paused ? !room.IsHalfFree : room.IsFull);
        var newPartitions = _assignmentChanged;
        _assignmentChanged = false;
        if (pause != _paused || (pause && newPartitions))
        {
            _paused = pause;
            if (pause)
            {
                consumer.Pause();
            }
            else
            {
                consumer.Resume();
            }
        }

        return room;
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
        var (assigned, newNumbers) = _buffer.Assign(partitions, lost.Token);
        _assignments.Add(lost);
        _assignmentChanged = true;
        _hasAssignment = true;
        _metrics?.Rebalanced(Group, "assigned");
        Log.PartitionsAssigned(_logger, _address.Name, PartitionBuffer.Describe(partitions));
        if (partitions.Count > 0)
        {
            var previous = _preparing;
            _preparing = Task.Run(() => PrepareAsync(consumer, previous, assigned, newNumbers, lost.Token));
        }
    }

    // Runs off the polling thread because it may be slow. The records of the partitions are held until it ends.
    private async Task PrepareAsync(
        ILogConsumer consumer, Task previous, List<AssignedPartition> partitions, HashSet<int> newNumbers, CancellationToken lost)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var backoff = Backoff.ForSharedFailure(_time);
        var logged = false;
        while (!lost.IsCancellationRequested)
        {
            try
            {
                var ids = await consumer.TopicIdsAsync([.. partitions.Select(partition => partition.Partition.Topic).Distinct()], lost);
                var openDeadLetters = await _deadLetters.FindOpenAsync(partitions.Select(partition => partition.Partition), lost);
                if (newNumbers.Count > 0)
                {
                    await _handler.AssignedAsync(newNumbers, lost);
                }

                _buffer.Open(partitions, ids, openDeadLetters);
                _loop.Signal();
                return;
            }
            catch (Exception e) when (!lost.IsCancellationRequested)
            {
                if (!logged)
                {
                    logged = true;
                    Log.PartitionsNotReady(_logger, _address.Name, e);
                }

                await backoff.WaitAsync(lost);
            }
        }
    }

    private void OnRevoked(ILogConsumer consumer, List<TopicPartition> partitions)
    {
        StoreOffsets(consumer);
        OnRevoked(partitions);
    }

    private void OnRevoked(List<TopicPartition> partitions)
    {
        var numbers = _buffer.Revoke(partitions);
        SignalIfDrained();

        // Before the handler releases the partitions, so that a running preparation sees that it must stop. A rebalance revokes them all.
        if (_buffer.Assigned.Count == 0)
        {
            foreach (var assignment in _assignments)
            {
                assignment.Cancel();
                assignment.Dispose();
            }

            _assignments.Clear();
        }

        if (numbers.Count > 0)
        {
            _metrics?.Rebalanced(Group, "revoked");
            Log.PartitionsRevoked(_logger, _address.Name, PartitionBuffer.Describe(partitions));
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

    private void OnOutcome(AssignedPartition partition, BatchEntry entry, RecordOutcome outcome)
    {
        if (outcome is RecordOutcome.Dead dead)
        {
            _ = Task.Run(() => WriteDeadLetterAsync(partition, entry, dead));
        }
        else if (outcome is RecordOutcome.Returned)
        {
            _buffer.Return(partition, entry);
            SignalIfDrained();
        }
        else if (_deadLetters.Has(entry.Record, partition.OpenDeadLetters))
        {
            _ = CloseDeadLetterAsync(partition, entry);
        }
        else
        {
            Complete(partition, entry);
        }
    }

    private async Task CloseDeadLetterAsync(AssignedPartition partition, BatchEntry entry)
    {
        try
        {
            await _deadLetters.CloseAsync(entry.Record, partition.Lost);
            Complete(partition, entry);
        }
        catch (OperationCanceledException)
        {
            // The partition was revoked, or the consumer stops: the next owner reads the record and closes the dead letter.
        }
    }

    private async Task WriteDeadLetterAsync(AssignedPartition partition, BatchEntry entry, RecordOutcome.Dead dead)
    {
        try
        {
            await _deadLetters.WriteAsync(entry.Record, dead, partition.Lost);
            Complete(partition, entry);
        }
        catch (OperationCanceledException)
        {
            // The partition was revoked, or the consumer stops: the next owner reads the record again.
        }
        catch (Exception e)
        {
            Log.DeadLetterNotWritten(
                _logger, _address.Name, entry.Record.Topic, entry.Record.Partition, entry.Record.Offset, e);
        }
    }

    private void Complete(AssignedPartition partition, BatchEntry entry)
    {
        _buffer.Complete(partition, entry);
        SignalIfDrained();
    }

    private void SignalIfDrained()
    {
        if (_stopping && _buffer.IsDrained)
        {
            _drained.TrySetResult();
        }
    }

    // On the polling thread only. The library commits the stored offsets.
    private void StoreOffsets(ILogConsumer consumer)
    {
        foreach (var offset in _buffer.TakeOffsetsToStore())
        {
            try
            {
                consumer.StoreOffset(offset);
            }
            catch (KafkaException e) when (!e.Error.IsFatal)
            {
                // The partition is being revoked at this moment.
                Log.OffsetNotStored(_logger, _address.Name, offset, e.Error.Reason);
            }
        }
    }
}
