using Confluent.Kafka;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>A log whose consumers can crash: they revoke nothing, commit nothing, and do not leave the group.</summary>
public sealed class BreakableLog(IRecordLog log) : IRecordLog
{
    private volatile Action? _beforeLoss;
    private volatile int _breaks;
    private volatile bool _paused;

    /// <summary>Whether a consumer is paused.</summary>
    public bool IsPaused => _paused;

    public string? LastError => log.LastError;

    public void Start(IReadOnlyCollection<string> topics) => log.Start(topics);

    public IReadOnlyCollection<string> FindMissing(IReadOnlyCollection<string> topics) => log.FindMissing(topics);

    /// <summary>Makes all present and future consumers fail.</summary>
    /// <param name="beforeLoss">Runs when offsets can no longer be stored and the loss of the partitions is not yet known.</param>
    public void Die(Action beforeLoss) => _beforeLoss = beforeLoss;

    /// <summary>Makes the present consumers fail; new ones work.</summary>
    public void Break() => Interlocked.Increment(ref _breaks);

    public ILogConsumer Join(EndpointAddress address, MembershipEvents events) =>
        _beforeLoss is not null ? throw new InvalidOperationException("The member is dead.") : new Consumer(this, log, address, events);

    public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
        log.TopicIdsAsync(names, cancellation);

    private sealed class Consumer : ILogConsumer
    {
        private readonly BreakableLog _owner;
        private readonly int _breaks;
        private readonly ILogConsumer _inner;

        public Consumer(BreakableLog owner, IRecordLog log, EndpointAddress address, MembershipEvents events)
        {
            _owner = owner;
            _breaks = owner._breaks;

            // The rider must get its own consumer, not the inner one.
            _inner = log.Join(address, events with
            {
                Assigned = (_, partitions) => events.Assigned(this, partitions),
                Revoked = (_, partitions) => events.Revoked(this, partitions),
            });
        }

        public ConsumeResult<byte[]?, byte[]?>? Consume(int waitMs)
        {
            if (_owner._beforeLoss is { } beforeLoss)
            {
                beforeLoss();
                throw new InvalidOperationException("The member died.");
            }

            return _owner._breaks == _breaks ? _inner.Consume(waitMs) : throw new InvalidOperationException("The consumer broke.");
        }

        public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
            _inner.TopicIdsAsync(names, cancellation);

        public long? EndOf(TopicPartition partition) => _inner.EndOf(partition);

        public void Pause()
        {
            _inner.Pause();
            _owner._paused = true;
        }

        public void Resume()
        {
            _inner.Resume();
            _owner._paused = false;
        }

        public void StoreOffset(TopicPartitionOffset offset) => _inner.StoreOffset(offset);

        public void Close() => _inner.Close();

        public void Dispose() => _inner.Dispose();
    }
}
