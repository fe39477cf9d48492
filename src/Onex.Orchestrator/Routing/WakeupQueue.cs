using Onex.Contracts.Messages;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Holds in memory the timers of the sagas that this orchestrator commits, and of its home partitions. Most entries of the queue never
/// fire: if a saga gets another timer, or none, its old entry stays in the queue and is skipped when it is due. Thread-safe.
/// </summary>
internal sealed class WakeupQueue
{
    /// <summary>Longer timers are not queued; the sweep loads them in time.</summary>
    public static readonly TimeSpan QueuedMax = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<SagaId, DateTimeOffset> _byTime = new();
    private readonly Dictionary<SagaId, (DateTimeOffset At, int HomePartition)> _current = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _current.Count;
            }
        }
    }

    /// <summary>How many timers are due and not taken yet, and how long the oldest of them has been due.</summary>
    public (int Count, TimeSpan Lateness) MeasureDue(DateTimeOffset now)
    {
        lock (_lock)
        {
            // The first entry of the queue shows at once if none is due, which is the usual case.
            if (!_byTime.TryPeek(out _, out var first) || first > now)
            {
                return (0, TimeSpan.Zero);
            }

            var (count, oldest) = (0, now);
            foreach (var (at, _) in _current.Values)
            {
                if (at <= now)
                {
                    count++;
                    oldest = at < oldest ? at : oldest;
                }
            }

            return (count, now - oldest);
        }
    }

    /// <summary>Sets the timer of a saga; null removes it.</summary>
    public void Set(SagaId sagaId, int homePartition, DateTimeOffset? at)
    {
        lock (_lock)
        {
            if (at is not { } time)
            {
                _current.Remove(sagaId);
                return;
            }

            if (_current.TryGetValue(sagaId, out var known) && known.At == time)
            {
                return;
            }

            _current[sagaId] = (time, homePartition);
            _byTime.Enqueue(sagaId, time);
        }
    }

    /// <summary>Removes and returns the sagas whose timer is due.</summary>
    public List<SagaId> TakeDue(DateTimeOffset now, int limit)
    {
        var due = new List<SagaId>();
        lock (_lock)
        {
            while (due.Count < limit && _byTime.TryPeek(out var sagaId, out var at) && at <= now)
            {
                _byTime.Dequeue();
                if (_current.TryGetValue(sagaId, out var current) && current.At == at)
                {
                    _current.Remove(sagaId);
                    due.Add(sagaId);
                }
            }
        }

        return due;
    }

    public void RemovePartitions(IReadOnlyCollection<int> partitions)
    {
        lock (_lock)
        {
            foreach (
                var sagaId in _current.Where(entry => partitions.Contains(entry.Value.HomePartition)).Select(entry => entry.Key).ToList())
            {
                _current.Remove(sagaId);
            }
        }
    }
}
