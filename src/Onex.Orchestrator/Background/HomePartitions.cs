using Microsoft.Extensions.Logging;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Tracks the home partitions that this orchestrator is assigned. On assignment it loads the timers of their sagas and sends their unsent
/// messages; on revocation it removes the timers. Two orchestrators may handle a partition for a moment: the commit checks each version.
/// </summary>
internal sealed class HomePartitions(
    ISagaStore store,
    IOutbox outbox,
    IWakeups storedWakeups,
    OutgoingSender sender,
    WakeupQueue wakeups,
    DatabaseClock clock,
    MemoryBudget memory,
    ILogger<HomePartitions> logger) : IHomeState
{
    private const int UnsentAtOnce = 1_000;

    // Two intervals, so that a timer that is due before the end of the next sweep is in memory, but most long timers are not.
    private static readonly TimeSpan _horizon = 2 * SweepEvery;

    private readonly Lock _lock = new();
    private readonly HashSet<int> _partitions = [];
    private volatile int _overdue;

    // The last message that SweepUnsentAsync has handed to the sender.
    private long _swept;
    private readonly TaskCompletionSource _assigned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The interval for <see cref="SweepWakeupsAsync"/>.</summary>
    public static TimeSpan SweepEvery { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How late a timer must be to count as overdue, as in the view <c>onex.stuck</c>.</summary>
    public static TimeSpan OverdueAfter { get; } = TimeSpan.FromMinutes(5);

    /// <inheritdoc />
    public int OverdueTimers => _overdue;

    /// <inheritdoc />
    public bool HasFirstPartition
    {
        get
        {
            lock (_lock)
            {
                return _partitions.Contains(0);
            }
        }
    }

    /// <summary>Completes once the timers and unsent messages of the first assignment are loaded.</summary>
    public Task Assigned => _assigned.Task;

    public async Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        if (partitions.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            // The partitions may have been revoked in the meantime.
            cancellation.ThrowIfCancellationRequested();
            _partitions.UnionWith(partitions);
        }

        await clock.MeasureAsync(store, cancellation);
        await LoadWakeupsAsync(partitions, cancellation);
        using var reading = sender.BeginReading();
        foreach (var unsent in await outbox.UnsentOfPartitionsAsync(partitions, UnsentAtOnce, memory.Unsent, cancellation))
        {
            sender.Send(unsent.SagaId, [unsent.Message], isFromOutbox: true);
        }

        _assigned.TrySetResult();
        Log.HomePartitionsAssigned(logger, string.Join(", ", partitions.Order()));
    }

    public void Revoked(IReadOnlyCollection<int> partitions)
    {
        lock (_lock)
        {
            _partitions.ExceptWith(partitions);
        }

        wakeups.RemovePartitions(partitions);
    }

    /// <summary>
    /// Loads the timers of the home partitions that are due soon, because some are not in memory: long ones, those that another
    /// orchestrator has committed, and those whose wake-up failed.
    /// </summary>
    public async Task SweepWakeupsAsync(CancellationToken cancellation)
    {
        int[] partitions;
        lock (_lock)
        {
            partitions = [.. _partitions];
        }

        _overdue = partitions.Length == 0 ? 0 : await LoadWakeupsAsync(partitions, cancellation);
    }

    /// <summary>
    /// Sends messages of any home partition that have been in the outbox for a while: the orchestrator that committed them may have died.
    /// Begins behind the messages of the last sweep, because those may be in flight to a topic that is unavailable, and so hide the others;
    /// after the last message it begins again.
    /// </summary>
    public async Task SweepUnsentAsync(TimeSpan age, CancellationToken cancellation)
    {
        using var reading = sender.BeginReading();
        var found = await outbox.UnsentForAsync(age, _swept, UnsentAtOnce, memory.Unsent, cancellation);
        if (found.Count == 0 && _swept > 0)
        {
            _swept = 0;
            found = await outbox.UnsentForAsync(age, _swept, UnsentAtOnce, memory.Unsent, cancellation);
        }

        foreach (var unsent in found)
        {
            if (!sender.Send(unsent.SagaId, [unsent.Message], isFromOutbox: true))
            {
                return;
            }

            _swept = unsent.Seq;
        }
    }

    // Loads the timers that are due soon. Returns how many are overdue.
    private async Task<int> LoadWakeupsAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        var found = await storedWakeups.WakeupsAsync(partitions, clock.Now + _horizon, cancellation);
        lock (_lock)
        {
            // Ignores partitions that were revoked in the meantime.
            foreach (var wakeup in found.Where(wakeup => _partitions.Contains(wakeup.HomePartition)))
            {
                wakeups.Set(wakeup.SagaId, wakeup.HomePartition, wakeup.At);
            }
        }

        var limit = clock.Now - OverdueAfter;
        return found.Count(wakeup => wakeup.At < limit);
    }
}
