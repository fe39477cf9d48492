using System.Runtime.ExceptionServices;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// The batches that are handled at the same time. A delivery waits for all earlier batches if one of them concerns its saga. After a batch
/// of records has failed, later batches of records fail too until the consumer delivers the records again, so that a saga gets its
/// messages in order.
/// </summary>
internal sealed class RunningBatches
{
    private readonly Lock _lock = new();
    private readonly List<RunningBatch> _running = [];
    private Exception? _failure;

    /// <summary>Begins a batch after those that are running. Throws for a batch of records if an earlier one has failed.</summary>
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

    public void Fail(Exception failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
        }
    }

    /// <summary>The consumer delivers the records of the failed batches again.</summary>
    public void Retry()
    {
        lock (_lock)
        {
            _failure = null;
        }
    }

    /// <summary>Whether batches of records fail with this failure because an earlier batch did.</summary>
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

    // Removes the batch and sets the failure under one lock, so that a batch that begins either waits for this batch or fails.
    private void Remove(RunningBatch batch, Exception? failure)
    {
        lock (_lock)
        {
            _running.Remove(batch);
            _failure ??= failure;
        }
    }

    internal sealed class RunningBatch
    {
        private readonly RunningBatches _all;
        private readonly bool _ofRecords;
        private readonly HashSet<SagaId> _sagas = [];

        // The names by which the sagas of events are looked up, and the business keys of starts.
        private readonly HashSet<(string Contract, string Name)> _names = [];
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Collects the sagas and names that the deliveries concern.</summary>
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

        /// <summary>The batches that were running when this one began; empty once it has ended.</summary>
        public IReadOnlyList<RunningBatch> Earlier { get; set; } = [];

        /// <summary>
        /// The deliveries that can be handled at once, and those that must wait for the earlier batches. An unaddressed event is handled
        /// after all starts before it and before all starts after it. So if any delivery waits, such events and the starts after them
        /// wait, too.
        /// </summary>
        public (IReadOnlyList<Delivery> Now, IReadOnlyList<Delivery> Later) Split(IReadOnlyList<Delivery> deliveries)
        {
            if (!deliveries.Any(MustWait))
            {
                return (deliveries, []);
            }

            var (now, later, isAfterEvent) = (new List<Delivery>(), new List<Delivery>(), false);
            foreach (var delivery in deliveries)
            {
                isAfterEvent |= delivery.IsUnaddressed;
                var mustWait = delivery.IsUnaddressed || MustWait(delivery) || (isAfterEvent && delivery.Message is SagaStarted);
                (mustWait ? later : now).Add(delivery);
            }

            return (now, later);
        }

        /// <summary>Waits for the earlier batches. Throws for a batch of records if an earlier one has failed.</summary>
        public async Task WaitForEarlierAsync()
        {
            foreach (var earlier in Earlier)
            {
                await earlier._ended.Task;
            }

            _all.ThrowIfFailed(_ofRecords);
        }

        /// <summary>Ends the batch, with a failure or with null, and releases the batches that wait for it.</summary>
        public void End(Exception? failure)
        {
            _all.Remove(this, _ofRecords ? failure : null);

            // Otherwise each batch would refer to the one before it, and none could be collected.
            Earlier = [];
            _ended.SetResult();
        }

        private bool MustWait(Delivery delivery) => !delivery.IsUnaddressed && Earlier.Any(earlier => earlier.Precedes(delivery.Message));

        private bool Precedes(SagaEvent message) => _sagas.Contains(message.SagaId)
            || (message is SagaStarted { Facts: var facts } && BatchOrder.NamesOf(facts).Any(_names.Contains));
    }
}
