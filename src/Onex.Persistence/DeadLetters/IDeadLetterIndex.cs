using Onex.Contracts.Messages;
using Onex.Persistence.Outbox;

namespace Onex.Persistence.DeadLetters;

/// <summary>
/// The index of dead letters, with what a redrive sends, and the decisions of operators and of Onex about them. Open dead letters are
/// never removed. Throws <see cref="StoreUnavailableException"/>.
/// </summary>
public interface IDeadLetterIndex
{
    /// <summary>
    /// Adds an entry. An existing entry with the same id stays as it is, so this may be repeated; only if the new one
    /// <see cref="DeadLetterRow.Reopens"/> it and it is redriven, it becomes open again, with the new reason and time.
    /// </summary>
    Task AddAsync(DeadLetterRow row, CancellationToken cancellation);

    /// <summary>
    /// Adds the entry of an early event and deletes the event, in one transaction. Does neither if the event is not stored any more:
    /// another orchestrator has done this, or a saga has buffered the event. An event that was redriven has the same id, but was received
    /// later.
    /// </summary>
    Task ReplaceEarlyAsync(MessageId messageId, DateTimeOffset receivedAt, DeadLetterRow row, CancellationToken cancellation);

    /// <summary>A page of dead letters, newest first, without their values and headers.</summary>
    /// <exception cref="FormatException"><see cref="DeadLetterFilter.After"/> is not a cursor of an earlier page.</exception>
    Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation);

    /// <summary>A dead letter with its value and headers, or null.</summary>
    Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation);

    /// <summary>
    /// Writes a decision and, in the same transaction, the message that it sends. Writes neither if the dead letter is no longer open,
    /// unless the decision is forced. Returns the dead letter as it is afterwards, or null if there is none. The decision was written if
    /// <see cref="DeadLetterRow.DecisionId"/> is its id. A repetition with the same id changes nothing.
    /// </summary>
    Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation);

    /// <summary>
    /// The ids of the open dead letters of records of a topic's partitions. At most <see cref="OpenMax"/>: those with the highest offsets.
    /// </summary>
    Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>
    /// Discards the open dead letter of a record that was handled after all, as <see cref="SystemUser"/>. The entry stays with the reason,
    /// like one that an operator discards. Returns false for an entry that is not open, or whose header <see cref="HeaderNames.Origin"/> is
    /// not <paramref name="origin"/>: a saga that declines an event that it had buffered reopens its dead letter with a new origin.
    /// </summary>
    Task<bool> CloseAsync(Guid id, string origin, string reason, CancellationToken cancellation);

    /// <summary>
    /// Discards the dead letter of a message that the broker rejected, because the message was sent after all or is no longer needed. An
    /// entry stays open if it was reopened for another reason: a copy of the message was read, and could not be handled.
    /// </summary>
    Task CloseUndeliveredAsync(Guid id, string reason, CancellationToken cancellation);

    /// <summary>The saga that the request with this id started or joined, or that has processed the event with this id; or null.</summary>
    Task<SagaId?> HandledByAsync(MessageId requestId, CancellationToken cancellation);

    /// <summary>The most entries that <see cref="FindOpenAsync"/> returns.</summary>
    const int OpenMax = 10_000;

    /// <summary>The name under which Onex itself decides.</summary>
    const string SystemUser = "onex";
}

/// <summary>The status of a dead letter.</summary>
public enum DeadLetterStatus
{
    /// <summary>No decision yet, or reopened since the last one.</summary>
    Open,

    /// <summary>Its record was sent again, to the same topic.</summary>
    Redriven,

    /// <summary>An operator, or Onex itself, discarded it.</summary>
    Discarded,
}

/// <summary>A row of <c>dead_letters</c>.</summary>
/// <param name="Id">The same for each copy: derived from the record's position, or from the message's identity.</param>
/// <param name="Topic">The topic that the record was read from, or that did not accept the message.</param>
/// <param name="Partition">The record's partition; -1 if it is unknown.</param>
/// <param name="Offset">The record's offset; -1 if it is unknown.</param>
/// <param name="Code">The reason, as a code.</param>
/// <param name="Reason">The reason, for people.</param>
/// <param name="CorrelationId">The record's correlation id, where it is known.</param>
/// <param name="Value">The record's value as it was read, secrets included; null where it is not stored.</param>
/// <param name="At">When it became a dead letter, the last time if it was reopened.</param>
public sealed record DeadLetterRow(
    Guid Id, string Topic, int Partition, long Offset, string Code, string Reason, Guid? CorrelationId, byte[]? Value, DateTimeOffset At)
{
    /// <summary>The record's key as text, or null.</summary>
    public string? Key { get; init; }

    /// <summary>The record's headers as they were read; jsonb, null where they are not stored.</summary>
    public MessageHeaders? Headers { get; init; }

    /// <summary>The type of the error.</summary>
    public string ErrorType { get; init; } = "";

    /// <summary>How often handling the record was retried before it became a dead letter.</summary>
    public int RetryCount { get; init; }

    /// <summary>Whether its record was redriven from the existing entry with this id. Not stored.</summary>
    public bool Reopens { get; init; }

    /// <summary>The status.</summary>
    public DeadLetterStatus Status { get; init; }

    /// <summary>How often it was redriven.</summary>
    public int Redrives { get; init; }

    /// <summary>The id of the latest decision, also for a reopened entry; null before the first.</summary>
    public Guid? DecisionId { get; init; }

    /// <summary>When it was decided, by the database's clock.</summary>
    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>Who decided: a token's name, <c>loopback</c>, or <see cref="IDeadLetterIndex.SystemUser"/>.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>The reason that the operator or Onex gave, or null.</summary>
    public string? DecisionReason { get; init; }
}

/// <summary>A decision about a dead letter.</summary>
/// <param name="Id">The decision's own id; also the id of its message.</param>
/// <param name="DeadLetterId">The dead letter.</param>
/// <param name="Status">The new status.</param>
/// <param name="By">Who decides.</param>
/// <param name="Reason">The reason, or null.</param>
/// <param name="Force">Whether it applies to a dead letter that is no longer open.</param>
/// <param name="Message">The message that it sends, or null.</param>
public sealed record DeadLetterDecision(
    Guid Id, Guid DeadLetterId, DeadLetterStatus Status, string By, string? Reason, bool Force, OutgoingMessage? Message);

/// <summary>A filter for dead letters. A field that is null does not restrict.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>The topic: see <see cref="DeadLetterRow.Topic"/>.</summary>
    public string? Topic { get; init; }

    /// <summary>The code.</summary>
    public string? Code { get; init; }

    /// <summary>The possible statuses. Empty does not restrict.</summary>
    public IReadOnlyList<DeadLetterStatus> Statuses { get; init; } = [];

    /// <summary>Matches the id of a dead letter, a correlation id, or the beginning of a record's key.</summary>
    public string? Text { get; init; }

    /// <summary>The <see cref="DeadLetterPage.Next"/> of the previous page; null for the first page.</summary>
    public string? After { get; init; }

    /// <summary>The most rows of a page, at most 1,000.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of dead letters.</summary>
/// <param name="DeadLetters">The rows.</param>
/// <param name="Next">The cursor of the next page, or null if there is none.</param>
public sealed record DeadLetterPage(IReadOnlyList<DeadLetterRow> DeadLetters, string? Next);
