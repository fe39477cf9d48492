using System.Collections.Concurrent;
using Onex.Persistence;
using Onex.Persistence.DeadLetters;

namespace Onex.Tests.Unit.Orchestrator.Outbox;

/// <summary>Collects what is added and closed.</summary>
internal sealed class CollectedDeadLetters : IDeadLetterIndex
{
    public ConcurrentQueue<DeadLetterRow> Rows { get; } = new();

    public bool IsUnavailable { get; init; }

    public Task AddAsync(DeadLetterRow row, CancellationToken cancellation)
    {
        if (IsUnavailable)
        {
            throw new StoreUnavailableException();
        }

        Rows.Enqueue(row);
        return Task.CompletedTask;
    }

    public Task ReplaceEarlyAsync(MessageId messageId, DateTimeOffset receivedAt, DeadLetterRow row, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public ConcurrentQueue<Guid> Closed { get; } = new();

    public Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<bool> CloseAsync(Guid id, string origin, string reason, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task CloseUndeliveredAsync(Guid id, string reason, CancellationToken cancellation)
    {
        Closed.Enqueue(id);
        return Task.CompletedTask;
    }

    public Task<SagaId?> HandledByAsync(MessageId requestId, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation) =>
        throw new NotSupportedException();
}
