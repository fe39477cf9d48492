using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.DeadLetters;

namespace Onex.Persistence.Sagas;

/// <summary>
/// The batch seam: every implementation passes one compliance suite. Methods throw <see cref="StoreUnavailableException"/> when the
/// database cannot be reached or is going down, and nothing else for reasons outside the caller.
/// </summary>
public interface ISagaStore
{
    /// <summary>
    /// The rows of those ids with their input and their unsent messages, in one query. Ids that have no row are missing from the answer, and where
    /// the limit is reached others are too.
    /// </summary>
    Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation);

    /// <summary>All of them.</summary>
    Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(IReadOnlyCollection<SagaId> ids, CancellationToken cancellation) =>
        LoadAsync(ids, null, cancellation);

    /// <summary>
    /// Commits many sagas in one transaction and one round trip, and says for each what came of it, in the order of the batch.
    /// A deadlock or serialization failure is tried again inside. A data error bisects the batch until the bad saga stands alone
    /// (<see cref="CommitResult.Refused"/>). If the outcome of COMMIT is unknown (connection lost), the rows are read again, as soon as
    /// the database can be reached, and <c>last_transition_id</c> tells.
    /// </summary>
    Task<IReadOnlyList<CommitResult>> CommitAsync(CommitBatch batch, CancellationToken cancellation);

    /// <summary>Forgets messages that the broker has acknowledged. Flushed with the next commit, or alone.</summary>
    Task MarkSentAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation);

    /// <summary>
    /// Unsent messages of sagas with these home partitions, oldest first: what a reader sends when it is assigned them. At most that many, and of
    /// those as many as have so many bytes together; one at least.
    /// </summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, long bytesMax, CancellationToken cancellation);

    /// <summary>The same of messages unsent for longer than that, whatever their home partition: any main may have committed them and died.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(TimeSpan age, int limit, long bytesMax, CancellationToken cancellation);

    /// <summary>However many bytes they have.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(IReadOnlyCollection<int> partitions, int limit, CancellationToken cancellation) =>
        UnsentOfPartitionsAsync(partitions, limit, long.MaxValue, cancellation);

    /// <summary>However many bytes they have.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(TimeSpan age, int limit, CancellationToken cancellation) =>
        UnsentForAsync(age, limit, long.MaxValue, cancellation);

    /// <summary>
    /// Live sagas of these home partitions that want to be woken before that time: id and time. Those that wait for long are found through
    /// <c>timers</c> alone, so that they cost the others nothing, however many they are.
    /// </summary>
    Task<IReadOnlyList<Wakeup>> WakeupsAsync(IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation);

    /// <summary>The saga that has that request, as the one that started it or as one that joined; null if no saga has it.</summary>
    Task<CommitResult.DuplicateRequest?> FindRequestAsync(MessageId requestId, CancellationToken cancellation);

    /// <summary>Which sagas these events are for, in the order of the addresses.</summary>
    Task<IReadOnlyList<EventTarget>> FindTargetsAsync(IReadOnlyList<EventAddress> addresses, CancellationToken cancellation);

    /// <summary>
    /// Keeps events that came before their saga. One that is kept already is the same one. At most <paramref name="limit"/> are kept per contract
    /// and correlation id; the answer is the ids of those that are kept now, each with the hash under which it is kept.
    /// </summary>
    Task<IReadOnlyDictionary<MessageId, Guid?>> StoreEarlyAsync(IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation);

    /// <summary>
    /// Of the events that came before their saga, those about which something must happen: their saga has started
    /// (<see cref="DueEvent.SagaId"/>) within their time, or their time is over, by the database's clock. In order of arrival. What a saga
    /// keeps (<see cref="LoadedSaga.Early"/>) is its own affair.
    /// </summary>
    Task<IReadOnlyList<DueEvent>> DueEarlyAsync(int limit, CancellationToken cancellation);

    /// <summary>Forgets events that were kept until their saga came. What a saga keeps by now stays: two mains may have given it the same one.</summary>
    Task RemoveEarlyAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation);

    /// <summary>The ids of all live sagas, a page at a time, in order: the embedded mode sends again what its log has forgotten.</summary>
    Task<IReadOnlyList<SagaId>> LiveAsync(SagaId after, int limit, CancellationToken cancellation);

    /// <summary>The database's clock.</summary>
    Task<DateTimeOffset> NowAsync(CancellationToken cancellation);

    /// <summary>A page of items for each query, in the order of the queries, in one round trip.</summary>
    Task<IReadOnlyList<IReadOnlyList<SagaItem>>> LoadItemsAsync(IReadOnlyList<SagaItemsQuery> queries, CancellationToken cancellation);

    /// <summary>The payloads of those ids. What is not there is missing from the answer, and where the limit is reached others are too.</summary>
    Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation);

    /// <summary>All of them.</summary>
    Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation) =>
        LoadPayloadsAsync(ids, null, cancellation);

    /// <summary>Writes payloads outside a commit (results of effects that are too large to travel). Writing one twice is harmless.</summary>
    Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation);
}

