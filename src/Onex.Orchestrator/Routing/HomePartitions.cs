using Microsoft.Extensions.Logging;
using Onex.Orchestrator.Sending;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// The home partitions that this main reads. When it is assigned some it sends what their sagas have left unsent and takes over their wake-ups;
/// when they are revoked it forgets them. That it believes to be at home somewhere decides nothing.
/// </summary>
internal sealed class HomePartitions(
    ISagaStore store, OutgoingSender sender, WakeupQueue wakeups, DatabaseClock clock, ILogger<HomePartitions> logger)
{
    private const int UnsentAtOnce = 1_000;

    // What is due soon is kept in memory from the start; what is due later, the sweep finds when it is.
    private static readonly TimeSpan _horizon = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly HashSet<int> _mine = [];

    /// <summary>Raised when partitions were revoked.</summary>
    public Action<IReadOnlyCollection<int>>? Forget { get; set; }

    /// <summary>Takes partitions over.</summary>
    public async Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        if (partitions.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            _mine.UnionWith(partitions);
        }

        await clock.MeasureAsync(store, cancellation);
        await RebuildWakeupsAsync(partitions, clock.Now + _horizon, cancellation);
        foreach (var unsent in await store.UnsentOfPartitionsAsync(partitions, UnsentAtOnce, cancellation))
        {
            sender.Send(unsent.SagaId, [unsent.Message], cancellation);
        }

        logger.LogInformation("At home in partitions {Partitions}", string.Join(", ", partitions.Order()));
    }

    /// <summary>Gives partitions up.</summary>
    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        lock (_lock)
        {
            _mine.ExceptWith(partitions);
        }

        wakeups.RemovePartitions(partitions);
        Forget?.Invoke(partitions);
    }

    /// <summary>Looks for wake-ups that nobody told this process of: another main may have committed for a saga that is at home here.</summary>
    public Task SweepWakeupsAsync(CancellationToken cancellation)
    {
        int[] mine;
        lock (_lock)
        {
            mine = [.. _mine];
        }

        // Only what is due: of the rest, most will never fire.
        return mine.Length == 0 ? Task.CompletedTask : RebuildWakeupsAsync(mine, clock.Now, cancellation);
    }

    /// <summary>Sends what has been unsent for a while, whatever its home: any main may have committed it and died.</summary>
    public async Task SweepUnsentAsync(TimeSpan age, CancellationToken cancellation)
    {
        foreach (var unsent in await store.UnsentForAsync(age, UnsentAtOnce, cancellation))
        {
            sender.Send(unsent.SagaId, [unsent.Message], cancellation);
        }
    }

    private async Task RebuildWakeupsAsync(IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation)
    {
        foreach (var wakeup in await store.WakeupsAsync(partitions, before, cancellation))
        {
            wakeups.Set(wakeup.SagaId, wakeup.HomePartition, wakeup.At);
        }
    }
}
