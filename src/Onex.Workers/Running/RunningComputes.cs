using Onex.Contracts.Messages;

namespace Onex.Workers.Running;

/// <summary>
/// The computations of this process, so that a cancellation reaches them. A cancellation may arrive before its command, which waits in its
/// topic, so the latest ones are remembered.
/// </summary>
internal sealed class RunningComputes
{
    /// <summary>How many cancellations, and how many answers, are remembered of commands that do not run here any more.</summary>
    public const int RememberedMax = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<CommandId, List<Run>> _running = [];
    private readonly Recent<int> _cancelled = new();
    private readonly Recent<(int Attempt, DateTimeOffset At)> _answered = new();

    /// <summary>The number of cancellations that are remembered.</summary>
    public int Remembered
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
    /// Begins a computation. Null if it was cancelled before, or if its result was durable when the command was sent again: a command that
    /// waits longer than its timeout is sent again, and computing each copy would make the others wait even longer.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="sentAt">When the orchestrator sent it, or null if that is unknown.</param>
    public Run? Begin(StepCommand command, DateTimeOffset? sentAt)
    {
        lock (_lock)
        {
            if ((_cancelled.TryGet(command.CommandId, out var attempt) && command.Attempt <= attempt)
                || (_answered.TryGet(command.CommandId, out var answer) && command.Attempt <= answer.Attempt && sentAt <= answer.At))
            {
                return null;
            }

            if (!_running.TryGetValue(command.CommandId, out var runs))
            {
                _running[command.CommandId] = runs = [];
            }

            var run = new Run(this, command.CommandId, command.Attempt, runs.FindLast(other => other.Attempt == command.Attempt)?.Ended);
            runs.Add(run);
            return run;
        }
    }

    /// <summary>Cancels the attempts of a command up to one.</summary>
    public void Cancel(StepCancel cancel)
    {
        List<Run> stopped;
        lock (_lock)
        {
            _cancelled.TryGet(cancel.CommandId, out var earlier);
            _cancelled.Set(cancel.CommandId, Math.Max(cancel.Attempt, earlier));
            stopped = _running.TryGetValue(cancel.CommandId, out var runs) ? runs.FindAll(run => run.Attempt <= cancel.Attempt) : [];
        }

        stopped.ForEach(run => run.Stop());
    }

    private void Answered(Run run, DateTimeOffset at)
    {
        lock (_lock)
        {
            _answered.Set(run.CommandId, (run.Attempt, at));
        }
    }

    private void End(Run run)
    {
        lock (_lock)
        {
            if (_running.TryGetValue(run.CommandId, out var runs) && runs.Remove(run) && runs.Count == 0)
            {
                _running.Remove(run.CommandId);
            }
        }
    }

    /// <summary>One run of a computation.</summary>
    internal sealed class Run(RunningComputes all, CommandId commandId, int attempt, Task<bool>? earlier) : IDisposable
    {
        private readonly TaskCompletionSource<bool> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // Not disposed of, because a cancellation may arrive at the same moment. It has no timer and no handle.
        private readonly CancellationTokenSource _stop = new();

        public CommandId CommandId { get; } = commandId;

        public int Attempt { get; } = attempt;

        /// <summary>The end of another run of the same attempt that began before; null without one.</summary>
        public Task<bool>? Earlier { get; } = earlier;

        /// <summary>Its end: whether its result is durable, or needed by nobody.</summary>
        public Task<bool> Ended => _ended.Task;

        /// <summary>Cancelled when nobody needs the result any more.</summary>
        public CancellationToken Stopped => _stop.Token;

        public void Stop() => _stop.Cancel();

        /// <summary>Its result is needed by nobody.</summary>
        public void Abandoned() => _ended.TrySetResult(true);

        /// <summary>Its result is durable.</summary>
        /// <param name="at">The present time.</param>
        public void Answered(DateTimeOffset at)
        {
            all.Answered(this, at);
            _ended.TrySetResult(true);
        }

        public void Dispose()
        {
            all.End(this);
            _ended.TrySetResult(false);
        }
    }

    // The last ones only: what was evicted is computed again, which changes nothing.
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