/// <summary>A row as loaded, with what belongs to it.</summary>
/// <param name="Row">The row.</param>
/// <param name="Input">The payload named <c>input</c>.</param>
/// <param name="Unsent">Its messages that no broker has acknowledged yet, oldest first.</param>
public sealed record LoadedSaga(SagaRow Row, Contracts.Messages.RawJson Input, IReadOnlyList<OutgoingMessage> Unsent)
{
    /// <summary>Events that wait for a state of it that wants them, in order of arrival.</summary>
    public IReadOnlyList<EarlyEvent> Early { get; init; } = [];
}

/// <summary>A row of <c>early_events</c>: an event that waits for its saga, or for a state of its saga that wants it.</summary>
public sealed record EarlyEvent
{
    /// <summary>The message's identity.</summary>
    public required MessageId MessageId { get; init; }

    /// <summary>The saga that has it; null for one that came before its saga.</summary>
    public SagaId? SagaId { get; init; }

    /// <summary>The contract that it is for.</summary>
    public required string Contract { get; init; }

    /// <summary>The event's name.</summary>
    public required string Event { get; init; }

    /// <summary>The correlation id by which it finds its saga, unless <see cref="BusinessKey"/> does.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The business key that it named, or null.</summary>
    public string? BusinessKey { get; init; }

    /// <summary>Hash of what it asks for, or null.</summary>
    public Guid? RequestHash { get; init; }

    /// <summary>jsonb: its payload, and who is told if it is refused.</summary>
    public required Contracts.Messages.RawJson Content { get; init; }

    /// <summary>When it came.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Until when it is kept.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>How an event names its saga: by id, else by business key, else by correlation id among the live ones of the contract.</summary>
/// <param name="MessageId">The event's identity.</param>
/// <param name="Contract">The contract.</param>
/// <param name="CorrelationId">The request's correlation id.</param>
/// <param name="SagaId">The id that it named, or null.</param>
/// <param name="BusinessKey">The business key that it named, or null.</param>
public sealed record EventAddress(MessageId MessageId, string Contract, Guid CorrelationId, SagaId? SagaId, string? BusinessKey);

/// <summary>What an address leads to.</summary>
/// <param name="Live">The live sagas of the contract that it fits: none, one, or the first two of several.</param>
/// <param name="SeenBy">The saga, live or ended, that has seen the message already, or was started by it; null if there is none.</param>
public sealed record EventTarget(IReadOnlyList<SagaId> Live, SagaId? SeenBy)
{
    /// <summary>The hash under which it has seen the message; null if none was kept. Empty for a start, which is never an event.</summary>
    public Guid? SeenHash { get; init; }

    /// <summary>If no live saga fits, and the event named none by id: the one that fits and ended last, or null.</summary>
    public SagaId? Ended { get; init; }
}

/// <summary>An early event about which something must happen.</summary>
/// <param name="Event">The event.</param>
/// <param name="SagaId">The saga that it is for, live or (if it was quicker than the sweep) ended; or null: then its time is over.</param>
public sealed record DueEvent(EarlyEvent Event, SagaId? SagaId);

/// <summary>An unsent message and its saga.</summary>
public sealed record UnsentMessage(SagaId SagaId, OutgoingMessage Message);

/// <summary>A saga that wants to be woken.</summary>
public sealed record Wakeup(SagaId SagaId, int HomePartition, DateTimeOffset At);

/// <summary>What one commit holds: an entry per saga, each saga at most once.</summary>
public sealed record CommitBatch(IReadOnlyList<CommitEntry> Entries, IReadOnlyCollection<MessageId> SentMessageIds);

/// <summary>What one commit does with one saga.</summary>
public abstract record CommitEntry
{
    private CommitEntry()
    {
    }

    /// <summary>The saga.</summary>
    public abstract SagaId SagaId { get; }

    /// <summary>What goes to a dead-letter topic by the outgoing messages of this entry: indexed with them.</summary>
    public IReadOnlyList<DeadLetterRow> DeadLetters { get; init; } = [];

    /// <summary>Items of an <c>each</c> of which this entry learnt something: written, or written over, with the row.</summary>
    public IReadOnlyList<SagaItem> Items { get; init; } = [];

