using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;

namespace Onex.Persistence.Sagas;

/// <summary>One commit: at most one entry per saga, and acknowledged messages to delete from the outbox.</summary>
public sealed record CommitBatch(IReadOnlyList<CommitEntry> Entries, IReadOnlyCollection<MessageId> SentMessageIds);

/// <summary>The part of a commit that concerns one saga.</summary>
public abstract record CommitEntry
{
    private CommitEntry()
    {
    }

    /// <summary>The saga.</summary>
    public abstract SagaId SagaId { get; }

    /// <summary>Index entries for the dead letters among the outgoing messages of this entry.</summary>
    public IReadOnlyList<DeadLetterRow> DeadLetters { get; init; } = [];

    /// <summary>New and changed items of <c>each</c> steps, written with the row. The same item may occur more than once.</summary>
    public IReadOnlyList<SagaItem> Items { get; init; } = [];

    /// <summary>A new saga. Not written if its request id or its id is known, or if it is live and another live saga has its key.</summary>
    public sealed record Start(
        SagaRow Row,
        IReadOnlyList<HistoryEntry> History,
        IReadOnlyList<OutgoingMessage> Outgoing,
        IReadOnlyList<SagaPayload> Payloads) : CommitEntry
    {
        /// <inheritdoc />
        public override SagaId SagaId => Row.Id;
    }

    /// <summary>One or more transitions of a saga, based on the version that was read.</summary>
    public sealed record Transition(
        SagaRow Row,
        long ExpectedVersion,
        IReadOnlyList<HistoryEntry> History,
        IReadOnlyList<OutgoingMessage> Outgoing,
        IReadOnlyList<SagaPayload> Payloads) : CommitEntry
    {
        /// <summary>Requests that joined the saga. A later start by one is a <see cref="CommitResult.DuplicateRequest"/>.</summary>
        public IReadOnlyList<SeenMessage> JoinedRequests { get; init; } = [];

        /// <summary>
        /// Messages that the saga processes for the first time. If it has processed one of them before, nothing of the entry is written
        /// (<see cref="CommitResult.DuplicateMessages"/>, even if the version is stale).
        /// </summary>
        public IReadOnlyList<SeenMessage> SeenMessages { get; init; } = [];

        /// <summary>Events that the saga buffers from now on.</summary>
        public IReadOnlyList<EarlyEvent> BufferedEvents { get; init; } = [];

        /// <summary>
        /// Events to delete, because the saga does not buffer them any more. An early event that is named here is deleted, too. The end of
        /// a saga deletes all its buffered events, named here or not.
        /// </summary>
        public IReadOnlyList<MessageId> ReleasedEvents { get; init; } = [];

        /// <summary>Whether the row that was read was parked, so that it may have a timer to delete.</summary>
        public bool WasParked { get; init; }

        /// <inheritdoc />
        public override SagaId SagaId => Row.Id;

        // An ended saga buffers nothing, and an event that the same entry releases need not be stored first.
        internal IEnumerable<EarlyEvent> EventsToBuffer() => Row.EndedAt is not null || BufferedEvents.Count == 0
            ? []
            : BufferedEvents.Where(early => !ReleasedEvents.Contains(early.MessageId));
    }

    /// <summary>Nothing to write. Is committed only if the saga's version is still the one that was read: 0 if there was no row.</summary>
    public sealed record Check(SagaId Id, long ExpectedVersion) : CommitEntry
    {
        /// <inheritdoc />
        public override SagaId SagaId => Id;
    }
}

/// <summary>A message that a saga has processed.</summary>
/// <param name="MessageId">Its identity.</param>
/// <param name="Hash">Hash of its content: distinguishes a duplicate from another message with the same identity. Null if unknown.</param>
public sealed record SeenMessage(MessageId MessageId, Guid? Hash = null);
