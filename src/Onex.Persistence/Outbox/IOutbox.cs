using Onex.Contracts.Messages;

namespace Onex.Persistence.Outbox;

/// <summary>Committed messages that the broker has not acknowledged. Commits write them, and so do redrives.</summary>
public interface IOutbox
{
    /// <summary>
    /// The unsent messages of sagas with these home partitions, oldest first, which a process sends when the partitions are assigned to it.
    /// Limited in number and in bytes: the last one may exceed <paramref name="bytesMax"/>, so that there is at least one.
    /// </summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, long bytesMax, CancellationToken cancellation);

    /// <summary>The same without a limit of bytes.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, CancellationToken cancellation) =>
        UnsentOfPartitionsAsync(partitions, limit, long.MaxValue, cancellation);

    /// <summary>
    /// Messages of any home partition that have been unsent for longer than <paramref name="age"/>, oldest first: the orchestrator that
    /// committed them may have crashed. Begins after the message with <see cref="UnsentMessage.Seq"/> <paramref name="after"/>; 0 for the
    /// first one. Limited in number and bytes as above.
    /// </summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(TimeSpan age, long after, int limit, long bytesMax, CancellationToken cancellation);

    /// <summary>The first ones, without a limit of bytes.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(TimeSpan age, int limit, CancellationToken cancellation) =>
        UnsentForAsync(age, 0, limit, long.MaxValue, cancellation);

    /// <summary>Deletes messages that the broker has acknowledged. A commit can do it too: <see cref="Sagas.CommitBatch"/>.</summary>
    Task DeleteAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation);
}

/// <summary>An unsent message, its saga and its place in the order of the commits: the column <c>seq</c> of <c>outbox</c>.</summary>
public sealed record UnsentMessage(SagaId SagaId, OutgoingMessage Message, long Seq);
