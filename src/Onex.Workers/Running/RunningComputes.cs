using Onex.Contracts.Messages;

namespace Onex.Workers.Running;

/// <summary>
/// The computations of this process, so that a cancellation reaches them. A cancellation may arrive before its command, which waits in its
/// topic, so the latest ones are remembered.
/// </summary>
internal sealed class RunningComputes
{
    /// <summary>How many cancellations of commands that do not run here are remembered.</summary>
    public const int RememberedMax = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<CommandId, List<Run>> _running = [];
    private readonly Dictionary<CommandId, int> _cancelled = [];
    private readonly Queue<CommandId> _order = new();

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

    /// <summary>Begins a computation. Null if it was cancelled before.</summary>
    public Run? Begin(StepCommand command)
    {
        lock (_lock)
        {
            if (_cancelled.TryGetValue(command.CommandId, out var attempt) && command.Attempt <= attempt)
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
            if (!_cancelled.ContainsKey(cancel.CommandId))
            {
                _order.Enqueue(cancel.CommandId);
            }

            _cancelled[cancel.CommandId] = Math.Max(cancel.Attempt, _cancelled.GetValueOrDefault(cancel.CommandId));
            while (_order.Count > RememberedMax)
            {
                _cancelled.Remove(_order.Dequeue());
            }

            stopped = _running.TryGetValue(cancel.CommandId, out var runs) ? runs.FindAll(run => run.Attempt <= cancel.Attempt) : [];
        }

        stopped.ForEach(run => run.Stop());
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

        /// <summary>Its result is durable, or needed by nobody.</summary>
        public void Answered() => _ended.TrySetResult(true);

        public void Dispose()
        {
            all.End(this);
            _ended.TrySetResult(false);
        }
    }
}
