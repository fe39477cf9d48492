using System.Runtime.ExceptionServices;
using Onex.Contracts.Messages;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// The batches that are handled at the same time. A delivery waits for the earlier batches that have a delivery for the same saga, so that
/// a saga gets its messages in order even if an earlier batch fails and is given again.
/// </summary>
internal sealed class RunningBatches
{
    private readonly Lock _lock = new();
    private readonly List<RunningBatch> _running = [];

    /// <summary>Begins a batch after those that are running.</summary>
    public RunningBatch Begin(IReadOnlyList<Delivery> deliveries)
    {
        var addressed = deliveries.Where(delivery => !delivery.IsUnaddressed);
        var batch = new RunningBatch(this, [.. addressed.Select(delivery => delivery.Message.SagaId)]);
        lock (_lock)
        {
            batch.Earlier = [.. _running];
            _running.Add(batch);
        }

        return batch;
    }

    private void End(RunningBatch batch, Exception? failure)
    {
        lock (_lock)
        {
            _running.Remove(batch);
        }

        batch.Finish(failure);
    }

    /// <summary>A batch that is being handled.</summary>
    /// <param name="all">The batches beside it.</param>
    /// <param name="sagas">The sagas of its deliveries.</param>
    internal sealed class RunningBatch(RunningBatches all, HashSet<SagaId> sagas)
    {
        private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The batches that began before it and have not ended then.</summary>
        public IReadOnlyList<RunningBatch> Earlier { get; set; } = [];

        /// <summary>
        /// The deliveries that can be decided on at once, and those that must wait. The saga of an event is looked up after the starts
        /// before it are committed, so events wait if another delivery does.
        /// </summary>
        public (IReadOnlyList<Delivery> Now, IReadOnlyList<Delivery> Later) Split(IReadOnlyList<Delivery> deliveries)
        {
            if (!deliveries.Any(Waits))
            {
                return (deliveries, []);
            }

            return (
                [.. deliveries.Where(delivery => !Waits(delivery) && !delivery.IsUnaddressed)],
                [.. deliveries.Where(delivery => Waits(delivery) || delivery.IsUnaddressed)]);
        }

        /// <summary>Waits for the earlier batches. Throws the failure of one, because its deliveries come again before these.</summary>
        public async Task WaitForEarlierAsync()
        {
            foreach (var earlier in Earlier)
            {
                if (await earlier._ended.Task is { } failure)
                {
                    ExceptionDispatchInfo.Throw(failure);
                }
            }
        }

        /// <summary>Ends it.</summary>
        /// <param name="failure">Why it failed, or null.</param>
        public void End(Exception? failure) => all.End(this, failure);

        /// <summary>Releases those that wait for it.</summary>
        public void Finish(Exception? failure)
        {
            // Batches follow each other without end: without this each would keep all before it in memory.
            Earlier = [];
            _ended.SetResult(failure);
        }

        private bool Waits(Delivery delivery) =>
            !delivery.IsUnaddressed && Earlier.Any(earlier => earlier.Has(delivery.Message.SagaId));

        private bool Has(SagaId sagaId) => sagas.Contains(sagaId);
    }
}
