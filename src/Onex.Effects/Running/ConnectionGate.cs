using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Running;

/// <summary>
/// Lets the attempts of one connection begin, in this process: a limited number at a time, at its rate, and while its circuit breaker is
/// closed or as its trial. Commands wait in memory only for a short time. Those that would wait longer, and those that arrive while others
/// are parked, are parked in the database, so that a slow connection occupies nothing that others need.
/// </summary>
/// <param name="name">The connection's name, or that of the gate for commands without one.</param>
/// <param name="settings">Its limits.</param>
/// <param name="weightMax">The maximum weight of the commands that wait in memory. A single command may weigh more.</param>
/// <param name="time">Measures waits, the rate and the breaker.</param>
/// <param name="changed">Called, without the lock, when parked commands or the breaker may have changed, or parked ones may begin.</param>
internal sealed class ConnectionGate(
    string name, GateSettings settings, long weightMax, TimeProvider time, Action<ConnectionGate> changed) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private readonly AttemptCounts _endedAttempts = new(TimeSpan.FromSeconds(1), time);
    private GateSettings _settings = settings;
    private RateWindow? _rate = settings.Rate is { } rate ? new RateWindow(rate, time) : null;
    private CircuitBreaker? _breaker = settings.Breaker is { } breaker ? new CircuitBreaker(breaker, time) : null;
    private ITimer? _rateTimer;
    private long _weight;
    private int _running;
    private int _endedPerSecond;
    private int _parkingCount;
    private bool _isMarkedParked;
    private long _parkedVersion;

    public string Name { get; } = name;

    /// <summary>The state of the gate, for health, <c>why</c> and metrics.</summary>
    public GateState Read()
    {
        lock (_lock)
        {
            return new GateState(
                Name, _running, _waiting.Count, _breaker?.State ?? BreakerState.Closed, _breaker?.Since, _breaker?.UntilTrial,
                _breaker?.Reason);
        }
    }

    /// <summary>Whether commands of this connection were seen parked, by any process, or are being parked by this one.</summary>
    private bool MayHaveParked => _isMarkedParked || _parkingCount > 0;

    /// <summary>Changes the limits. Attempts that run keep their slots; a breaker with the same settings keeps its state.</summary>
    public void Update(GateSettings updated)
    {
        lock (_lock)
        {
            if (updated == _settings)
            {
                return;
            }

            if (updated.Rate != _rate?.Limit)
            {
                _rate = updated.Rate is { } limit ? new RateWindow(limit, time) : null;
            }

            if (updated.Breaker != _breaker?.Settings)
            {
                _breaker = updated.Breaker is { } rules ? new CircuitBreaker(rules, time) : null;
            }

            _settings = updated;
            AdmitWaiting();
        }

        changed(this);
    }

    /// <summary>
    /// Waits until an attempt may begin. Returns null if the command has to be parked; then <see cref="EndParking"/> must follow. The wait
    /// precedes the lease, so it does not count against the attempt's timeout.
    /// </summary>
    public async ValueTask<GatePermit?> EnterAsync(long weight, CancellationToken cancellation)
    {
        LinkedListNode<Waiter> waiter;
        lock (_lock)
        {
            if (MayHaveParked || !MayWait(weight))
            {
                return CountParking();
            }

            if (_breaker is { State: not BreakerState.Closed } breaker)
            {
                // No parked command can be the trial, so this one is, if a trial is due.
                return breaker.UntilTrial == TimeSpan.Zero && _running < _settings.Slots && TryTakeRate()
                    ? BeginTrial(breaker)
                    : CountParking();
            }

            if (_waiting.Count == 0 && _running < _settings.Slots && TryTakeRate())
            {
                _running++;
                return new GatePermit(this, isTrial: false);
            }

            if (_rate?.UntilFree(_waiting.Count + 1) > GateSettings.LongestWait)
            {
                return CountParking();
            }

            _weight += weight;
            waiter = _waiting.AddLast(new Waiter(weight, time.GetTimestamp()));
            ScheduleRate();
        }

        return await WaitAsync(waiter, cancellation);
    }

    /// <summary>Call before a command is parked that had a permit; <see cref="EndParking"/> must follow.</summary>
    public void BeginParking()
    {
        lock (_lock)
        {
            CountParking();
        }
    }

    /// <summary>Call once a command was parked, or could not be.</summary>
    public void EndParking(bool parked)
    {
        lock (_lock)
        {
            _parkingCount--;
            if (parked)
            {
                SetParked();
            }
        }

        changed(this);
    }

    /// <summary>
    /// Takes permits for parked commands: as many as may begin now; at most one, to look for them, while none is known; and while the
    /// breaker is not closed, only that of a trial, once it is due. The caller gives back the permits that it does not use.
    /// </summary>
    public IReadOnlyList<GatePermit> TakePermits()
    {
        lock (_lock)
        {
            if (_breaker is { State: not BreakerState.Closed } breaker)
            {
                return breaker.UntilTrial == TimeSpan.Zero && _running < _settings.Slots && TryTakeRate() ? [BeginTrial(breaker)] : [];
            }

            // Commands that wait in memory go first, because they arrived before this process parked any.
            var permits = new List<GatePermit>();
            var permitsMax = MayHaveParked ? _settings.Slots : 1;
            while (permits.Count < permitsMax && _running + _waiting.Count < _settings.Slots && TryTakeRate())
            {
                _running++;
                permits.Add(new GatePermit(this, isTrial: false));
            }

            return permits;
        }
    }

    /// <summary>A number that grows whenever parked commands are noted.</summary>
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

    /// <summary>Notes that commands of the connection are, or may be, parked.</summary>
    public void MarkParked()
    {
        lock (_lock)
        {
            SetParked();
        }
    }

    /// <summary>Notes that no parked command was left when <see cref="ParkedVersion"/> had this value.</summary>
    public void MarkDrained(long version)
    {
        lock (_lock)
        {
            _isMarkedParked &= _parkedVersion != version;
        }
    }

    /// <summary>
    /// Updates how many attempts end per second. Parks the waiting commands if the first one has waited too long, because those behind it
    /// would wait even longer. Called periodically.
    /// </summary>
    public void Trim()
    {
        lock (_lock)
        {
            (_endedPerSecond, _) = _endedAttempts.Read();
            if (_waiting.First is { Value.ArrivedAt: var oldest } && time.GetElapsedTime(oldest) > GateSettings.LongestWait)
            {
                ParkWaiting();
            }
        }
    }

    /// <summary>Whether it is noted that commands are parked.</summary>
    public bool IsMarkedParked
    {
        get
        {
            lock (_lock)
            {
                return _isMarkedParked;
            }
        }
    }

    /// <summary>How long until a parked command may begin; null if none is known, if others need all slots, or during a trial.</summary>
    public TimeSpan? UntilWork()
    {
        lock (_lock)
        {
            var rate = _rate?.UntilFree(1) ?? TimeSpan.Zero;
            var trial = _breaker is { State: not BreakerState.Closed } breaker ? breaker.UntilTrial : TimeSpan.Zero;
            return !_isMarkedParked || _running + _waiting.Count >= _settings.Slots ? null : trial < rate ? rate : trial;
        }
    }

    /// <summary>See <see cref="GatePermit.Report"/>.</summary>
    internal bool Report(GatePermit permit, AttemptOutcome outcome, bool isFirst)
    {
        var mustPark = false;
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
                mustPark = sign == AttemptSign.Unavailable && outcome.Reach != AttemptReach.Done;
            }
        }

        if (before != after || permit.IsTrial)
        {
            changed(this);
        }

        return mustPark;
    }

    /// <summary>Opens the breaker at once if it is closed. False if the connection has none.</summary>
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

    /// <summary>Releases the slot. A trial without a reported outcome decides nothing, so the breaker is open again.</summary>
    internal void Release(GatePermit permit, bool hasBegun)
    {
        bool hasWork;
        lock (_lock)
        {
            _running--;
            if (hasBegun)
            {
                (_endedPerSecond, _) = _endedAttempts.Add(isFailure: false);
            }
            else
            {
                _rate?.GiveBack();
            }

            if (permit is { IsTrial: true, IsReported: false } && _breaker is { State: BreakerState.Trial } breaker)
            {
                breaker.Report(AttemptSign.None, isTrial: true, null, null);
            }

            AdmitWaiting();

            // Without parked commands only those in memory waited for the slot, and attempts end too often to report each of them.
            hasWork = MayHaveParked || permit.IsTrial;
        }

        if (hasWork)
        {
            changed(this);
        }
    }

    public void Dispose() => _rateTimer?.Dispose();

    private async ValueTask<GatePermit?> WaitAsync(LinkedListNode<Waiter> waiter, CancellationToken cancellation)
    {
        try
        {
            return await waiter.Value.Permit.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            lock (_lock)
            {
                if (waiter.List is not null)
                {
                    Remove(waiter);
                    throw;
                }
            }

            // The gate decided about the command just before the cancellation.
            if (await waiter.Value.Permit.Task is { } permit)
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

    private void OnRateTimer()
    {
        lock (_lock)
        {
            AdmitWaiting();
        }
    }

    // The methods below are called with the lock held.

    // Limits the number and the weight of waiting commands; a single one may wait whatever its weight is.
    private bool MayWait(long weight) =>
        _waiting.Count < Math.Max(_settings.WaitingMax, _endedPerSecond) && (_waiting.Count == 0 || _weight + weight <= weightMax);

    // Counts a command that is being parked, and returns null, because it gets no permit.
    private GatePermit? CountParking()
    {
        _parkingCount++;
        return null;
    }

    private void SetParked()
    {
        _isMarkedParked = true;
        _parkedVersion++;
    }

    private GatePermit BeginTrial(CircuitBreaker breaker)
    {
        breaker.BeginTrial();
        _running++;
        return new GatePermit(this, isTrial: true);
    }

    private bool TryTakeRate()
    {
        if (_rate is { } rate)
        {
            if (rate.FreePermits == 0)
            {
                return false;
            }

            rate.Take();
        }

        return true;
    }

    private void AdmitWaiting()
    {
        while (_waiting.First is { } next && _running < _settings.Slots && TryTakeRate())
        {
            Remove(next);
            _running++;
            next.Value.Permit.SetResult(new GatePermit(this, isTrial: false));
        }

        ScheduleRate();
    }

    private void ScheduleRate()
    {
        if (_waiting.Count > 0 && _running < _settings.Slots && _rate?.UntilFree(1) is { } wait)
        {
            _rateTimer ??= time.CreateTimer(_ => OnRateTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _rateTimer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void ParkWaiting()
    {
        while (_waiting.First is { } next)
        {
            Remove(next);
            next.Value.Permit.SetResult(CountParking());
        }
    }

    private void Remove(LinkedListNode<Waiter> node)
    {
        _waiting.Remove(node);
        _weight -= node.Value.Weight;
    }

    private sealed class Waiter(long weight, long arrivedAt)
    {
        public long Weight { get; } = weight;

        public long ArrivedAt { get; } = arrivedAt;

        public TaskCompletionSource<GatePermit?> Permit { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>The state of a gate at a moment.</summary>
/// <param name="Name">The gate's name.</param>
/// <param name="Running">The attempts that run.</param>
/// <param name="Waiting">The commands that wait in memory.</param>
/// <param name="Breaker">The state of the circuit breaker; closed if there is none.</param>
/// <param name="Since">Since when the breaker has not been closed, or null.</param>
/// <param name="UntilTrial">How long it will take until the next trial may begin; null unless the breaker is open.</param>
/// <param name="Reason">Why the breaker is not closed, or null.</param>
internal sealed record GateState(
    string Name, int Running, int Waiting, BreakerState Breaker, DateTimeOffset? Since, TimeSpan? UntilTrial, string? Reason);
