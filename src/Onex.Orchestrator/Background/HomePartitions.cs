using Microsoft.Extensions.Logging;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>
/// The home partitions that this main reads. When it is assigned some it sends what their sagas have left unsent and takes over their wake-ups;
/// when they are revoked it forgets them. That it believes to be at home somewhere decides nothing.
/// </summary>
internal sealed class HomePartitions(
    ISagaStore store,
    IOutbox outbox,
    IWakeups storedWakeups,
    OutgoingSender sender,
    WakeupQueue wakeups,
    DatabaseClock clock,
    MemoryBudget memory,
    ILogger<HomePartitions> logger)
{
    private const int UnsentAtOnce = 1_000;

    // Two sweeps long: what is due before the next one is in memory by then, and the long waits of which most are far away are not.
    private static readonly TimeSpan _horizon = 2 * SweepEvery;

    private readonly Lock _lock = new();
    private readonly HashSet<int> _mine = [];
    private readonly TaskCompletionSource _assigned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How often <see cref="SweepWakeupsAsync"/> is to be called.</summary>
    public static TimeSpan SweepEvery { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Ends once partitions have been taken over for the first time.</summary>
    public Task Assigned => _assigned.Task;

    /// <summary>Takes partitions over.</summary>
    public async Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        if (partitions.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            // They may have been revoked already.
            cancellation.ThrowIfCancellationRequested();
            _mine.UnionWith(partitions);
        }

        await clock.MeasureAsync(store, cancellation);
        await RebuildWakeupsAsync(partitions, cancellation);
        using var reading = sender.BeginReading();
        foreach (var unsent in await outbox.UnsentOfPartitionsAsync(partitions, UnsentAtOnce, memory.Unsent, cancellation))
        {
            sender.Send(unsent.SagaId, [unsent.Message], again: true);
        }

        _assigned.TrySetResult();
        Log.HomePartitionsAssigned(logger, string.Join(", ", partitions.Order()));
    }

    /// <summary>Gives partitions up.</summary>
    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        lock (_lock)
        {
            _mine.ExceptWith(partitions);
        }

        wakeups.RemovePartitions(partitions);
    }

    /// <summary>
    /// Looks for wake-ups that come near and are not in memory: long waits, and what another main has committed for a saga that is at home here.
    /// </summary>
    public Task SweepWakeupsAsync(CancellationToken cancellation)
    {
        int[] mine;
        lock (_lock)
        {
            mine = [.. _mine];
        }

        return mine.Length == 0 ? Task.CompletedTask : RebuildWakeupsAsync(mine, cancellation);
    }

    /// <summary>Sends what has been unsent for a while, whatever its home: any main may have committed it and died.</summary>
    public async Task SweepUnsentAsync(TimeSpan age, CancellationToken cancellation)
    {
        using var reading = sender.BeginReading();
        foreach (var unsent in await outbox.UnsentForAsync(age, UnsentAtOnce, memory.Unsent, cancellation))
        {
            sender.Send(unsent.SagaId, [unsent.Message], again: true);
        }
    }

    private async Task RebuildWakeupsAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        var found = await storedWakeups.WakeupsAsync(partitions, clock.Now + _horizon, cancellation);
        lock (_lock)
        {
            // Not those of partitions that were revoked meanwhile.
            foreach (var wakeup in found.Where(wakeup => _mine.Contains(wakeup.HomePartition)))
            {
                wakeups.Set(wakeup.SagaId, wakeup.HomePartition, wakeup.At);
            }
        }
    }
}
