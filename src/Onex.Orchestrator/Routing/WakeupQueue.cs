using Onex.Contracts.Messages;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// When sagas want to be woken: the memory of their home partition's reader. Most entries never fire; a saga that moved on has another time,
/// or none, and its old entry is passed over. Thread-safe.
/// </summary>
internal sealed class WakeupQueue
{
    /// <summary>What is farther away than this is not kept here: the sweep brings it in time.</summary>
    public static readonly TimeSpan Near = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<SagaId, DateTimeOffset> _byTime = new();
    private readonly Dictionary<SagaId, (DateTimeOffset At, int HomePartition)> _current = [];

    /// <summary>How many sagas are known.</summary>
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

    /// <summary>Says when a saga wants to be woken; null if it does not.</summary>
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

    /// <summary>Takes the sagas whose time has come.</summary>
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

    /// <summary>Forgets sagas whose home is elsewhere from now on.</summary>
    public void RemovePartitions(IReadOnlyCollection<int> partitions)
    {
        lock (_lock)
        {
            foreach (var sagaId in _current.Where(entry => partitions.Contains(entry.Value.HomePartition)).Select(entry => entry.Key).ToList())
            {
                _current.Remove(sagaId);
            }
        }
    }
}
