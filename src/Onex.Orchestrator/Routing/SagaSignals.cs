using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Signals a saga's answer to the callers in this process that wait for it. They must also poll the store, because another orchestrator may
/// commit the answer.
/// </summary>
internal sealed class SagaSignals
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SagaId, List<Listener>> _listeners = [];

    /// <summary>Signals a committed saga to its listeners if it has answered.</summary>
    public void Signal(SagaState saga)
    {
        if (saga.EndedAt is null && saga.Response is null)
        {
            return;
        }

        lock (_lock)
        {
            foreach (var listener in _listeners.GetValueOrDefault(saga.Facts.SagaId) ?? [])
            {
                listener.Complete(saga);
            }
        }
    }

    /// <summary>Listens for a saga's answer until the listener is disposed of.</summary>
    public Listener Listen(SagaId sagaId)
    {
        var listener = new Listener(this, sagaId);
        lock (_lock)
        {
            if (!_listeners.TryGetValue(sagaId, out var others))
            {
                _listeners[sagaId] = others = [];
            }

            others.Add(listener);
        }

        return listener;
    }

    private void Remove(Listener listener)
    {
        lock (_lock)
        {
            if (_listeners.TryGetValue(listener.SagaId, out var others) && others.Remove(listener) && others.Count == 0)
            {
                _listeners.Remove(listener.SagaId);
            }
        }
    }

    public sealed class Listener(SagaSignals signals, SagaId sagaId) : IDisposable
    {
        private readonly TaskCompletionSource<SagaState> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SagaId SagaId { get; } = sagaId;

        /// <summary>Completes with the committed saga once it has answered.</summary>
        public Task<SagaState> Answered => _answered.Task;

        public void Dispose() => signals.Remove(this);

        internal void Complete(SagaState saga) => _answered.TrySetResult(saga);
    }
}
