using System.Runtime.ExceptionServices;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// The batches that are handled at the same time. A delivery waits for the earlier batches that have a delivery for the same saga. After a
/// batch of records has failed, later ones fail too until the records are given again, so that a saga gets its messages in order.
/// </summary>
internal sealed class RunningBatches
{
    private readonly Lock _lock = new();
    private readonly List<RunningBatch> _running = [];
    private Exception? _failure;

    /// <summary>Begins a batch after those that are running. Throws if an earlier batch of records has failed and this is one.</summary>
    public RunningBatch Begin(IReadOnlyList<Delivery> deliveries, bool ofRecords)
    {
        var batch = new RunningBatch(this, deliveries, ofRecords);
        lock (_lock)
        {
            ThrowIfFailed(ofRecords);
            batch.Earlier = [.. _running];
            _running.Add(batch);
        }

        return batch;
    }

    /// <summary>A batch of records has failed.</summary>
    public void Fail(Exception failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
        }
    }

    /// <summary>The records of the failed batches are given again.</summary>
    public void Retry()
    {
        lock (_lock)
        {
            _failure = null;
        }
    }

    /// <summary>Whether this failure is the one that later batches of records fail with.</summary>
    public bool HasFailedWith(Exception failure)
    {
        lock (_lock)
        {
            return ReferenceEquals(_failure, failure);
        }
    }

    private void ThrowIfFailed(bool ofRecords)
    {
        lock (_lock)
        {
            if (ofRecords && _failure is { } failure)
            {
                ExceptionDispatchInfo.Throw(failure);
            }
        }
    }

    // The failure is noted before the batch is gone: a batch that begins now either waits for this one or fails.
    private void Remove(RunningBatch batch, Exception? failure)
    {
        lock (_lock)
        {
            _running.Remove(batch);
            _failure ??= failure;
        }
    }

    /// <summary>A batch that is being handled.</summary>
    internal sealed class RunningBatch
    {
        private readonly RunningBatches _all;
        private readonly bool _ofRecords;
        private readonly HashSet<SagaId> _sagas = [];

        // The names that events look for, and the business keys of starts.
        private readonly HashSet<(string Contract, string Name)> _names = [];
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Reads which sagas the deliveries are for.</summary>
        /// <param name="all">The batches beside it.</param>
        /// <param name="deliveries">Its deliveries.</param>
        /// <param name="ofRecords">Whether they come from records.</param>
        public RunningBatch(RunningBatches all, IReadOnlyList<Delivery> deliveries, bool ofRecords)
        {
            (_all, _ofRecords) = (all, ofRecords);
            foreach (var delivery in deliveries)
            {
                if (delivery is { IsUnaddressed: true, Event.Address: var address })
                {
                    _names.Add(BatchOrder.NameOf(address));
                    continue;
                }

                _sagas.Add(delivery.Message.SagaId);
                if (delivery.Message is SagaStarted { Facts: { BusinessKey: { } key } facts })
                {
                    _names.Add(BatchOrder.NameOf(facts.Contract, key));
                }
            }
        }

        /// <summary>The batches that began before it and have not ended then.</summary>
        public IReadOnlyList<RunningBatch> Earlier { get; set; } = [];

        /// <summary>
        /// The deliveries that can be decided on at once, and those that must wait. The saga of an event is looked up after the starts
        /// before it are committed and before those after it, so if any delivery waits, both wait too.
        /// </summary>
        public (IReadOnlyList<Delivery> Now, IReadOnlyList<Delivery> Later) Split(IReadOnlyList<Delivery> deliveries)
        {
            if (!deliveries.Any(Waits))
            {
                return (deliveries, []);
            }

            var (now, later, isAfterEvent) = (new List<Delivery>(), new List<Delivery>(), false);
            foreach (var delivery in deliveries)
            {
                isAfterEvent |= delivery.IsUnaddressed;
                var waits = delivery.IsUnaddressed || Waits(delivery) || (isAfterEvent && delivery.Message is SagaStarted);
                (waits ? later : now).Add(delivery);
            }

            return (now, later);
        }

        /// <summary>Waits for the earlier batches. Throws if one of records failed and this is one.</summary>
        public async Task WaitForEarlierAsync()
        {
            foreach (var earlier in Earlier)
            {
                await earlier._ended.Task;
            }

            _all.ThrowIfFailed(_ofRecords);
        }

        /// <summary>Ends it and releases those that wait for it.</summary>
        /// <param name="failure">Why it failed, or null.</param>
        public void End(Exception? failure)
        {
            _all.Remove(this, _ofRecords ? failure : null);

            // Batches follow each other without end: without this each would keep all before it in memory.
            Earlier = [];
            _ended.SetResult();
        }

        private bool Waits(Delivery delivery) => !delivery.IsUnaddressed && Earlier.Any(earlier => earlier.Precedes(delivery.Message));

        private bool Precedes(SagaEvent message) => _sagas.Contains(message.SagaId)
            || (message is SagaStarted { Facts: var facts } && BatchOrder.NamesOf(facts).Any(_names.Contains));
    }
}
