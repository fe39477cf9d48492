using System.Runtime.InteropServices;
using Onex.Contracts.Messages;

namespace Onex.Workers.Running;

/// <summary>
/// The computations of this process, so that a cancellation reaches them. A cancellation may arrive before its command, which still waits
/// in its topic, so the latest cancellations are remembered; so are the latest commands whose results were sent.
/// </summary>
internal sealed class RunningComputes
{
    /// <summary>The maximum number of commands whose cancellation is remembered, and of those whose result is.</summary>
    public const int RememberedMax = 20_000;

    private readonly Lock _lock = new();

    // The latest run of each command.
    private readonly Dictionary<CommandId, Run> _running = [];
    private readonly Recent<int> _cancelled = new();
    private readonly Recent<(int Attempt, DateTimeOffset At)> _answered = new();

    /// <summary>The number of cancellations that are remembered.</summary>
    public int RememberedCancellations
    {
        get
        {
            lock (_lock)
            {
                return _cancelled.Count;
            }
        }
    }

    /// <summary>
    /// Begins a computation. Null if it was cancelled before, or if its result has become durable since this copy of the command was sent:
    /// a command that waits longer than its timeout is sent again, and computing each copy would make the others wait even longer. A copy
    /// that was sent after the result is computed, because the saga may not have received the result.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="sentAt">When the orchestrator sent it, or null if that is unknown.</param>
    /// <param name="stopping">Ends it, because the process stops.</param>
    public Run? Begin(StepCommand command, DateTimeOffset? sentAt, CancellationToken stopping = default)
    {
        Run run;
        lock (_lock)
        {
            if ((_cancelled.TryGet(command.CommandId, out var attempt) && command.Attempt <= attempt)
                || (_answered.TryGet(command.CommandId, out var answer) && command.Attempt <= answer.Attempt && sentAt <= answer.At))
            {
                return null;
            }

            ref var latest = ref CollectionsMarshal.GetValueRefOrAddDefault(_running, command.CommandId, out _);
            run = new Run(this, command.CommandId, command.Attempt, previous: latest);
            latest = run;
        }

        run.StopWith(stopping);
        return run;
    }

    /// <summary>Cancels the attempts of a command up to the one that the cancellation names, even if they have not begun yet.</summary>
    public void Cancel(StepCancel cancel)
    {
        var stopped = new List<Run>();
        lock (_lock)
        {
            _cancelled.TryGet(cancel.CommandId, out var earlier);
            _cancelled.Set(cancel.CommandId, Math.Max(cancel.Attempt, earlier));
            for (var run = _running.GetValueOrDefault(cancel.CommandId); run is not null; run = run.Previous)
            {
                if (run.Attempt <= cancel.Attempt)
                {
                    stopped.Add(run);
                }
            }
        }

        stopped.ForEach(run => run.End(RunEnd.Cancelled));
    }

    private void Remove(Run ended)
    {
        lock (_lock)
        {
            var latest = _running[ended.CommandId];
            if (latest != ended)
            {
                latest.Unlink(ended);
            }
            else if (ended.Previous is { } previous)
            {
                _running[ended.CommandId] = previous;
            }
            else
            {
                _running.Remove(ended.CommandId);
            }
        }
    }

    /// <summary>One run of a computation.</summary>
    internal sealed class Run : IDisposable
    {
        private readonly RunningComputes _all;

        // Not disposed of, because a cancellation may arrive at that moment. It has no timer and no handle, so nothing leaks.
        private readonly CancellationTokenSource _end = new();
        private CancellationTokenRegistration _stopping;
        private ITimer? _timer;
        private int _reason;

        // The fields from here on are guarded by the lock of RunningComputes.
        private Run? _previous;
        private TaskCompletionSource<bool>? _ended;
        private bool _isNeeded = true;

        /// <summary>Called with the lock held.</summary>
        public Run(RunningComputes all, CommandId commandId, int attempt, Run? previous)
        {
            (_all, CommandId, Attempt, _previous) = (all, commandId, attempt, previous);
            while (previous is not null && previous.Attempt != attempt)
            {
                previous = previous._previous;
            }

            EarlierEnd = previous is null ? null : (previous._ended ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        public CommandId CommandId { get; }

        public int Attempt { get; }

        /// <summary>The run of the same command that began before this one, or null.</summary>
        public Run? Previous => _previous;

        /// <summary>
        /// The end of an earlier run of the same attempt, or null if there is none. True if this run has nothing to do: the result of the
        /// earlier one is durable, or nobody needs it.
        /// </summary>
        public Task<bool>? EarlierEnd { get; }

        /// <summary>Cancelled when it must end.</summary>
        public CancellationToken Ending => _end.Token;

        /// <summary>Why it must end.</summary>
        public RunEnd Reason => (RunEnd)Volatile.Read(ref _reason);

        /// <summary>Removes an earlier run from the chain of this one. Called with the lock held.</summary>
        public void Unlink(Run ended)
        {
            var run = this;
            while (run._previous != ended)
            {
                run = run._previous!;
            }

            run._previous = ended._previous;
        }

        /// <summary>Cancels <see cref="Ending"/>. Only the first reason counts.</summary>
        public void End(RunEnd reason)
        {
            if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)RunEnd.None) == (int)RunEnd.None)
            {
                _end.Cancel();
            }
        }

        /// <summary>Ends it when the process stops.</summary>
        public void StopWith(CancellationToken stopping) =>
            _stopping = stopping.UnsafeRegister(static run => ((Run)run!).End(RunEnd.Stopped), this);

        /// <summary>Ends it after that time.</summary>
        public void EndAfter(TimeSpan timeout, TimeProvider time) => _timer = time.CreateTimer(
            static run => ((Run)run!).End(RunEnd.TimedOut), this, timeout, Timeout.InfiniteTimeSpan);

        /// <summary>Records that nobody needs its result.</summary>
        public void MarkAbandoned()
        {
            lock (_all._lock)
            {
                _isNeeded = false;
            }
        }

        /// <summary>Records that its result is durable.</summary>
        /// <param name="at">The present time.</param>
        public void MarkAnswered(DateTimeOffset at)
        {
            lock (_all._lock)
            {
                _all._answered.Set(CommandId, (Attempt, at));
                _isNeeded = false;
            }
        }

        public void Dispose()
        {
            _timer?.Dispose();
            _stopping.Unregister();
            _all.Remove(this);
            // No other run can find this one any more, so these fields need no lock.
            _ended?.TrySetResult(!_isNeeded);
        }
    }

    // Holds the commands that were added last. A command that it no longer holds may be computed again, which changes nothing.
    private sealed class Recent<T>
    {
        private readonly Dictionary<CommandId, T> _values = [];
        private readonly Queue<CommandId> _order = new();

        public int Count => _values.Count;

        public bool TryGet(CommandId command, out T? value) => _values.TryGetValue(command, out value);

        public void Set(CommandId command, T value)
        {
            if (!_values.ContainsKey(command))
            {
                _order.Enqueue(command);
            }

            _values[command] = value;
            while (_order.Count > RememberedMax)
            {
                _values.Remove(_order.Dequeue());
            }
        }
    }
}
