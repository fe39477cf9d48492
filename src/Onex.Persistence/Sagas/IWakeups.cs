using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>Wake-ups of sagas: timeouts, retries and timers. Commits write them.</summary>
public interface IWakeups
{
    /// <summary>
    /// Wake-ups of live sagas with these home partitions that are due before that time, earliest first. Long waits are read from
    /// <c>timers</c>, so that their number does not slow down the query of the others.
    /// </summary>
    Task<IReadOnlyList<Wakeup>> WakeupsAsync(IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation);
}

/// <summary>A wake-up of a saga.</summary>
public sealed record Wakeup(SagaId SagaId, int HomePartition, DateTimeOffset At);
