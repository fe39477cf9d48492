using Onex.Orchestrator.Engine;
using Onex.Orchestrator.Machines;

namespace Onex.Orchestrator.Routing;

/// <summary>A saga as it was committed, with its plan.</summary>
internal sealed record CachedSaga(SagaState Saga, long Version, PlanPipe Pipe);

/// <summary>
/// Committed sagas of this main, bounded. Only a hint: every decision that was made on one is checked against the version in the database.
/// Used by one batch at a time.
/// </summary>
internal sealed class SagaCache(int capacity)
{
    private readonly Dictionary<Guid, LinkedListNode<CachedSaga>> _byId = [];
    private readonly LinkedList<CachedSaga> _byAge = new();

    public CachedSaga? Find(Guid sagaId)
    {
        if (!_byId.TryGetValue(sagaId, out var node))
        {
            return null;
        }

        _byAge.Remove(node);
        _byAge.AddLast(node);
        return node.Value;
    }

    public void Keep(CachedSaga saga)
    {
        Evict(saga.Saga.Facts.SagaId);
        _byId[saga.Saga.Facts.SagaId] = _byAge.AddLast(saga);
        if (_byId.Count > capacity)
        {
            Evict(_byAge.First!.Value.Saga.Facts.SagaId);
        }
    }

    public void Evict(Guid sagaId)
    {
        if (_byId.Remove(sagaId, out var node))
        {
            _byAge.Remove(node);
        }
    }

    /// <summary>Forgets what belongs to other readers from now on.</summary>
    public void EvictPartitions(IReadOnlyCollection<int> partitions)
    {
        foreach (var saga in _byAge.Where(saga => partitions.Contains(saga.Saga.Facts.HomePartition)).ToList())
        {
            Evict(saga.Saga.Facts.SagaId);
        }
    }
}
