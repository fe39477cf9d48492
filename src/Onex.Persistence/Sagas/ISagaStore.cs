namespace Onex.Persistence.Sagas;

/// <summary>
/// The batch seam: every implementation passes one compliance suite. Methods throw <see cref="StoreUnavailableException"/> when the
/// database cannot be reached or is going down, and nothing else for reasons outside the caller.
/// </summary>
public interface ISagaStore
{
    /// <summary>
    /// The rows of those ids with their input and their unsent messages, in one query. Ids that have no row are missing from the answer.
    /// </summary>
    Task<IReadOnlyDictionary<Guid, LoadedSaga>> LoadAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation);

    /// <summary>
    /// Commits many sagas in one transaction and one round trip, and says for each what came of it, in the order of the batch.
    /// A deadlock or serialization failure is tried again inside. A data error bisects the batch until the bad saga stands alone
    /// (<see cref="CommitVerdict.Refused"/>). If the outcome of COMMIT is unknown (connection lost), the rows are read again, as soon as
    /// the database can be reached, and <c>last_transition_id</c> tells.
    /// </summary>
    Task<IReadOnlyList<CommitVerdict>> CommitAsync(CommitBatch batch, CancellationToken cancellation);

    /// <summary>Forgets messages that the broker has acknowledged. Flushed with the next commit, or alone.</summary>
    Task MarkSentAsync(IReadOnlyCollection<Guid> messageIds, CancellationToken cancellation);

    /// <summary>Unsent messages of sagas with these home partitions, oldest first: what a reader sends when it is assigned them.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(IReadOnlyCollection<int> partitions, int limit, CancellationToken cancellation);

    /// <summary>Messages unsent for longer than that, whatever their home partition: any main may have committed them and died.</summary>
    Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(TimeSpan age, int limit, CancellationToken cancellation);

    /// <summary>Live sagas of these home partitions that want to be woken before that time: id and time.</summary>
    Task<IReadOnlyList<Wakeup>> WakeupsAsync(IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation);

    /// <summary>The database's clock.</summary>
    Task<DateTimeOffset> NowAsync(CancellationToken cancellation);

    /// <summary>The payload of that id, or null.</summary>
    Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation);

    /// <summary>Writes payloads outside a commit (results of effects that are too large to travel). Writing one twice is harmless.</summary>
    Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation);
}

/// <summary>A row as loaded, with what belongs to it.</summary>
/// <param name="Row">The row.</param>
/// <param name="Input">The payload named <c>input</c>.</param>
/// <param name="Unsent">Its messages that no broker has acknowledged yet, oldest first.</param>
public sealed record LoadedSaga(SagaRow Row, Contracts.Messages.RawJson Input, IReadOnlyList<OutgoingMessage> Unsent);

/// <summary>An unsent message and its saga.</summary>
public sealed record UnsentMessage(Guid SagaId, OutgoingMessage Message);

/// <summary>A saga that wants to be woken.</summary>
public sealed record Wakeup(Guid SagaId, int HomePartition, DateTimeOffset At);

/// <summary>What one commit holds: an entry per saga, each saga at most once.</summary>
public sealed record CommitBatch(IReadOnlyList<CommitEntry> Entries, IReadOnlyCollection<Guid> SentMessageIds);

/// <summary>What one commit does with one saga.</summary>
public abstract record CommitEntry
{
    private CommitEntry()
    {
    }

    /// <summary>The saga.</summary>
    public abstract Guid SagaId { get; }

    /// <summary>A new saga: refused if its request id is known, or a live saga has its business key.</summary>
    public sealed record Start(
        SagaRow Row,
        IReadOnlyList<HistoryEntry> History,
        IReadOnlyList<OutgoingMessage> Outgoing,
        IReadOnlyList<SagaPayload> Payloads) : CommitEntry
    {
        /// <inheritdoc />
        public override Guid SagaId => Row.Id;
    }

    /// <summary>One or more transitions of a saga on top of the version that was read.</summary>
    public sealed record Move(
        SagaRow Row,
        long ExpectedVersion,
        IReadOnlyList<HistoryEntry> History,
        IReadOnlyList<OutgoingMessage> Outgoing,
        IReadOnlyList<SagaPayload> Payloads) : CommitEntry
    {
        /// <summary>Requests that joined the saga: a start that comes for one of them later is a <see cref="CommitVerdict.KnownRequest"/> of it.</summary>
        public IReadOnlyList<Guid> JoinedRequests { get; init; } = [];

        /// <inheritdoc />
        public override Guid SagaId => Row.Id;
    }

    /// <summary>Nothing to do, or a duplicate: holds only if the version is still the one that was read (0: there is no such row).</summary>
    public sealed record Check(Guid Id, long ExpectedVersion) : CommitEntry
    {
        /// <inheritdoc />
        public override Guid SagaId => Id;
    }
}

/// <summary>What came of one saga in a commit.</summary>
public abstract record CommitVerdict
{
    private CommitVerdict()
    {
    }

    /// <summary>It is durable.</summary>
    public sealed record Committed : CommitVerdict
    {
        /// <summary>The one value.</summary>
        public static Committed Instance { get; } = new();
    }

    /// <summary>The row has another version, or is gone: load it and decide again.</summary>
    public sealed record Stale : CommitVerdict
    {
        /// <summary>The one value.</summary>
        public static Stale Instance { get; } = new();
    }

    /// <summary>A start whose request id is known: that saga, and the position of the record that began it.</summary>
    /// <param name="SagaId">The saga that has the request.</param>
    /// <param name="Source">The position of the record that began it; empty if the request joined it.</param>
    public sealed record KnownRequest(Guid SagaId, string Source) : CommitVerdict;

    /// <summary>A start whose business key a live saga has.</summary>
    public sealed record KeyTaken(Guid SagaId) : CommitVerdict;

    /// <summary>The database refuses this saga's values (SQLSTATE class 22 or 23): nothing of it is stored.</summary>
    public sealed record Refused(string SqlState, string Reason) : CommitVerdict;
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
