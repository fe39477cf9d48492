using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Running;

/// <summary>
/// Lets the attempts of one connection begin, in this process: at most so many at a time, at its rate, and while its circuit breaker is
/// closed. Commands wait in memory only for a short time; those that would wait longer, and all that follow them, are parked in the
/// database, so that a slow connection occupies nothing that others need.
/// </summary>
/// <param name="name">The connection's name.</param>
/// <param name="settings">Its limits.</param>
/// <param name="weightMax">The weight of the commands that may wait in memory; a single one may weigh more.</param>
/// <param name="time">Measures waits, the rate and the breaker.</param>
/// <param name="changed">Called, without the lock, when parked commands may begin or the breaker has changed.</param>
internal sealed class ConnectionGate(
    string name, GateSettings settings, long weightMax, TimeProvider time, Action<ConnectionGate> changed) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private readonly AttemptCounts _ended = new(TimeSpan.FromSeconds(1), time);
    private GateSettings _settings = settings;
    private RateWindow? _rate = settings.Rate is { } rate ? new RateWindow(rate, time) : null;
    private CircuitBreaker? _breaker = settings.Breaker is { } breaker ? new CircuitBreaker(breaker, time) : null;
    private ITimer? _rateTimer;
    private long _weight;
    private int _running;
    private int _endedPerSecond;
    private int _parking;
    private bool _hasParked;
    private long _parkedVersion;

    /// <summary>The connection's name.</summary>
    public string Name { get; } = name;

    /// <summary>The state of the gate, for health, <c>why</c> and metrics.</summary>
    public GateReading Read()
    {
        lock (_lock)
        {
            return new GateReading(
                Name, _running, _waiting.Count, HasParked, _breaker?.State ?? BreakerState.Closed, _breaker?.Since, _breaker?.UntilTrial,
                _breaker?.Reason);
        }
    }

    /// <summary>Whether commands of this connection are, or may be, parked, by any process.</summary>
    private bool HasParked => _hasParked || _parking > 0;

    /// <summary>Changes the limits. Attempts that run keep their slots; a breaker with the same settings keeps its state.</summary>
    public void Update(GateSettings updated)
    {
        lock (_lock)
        {
            if (updated == _settings)
            {
                return;
            }

            _rate = updated.Rate == _rate?.Limit ? _rate : updated.Rate is { } limit ? new RateWindow(limit, time) : null;
            _breaker = updated.Breaker == _breaker?.Settings ? _breaker
                : updated.Breaker is { } rules ? new CircuitBreaker(rules, time)
                : null;
            _settings = updated;
            Begin();
        }

        changed(this);
    }

    /// <summary>
    /// Waits until an attempt may begin. Null if the command has to be parked; then <see cref="EndParking"/> must follow. The wait precedes
    /// the lease, so it does not count against the attempt's timeout.
    /// </summary>
    public async ValueTask<GatePermit?> EnterAsync(long weight, CancellationToken cancellation)
    {
        LinkedListNode<Waiter> mine;
        lock (_lock)
        {
            if (HasParked || !MayWait(weight))
            {
                return Park();
            }

            if (_breaker is { State: not BreakerState.Closed } breaker)
            {
                // Without parked commands the command itself is the trial.
                return breaker.UntilTrial == TimeSpan.Zero && _running < _settings.Slots && TakeRate() ? BeginTrial(breaker) : Park();
            }

            if (_waiting.Count == 0 && _running < _settings.Slots && TakeRate())
            {
                _running++;
                return new GatePermit(this, isTrial: false);
            }

            if (_rate?.UntilFree(_waiting.Count + 1) > GateSettings.LongestWait)
            {
                return Park();
            }

            _weight += weight;
            mine = _waiting.AddLast(new Waiter(weight, time.GetTimestamp()));
            ScheduleRate();
        }

        return await WaitAsync(mine, cancellation);
    }

    /// <summary>Call before a command is parked that had a permit.</summary>
    public void BeginParking()
    {
        lock (_lock)
        {
            Park();
        }
    }

    /// <summary>Call after the attempt to park a command has ended.</summary>
    public void EndParking(bool parked)
    {
        lock (_lock)
        {
            _parking--;
            if (parked)
            {
                NoteParked();
            }
        }

        changed(this);
    }

    /// <summary>
    /// Takes permits for parked commands: as many as may begin now, and one at most while the breaker is not closed, or while no command is
    /// known to be parked. The caller gives back those that it does not use.
    /// </summary>
    public IReadOnlyList<GatePermit> TakePermits()
    {
        lock (_lock)
        {
            if (_breaker is { State: not BreakerState.Closed } breaker)
            {
                return breaker.UntilTrial == TimeSpan.Zero && _running < _settings.Slots && TakeRate() ? [BeginTrial(breaker)] : [];
            }

            // Those that wait in memory arrived before the parked ones.
            var permits = new List<GatePermit>();
            var most = HasParked ? _settings.Slots : 1;
            while (permits.Count < most && _running + _waiting.Count < _settings.Slots && TakeRate())
            {
                _running++;
                permits.Add(new GatePermit(this, isTrial: false));
            }

            return permits;
        }
    }

    /// <summary>A number that changes with every command that is parked.</summary>
    public long ParkedVersion
    {
        get
        {
            lock (_lock)
            {
                return _parkedVersion;
            }
        }
    }

    /// <summary>Notes that commands of the connection are parked.</summary>
    public void MarkParked()
    {
        lock (_lock)
        {
            NoteParked();
        }
    }

    /// <summary>Notes that no parked command was left when the version had this value.</summary>
    public void MarkDrained(long version)
    {
        lock (_lock)
        {
            _hasParked &= _parkedVersion != version;
        }
    }

    /// <summary>
    /// Parks the commands that have waited too long, and those that are too many for what the connection finishes. Called periodically.
    /// </summary>
    public void Trim()
    {
        lock (_lock)
        {
            (_endedPerSecond, _) = _ended.Read();
            if (_waiting.First is { Value.At: var oldest } && time.GetElapsedTime(oldest) > GateSettings.LongestWait)
            {
                ParkWaiting();
            }
        }
    }

    /// <summary>Whether commands are known to be parked.</summary>
    public bool IsMarkedParked
    {
        get
        {
            lock (_lock)
            {
                return _hasParked;
            }
        }
    }

    /// <summary>
    /// How long it will take until a parked command may begin; null if none is known, or if a slot has to become free before.
    /// </summary>
    public TimeSpan? UntilWork()
    {
        lock (_lock)
        {
            return !_hasParked || _running + _waiting.Count >= _settings.Slots ? null
                : _breaker is { State: not BreakerState.Closed } breaker ? breaker.UntilTrial
                : _rate?.UntilFree(1) ?? TimeSpan.Zero;
        }
    }

    /// <summary>Reports the outcome of an attempt. True if its command is parked again instead of failing.</summary>
    internal bool Report(GatePermit permit, AttemptOutcome outcome, bool isFirst)
    {
        var parks = false;
        BreakerState before, after;
        lock (_lock)
        {
            if (_breaker is not { } breaker)
            {
                return false;
            }

            before = breaker.State;
            var sign = AttemptSigns.From(outcome);
            breaker.Report(
                sign, permit.IsTrial && before == BreakerState.Trial, outcome.RetryAfter, outcome.Message,
                isFirst && AttemptSigns.IsAnswer(outcome));
            after = breaker.State;
            if (after != BreakerState.Closed)
            {
                ParkWaiting();
                parks = sign == AttemptSign.Unavailable && outcome.Reach != AttemptReach.Done;
            }
        }

        if (before != after || permit.IsTrial)
        {
            changed(this);
        }

        return parks;
    }

    /// <summary>Opens the breaker at once. False if there is none.</summary>
    internal bool OpenBreaker(string? reason)
    {
        lock (_lock)
        {
            if (_breaker is not { } breaker)
            {
                return false;
            }

            breaker.OpenNow(reason);
            ParkWaiting();
        }

        changed(this);
        return true;
    }

    /// <summary>Gives the slot back. A trial that reported nothing decides nothing.</summary>
    internal void Release(GatePermit permit, bool begun)
    {
        bool hasWork;
        lock (_lock)
        {
            _running--;
            if (begun)
            {
                (_endedPerSecond, _) = _ended.Add(failed: false);
            }
            else
            {
                _rate?.GiveBack();
            }

            if (permit is { IsTrial: true, IsReported: false } && _breaker is { State: BreakerState.Trial } breaker)
            {
                breaker.Report(AttemptSign.None, isTrial: true, null, null);
            }

            Begin();

            // Without parked commands a free slot interests nobody else, and attempts end thousands of times per second.
            hasWork = HasParked || permit.IsTrial;
        }

        if (hasWork)
        {
            changed(this);
        }
    }

    public void Dispose() => _rateTimer?.Dispose();

    private async ValueTask<GatePermit?> WaitAsync(LinkedListNode<Waiter> mine, CancellationToken cancellation)
    {
        try
        {
            return await mine.Value.Turn.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            lock (_lock)
            {
                if (mine.List is not null)
                {
                    Remove(mine);
                    throw;
                }
            }

            // Decided at the moment of the cancellation.
            if (await mine.Value.Turn.Task is { } permit)
            {
                permit.GiveBack();
            }
            else
            {
                EndParking(parked: false);
            }

            throw;
        }
    }

    // The methods below are called with the lock held.
    private bool MayWait(long weight) =>
        _waiting.Count < Math.Max(_settings.WaitingMax, _endedPerSecond) && (_waiting.Count == 0 || _weight + weight <= weightMax);

    private GatePermit? Park()
    {
        _parking++;
        return null;
    }

    private void NoteParked()
    {
        _hasParked = true;
        _parkedVersion++;
    }

    private GatePermit BeginTrial(CircuitBreaker breaker)
    {
        breaker.BeginTrial();
        _running++;
        return new GatePermit(this, isTrial: true);
    }

    private bool TakeRate()
    {
        if (_rate is { } rate)
        {
            if (rate.Free == 0)
            {
                return false;
            }

            rate.Take();
        }

        return true;
    }

    private void Begin()
    {
        while (_waiting.First is { } next && _running < _settings.Slots && TakeRate())
        {
            Remove(next);
            _running++;
            next.Value.Turn.SetResult(new GatePermit(this, isTrial: false));
        }

        ScheduleRate();
    }

    private void ScheduleRate()
    {
        if (_waiting.Count > 0 && _running < _settings.Slots && _rate?.UntilFree(1) is { } wait)
        {
            _rateTimer ??= time.CreateTimer(_ => OnRate(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _rateTimer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnRate()
    {
        lock (_lock)
        {
            Begin();
        }
    }

    private void ParkWaiting()
    {
        while (_waiting.First is { } next)
        {
            Remove(next);
            next.Value.Turn.SetResult(Park());
        }
    }

    private void Remove(LinkedListNode<Waiter> node)
    {
        _waiting.Remove(node);
        _weight -= node.Value.Weight;
    }

    private sealed class Waiter(long weight, long at)
    {
        public long Weight { get; } = weight;

        public long At { get; } = at;

        public TaskCompletionSource<GatePermit?> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>The state of a gate at a moment.</summary>
/// <param name="Name">The connection's name.</param>
/// <param name="Running">The attempts that run.</param>
/// <param name="Waiting">The commands that wait in memory.</param>
/// <param name="HasParked">Whether commands are, or may be, parked.</param>
/// <param name="Breaker">The state of the circuit breaker.</param>
/// <param name="Since">Since when the breaker has not been closed.</param>
/// <param name="UntilTrial">How long it will take until the next trial may begin, while the breaker is open.</param>
/// <param name="Reason">Why the breaker is not closed.</param>
internal sealed record GateReading(
    string Name, int Running, int Waiting, bool HasParked, BreakerState Breaker, DateTimeOffset? Since, TimeSpan? UntilTrial,
    string? Reason);