    /// <summary>A new saga: refused if its request id is known, or a live saga has its business key.</summary>
    public sealed record Start(
        SagaRow Row,
        IReadOnlyList<HistoryEntry> History,
        IReadOnlyList<OutgoingMessage> Outgoing,
        IReadOnlyList<SagaPayload> Payloads) : CommitEntry
    {
        /// <inheritdoc />
        public override SagaId SagaId => Row.Id;
    }

    /// <summary>One or more transitions of a saga on top of the version that was read.</summary>
    public sealed record Move(
        SagaRow Row,
        long ExpectedVersion,
        IReadOnlyList<HistoryEntry> History,
        IReadOnlyList<OutgoingMessage> Outgoing,
        IReadOnlyList<SagaPayload> Payloads) : CommitEntry
    {
        /// <summary>Requests that joined the saga: a start that comes for one of them later is a <see cref="CommitResult.DuplicateRequest"/> of it.</summary>
        public IReadOnlyList<SeenMessage> JoinedRequests { get; init; } = [];

        /// <summary>
        /// Messages that the saga takes in for the first time. If it has seen one of them already, nothing is written
        /// (<see cref="CommitResult.DuplicateMessages"/>, also where the version is an old one).
        /// </summary>
        public IReadOnlyList<SeenMessage> SeenMessages { get; init; } = [];

        /// <summary>Events that the saga keeps from now on.</summary>
        public IReadOnlyList<EarlyEvent> BufferedEvents { get; init; } = [];

        /// <summary>
        /// Events that it keeps no longer: it has taken them, or has ended. May also name one that came before the saga, so that its row goes
        /// with the commit that takes it.
        /// </summary>
        public IReadOnlyList<MessageId> ReleasedEvents { get; init; } = [];

        /// <summary>Whether the row that was read was parked, so that it may have a timer to be removed.</summary>
        public bool WasParked { get; init; }

        /// <inheritdoc />
        public override SagaId SagaId => Row.Id;

        // A saga that ends keeps nothing, and what is released by the same move was never kept.
        internal IEnumerable<EarlyEvent> EventsToBuffer() => Row.EndedAt is not null
            ? []
            : BufferedEvents.Where(kept => !ReleasedEvents.Contains(kept.MessageId));
    }

    /// <summary>Nothing to do, or a duplicate: holds only if the version is still the one that was read (0: there is no such row).</summary>
    public sealed record Check(SagaId Id, long ExpectedVersion) : CommitEntry
    {
        /// <inheritdoc />
        public override SagaId SagaId => Id;
    }
}

/// <summary>A message that a saga has taken in.</summary>
/// <param name="MessageId">Its identity.</param>
/// <param name="Hash">Hash of what it asks for: tells a duplicate from another message under the same identity. Null: not known.</param>
public sealed record SeenMessage(MessageId MessageId, Guid? Hash = null);

/// <summary>What came of one saga in a commit.</summary>
public abstract record CommitResult
{
    private CommitResult()
    {
    }

    /// <summary>It is durable.</summary>
    public sealed record Committed : CommitResult
    {
        /// <summary>The one value.</summary>
        public static Committed Instance { get; } = new();
    }

    /// <summary>The row has another version, or is gone: load it and decide again.</summary>
    public sealed record Stale : CommitResult
    {
        /// <summary>The one value.</summary>
        public static Stale Instance { get; } = new();
    }

    /// <summary>A start whose request id is known: that saga, and the position of the record that began it.</summary>
    /// <param name="SagaId">The saga that has the request.</param>
    /// <param name="Source">The position of the record that began it; empty if the request joined it.</param>
    public sealed record DuplicateRequest(SagaId SagaId, string Source) : CommitResult
    {
        /// <summary>The hash of what it asked for, or null if none was kept.</summary>
        public Guid? Hash { get; init; }
    }

    /// <summary>The saga has seen these messages of <see cref="CommitEntry.Move.SeenMessages"/> before: decide the others again without them.</summary>
    public sealed record DuplicateMessages(IReadOnlySet<MessageId> MessageIds) : CommitResult;

    /// <summary>A start whose business key a live saga has.</summary>
    public sealed record KeyTaken(SagaId SagaId) : CommitResult
    {
        /// <summary>The hash of what the request that started that saga asked for, or null if none was kept.</summary>
        public Guid? Hash { get; init; }
    }

    /// <summary>The database refuses this saga's values (SQLSTATE class 22 or 23): nothing of it is stored.</summary>
    public sealed record Refused(string SqlState, string Reason) : CommitResult;
}

/// <summary>The database cannot be reached, or is going down. Everything waits; nothing is given up because of it.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With no text of its own.</summary>
    public StoreUnavailableException()
        : this("The database cannot be reached.", null)
    {
    }

    /// <summary>With a text.</summary>
    public StoreUnavailableException(string message)
        : this(message, null)
    {
    }
}
