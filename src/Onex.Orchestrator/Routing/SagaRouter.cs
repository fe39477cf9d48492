using System.Collections.Concurrent;
using Onex.Contracts.Messages;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Routes messages to the state machines, in rounds. A round loads the sagas of deliveries (from the cache, else in one query), passes each
/// message to its plan's state machine, commits all decisions in one transaction, and only then sends. While one round is committed, the
/// next one is decided on. The commit checks every decision, including one that changes nothing, against the saga's version in the
/// database; a decision on a stale version is made again.
/// </summary>
internal sealed class SagaRouter(
    SagaLoader loader,
    SagaDecider decider,
    EventTargets targets,
    ISagaStore store,
    CommitFollowUp followUp,
    OutgoingSender sender,
    SagaCache cache,
    RouterHealth health,
    DatabaseClock clock,
    RoundMetrics? metrics = null) : IDisposable
{
    private const int AcknowledgedPerCommit = 2_000;

    // One round at a time is decided on, and one is committed. A round releases _deciding only once it has entered _committing, so that
    // rounds are committed in the order of their decisions.
    private readonly SemaphoreSlim _deciding = new(1, 1);
    private readonly SemaphoreSlim _committing = new(1, 1);
    private readonly RunningBatches _running = new();
    private readonly ConcurrentQueue<IReadOnlyCollection<int>> _revoked = new();

    /// <summary>Handles deliveries. When it returns, the outcome of each is durable, or its answer or dead letter is being sent.</summary>
    /// <param name="deliveries">The deliveries.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <param name="ofRecords">Whether they come from records, which the consumer delivers again in order after a failure.</param>
    public async Task HandleAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellation, bool ofRecords = false)
    {
        if (deliveries.Count == 0)
        {
            return;
        }

        var batch = _running.Begin(deliveries, ofRecords);
        var healthNumber = health.Began(deliveries.Count);
        Exception? failed = null;
        try
        {
            var (now, later) = batch.Split(deliveries);
            await RunRoundsAsync(now, batch, cancellation);
            if (later.Count > 0)
            {
                await batch.WaitForEarlierAsync();
                await RunRoundsAsync(later, batch, cancellation);
            }

            health.Succeeded();
        }
        catch (Exception failure)
        {
            failed = failure;
            if (!(failure is OperationCanceledException && cancellation.IsCancellationRequested) && !_running.HasFailedWith(failure))
            {
                health.Failed(failure);
            }

            if (MemoryShortage.Is(failure))
            {
                cache.Clear();
            }

            throw;
        }
        finally
        {
            batch.End(failed);
            health.Ended(healthNumber);
        }
    }

    /// <summary>A batch of records has failed: later batches of records fail too until <see cref="Retrying"/>.</summary>
    public void RecordsFailed(Exception failure) => _running.Fail(failure);

    /// <summary>The consumer delivers the failed batches of records again.</summary>
    public void Retrying() => _running.Retry();

    public void Dispose()
    {
        _deciding.Dispose();
        _committing.Dispose();
    }

    /// <summary>Evicts the sagas of these home partitions before the next round: another orchestrator handles them from now on.</summary>
    public void Revoked(IReadOnlyCollection<int> partitions) => _revoked.Enqueue(partitions);

    private async Task RunRoundsAsync(
        IReadOnlyList<Delivery> deliveries, RunningBatches.RunningBatch batch, CancellationToken cancellation)
    {
        while (deliveries.Count > 0)
        {
            var (now, later) = await loader.LoadResultsAsync(deliveries, cancellation);
            foreach (var part in BatchOrder.Split(now))
            {
                var undecided = part;
                while (undecided.Count > 0)
                {
                    undecided = await DecideAndCommitAsync(undecided, batch, cancellation);
                }
            }

            deliveries = later;
        }
    }

    // Decides first on the deliveries whose saga is known, and returns the other events for a further call. That call looks up their sagas,
    // after the first commit, so that a saga that starts in this batch is found.
    private async Task<IReadOnlyList<Delivery>> DecideAndCommitAsync(
        IReadOnlyList<Delivery> deliveries, RunningBatches.RunningBatch batch, CancellationToken cancellation)
    {
        var unaddressed = deliveries.Where(delivery => delivery.IsUnaddressed).ToList();
        if (unaddressed.Count == 0)
        {
            return await RunRoundAsync(deliveries, cancellation);
        }

        if (unaddressed.Count < deliveries.Count)
        {
            return [.. await RunRoundAsync([.. deliveries.Where(delivery => !delivery.IsUnaddressed)], cancellation), .. unaddressed];
        }

        await batch.WaitForEarlierAsync();
        return await RunRoundAsync(await targets.AddressAsync(unaddressed, clock.Now, cancellation), cancellation);
    }

    // Decides and commits once. Returns the deliveries that must be decided again, before those that were not decided yet: the latter may
    // be later ones for the same sagas.
    private async Task<IReadOnlyList<Delivery>> RunRoundAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellation)
    {
        List<SagaWork> batch;
        List<Delivery> again = [];
        List<Delivery> undecided;
        await _deciding.WaitAsync(cancellation);
        try
        {
            while (_revoked.TryDequeue(out var partitions))
            {
                cache.EvictPartitions(partitions);
            }

            // Committed messages stay in memory until they are sent, so a round waits a short time for room.
            await sender.WaitForRoomAsync(cancellation);
            var now = clock.Now;
            var began = metrics?.Now ?? 0;
            (var works, var ready, undecided) = await loader.LoadAsync(deliveries, now, cancellation);
            began = metrics?.Ended("load", began) ?? 0;
            foreach (var delivery in ready)
            {
                decider.Decide(works[delivery.Message.SagaId], delivery, now);
            }

            metrics?.Ended("decide", began);

            // From here on, a single saga cannot make the round fail, because each saga's part of the commit is built already.
            batch = [.. works.Values.Where(work => work.DecidedDeliveries.Count > 0)];
            await _committing.WaitAsync(cancellation);
        }
        finally
        {
            _deciding.Release();
        }

        try
        {
            await CommitAsync(batch, again, cancellation);
        }
        finally
        {
            _committing.Release();
        }

        return [.. again, .. undecided];
    }

    private async Task CommitAsync(List<SagaWork> batch, List<Delivery> again, CancellationToken cancellation)
    {
        var acknowledged = sender.TakeAcknowledged(AcknowledgedPerCommit);
        IReadOnlyList<CommitResult> results;
        var began = metrics?.Now ?? 0;
        try
        {
            results = await store.CommitAsync(new CommitBatch([.. batch.Select(work => work.ToEntry())], acknowledged), cancellation);
        }
        catch
        {
            sender.ReturnAcknowledged(acknowledged);
            throw;
        }

        metrics?.Committed(results, began);
        began = metrics?.Ended("commit", began) ?? 0;
        sender.MarkDeleted(acknowledged);
        foreach (var (work, result) in batch.Zip(results))
        {
            followUp.Handle(work, result, again, cancellation);
        }

        metrics?.Ended("send", began);
    }
}
