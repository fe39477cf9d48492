using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Machines;

namespace Onex.Orchestrator.Routing;

/// <summary>A committed saga with its plan.</summary>
/// <param name="Saga">The saga.</param>
/// <param name="Version">The version of the saga's row.</param>
/// <param name="Machine">Its plan and state machine.</param>
/// <param name="Weight">The saga's weight, including its input.</param>
internal sealed record CachedSaga(SagaState Saga, long Version, PlanMachine Machine, SagaWeight Weight)
{
    public SagaWeight InputWeight { get; init; }
}

/// <summary>The memory that a saga needs, in bytes (<see cref="JsonWeight"/>).</summary>
/// <param name="Handled">The weight while a decision is made on it.</param>
/// <param name="Cached">The weight while it is only cached.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct SagaWeight(long Handled, long Cached)
{
    public static SagaWeight operator +(SagaWeight left, SagaWeight right) => new(left.Handled + right.Handled, left.Cached + right.Cached);

    public static SagaWeight From(params ReadOnlySpan<RawJson> parts)
    {
        var weight = default(SagaWeight);
        foreach (var part in parts)
        {
            weight += new SagaWeight(JsonWeight.Handled(part.Utf8.Span), JsonWeight.Cached(part.Utf8.Span));
        }

        return weight;
    }
}

/// <summary>
/// Caches sagas that this orchestrator has committed, bounded by number and weight. An entry may be stale: every decision is checked
/// against the version in the database. Every method may be called by any thread.
/// </summary>
internal sealed class SagaCache(int capacity, long weightMax = long.MaxValue)
{
    private readonly Lock _lock = new();
    private long _weight;
    private readonly Dictionary<SagaId, LinkedListNode<CachedSaga>> _byId = [];
    private readonly LinkedList<CachedSaga> _byUse = new();

    public CachedSaga? Find(SagaId sagaId)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(sagaId, out var node))
            {
                return null;
            }

            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value;
        }
    }

    public void Set(CachedSaga saga)
    {
        lock (_lock)
        {
            Evict(saga.Saga.Facts.SagaId);

            // A large saga would evict many others, so it is not cached: its next message reads it again.
            if (saga.Weight.Cached > weightMax / 4)
            {
                return;
            }

            _byId[saga.Saga.Facts.SagaId] = _byUse.AddLast(saga);
            _weight += saga.Weight.Cached;
            while (_byId.Count > capacity || _weight > weightMax)
            {
                Evict(_byUse.First!.Value.Saga.Facts.SagaId);
            }
        }
    }

    public void Evict(SagaId sagaId)
    {
        lock (_lock)
        {
            if (_byId.Remove(sagaId, out var node))
            {
                _byUse.Remove(node);
                _weight -= node.Value.Weight.Cached;
            }
        }
    }

    /// <summary>Evicts everything, because other work needs the memory.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _byId.Clear();
            _byUse.Clear();
            _weight = 0;
        }
    }

    public void EvictPartitions(IReadOnlyCollection<int> partitions)
    {
        lock (_lock)
        {
            foreach (var saga in _byUse.Where(saga => partitions.Contains(saga.Saga.Facts.HomePartition)).ToList())
            {
                Evict(saga.Saga.Facts.SagaId);
            }
        }
    }
}
