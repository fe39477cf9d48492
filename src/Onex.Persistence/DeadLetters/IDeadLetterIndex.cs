using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.DeadLetters;

/// <summary>
/// What went to dead-letter topics, with all that sending it again needs, and what operators decided about it. Open letters are never removed. Throws
/// <see cref="StoreUnavailableException"/>.
/// </summary>
public interface IDeadLetterIndex
{
    /// <summary>
    /// Adds an entry. Adding one twice is harmless: its id is derived from the record's position. That of a record that was sent again
    /// (<see cref="DeadLetterRow.Reopens"/>) opens the entry that it was sent from once more.
    /// </summary>
    Task AddAsync(DeadLetterRow row, CancellationToken cancellation);

    /// <summary>A page of letters, newest first, without their values and headers.</summary>
    /// <exception cref="FormatException"><see cref="DeadLetterFilter.After"/> is not what an earlier page gave.</exception>
    Task<DeadLetterPage> ListAsync(DeadLetterFilter filter, CancellationToken cancellation);

    /// <summary>One letter with everything, or null.</summary>
    Task<DeadLetterRow?> FindAsync(Guid id, CancellationToken cancellation);

    /// <summary>
    /// Writes a decision, and with it, in the same transaction, the message that it sends; neither if the letter is not open any more, unless
    /// the decision is forced. The answer is the letter as it is now, or null if there is none: the decision holds if the letter has its id
    /// (<see cref="DeadLetterRow.DecisionId"/>). Deciding twice with one id is deciding once.
    /// </summary>
    Task<DeadLetterRow?> DecideAsync(DeadLetterDecision decision, CancellationToken cancellation);

    /// <summary>The open letters whose record was read from one of a topic's partitions: the <see cref="OpenMax"/> with the highest offsets.</summary>
    Task<IReadOnlySet<Guid>> OpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>
    /// Discards a letter if it is open: what it tells of was handled after all. It stays, with the reason, as one that an operator discards does.
    /// </summary>
    Task CloseAsync(Guid id, string reason, CancellationToken cancellation);

    /// <summary>The saga that a request started, or that has taken in the event or the request of that identity; or null.</summary>
    Task<SagaId?> HandledByAsync(MessageId requestId, CancellationToken cancellation);

    /// <summary>How many <see cref="OpenAsync"/> answers at most.</summary>
    const int OpenMax = 10_000;

    /// <summary>Who decides in the place of an operator.</summary>
    const string Itself = "onex";
}

/// <summary>What became of a letter.</summary>
public enum DeadLetterStatus
{
    /// <summary>Nobody has decided yet.</summary>
    Open,

    /// <summary>Its record was sent again to the topic that it was read from.</summary>
    Redriven,

    /// <summary>An operator wants nothing of it any more.</summary>
    Discarded,
}

/// <summary>A row of <c>dead_letters</c>.</summary>
/// <param name="Id">Derived from the record's position.</param>
/// <param name="Topic">The topic that it was read from.</param>
/// <param name="Partition">The partition; -1 if it has none.</param>
/// <param name="Offset">The offset; -1 if it has none.</param>
/// <param name="Code">Why, as a code.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="CorrelationId">Where one can be read.</param>
/// <param name="Value">bytea: the record's value as it was read, secrets included; null where it is not kept.</param>
/// <param name="At">When it was given up.</param>
public sealed record DeadLetterRow(
    Guid Id, string Topic, int Partition, long Offset, string Code, string Reason, Guid? CorrelationId, byte[]? Value, DateTimeOffset At)
{
    /// <summary>The record's key as text, or null.</summary>
    public string? Key { get; init; }

    /// <summary>The record's headers as they were read; jsonb, null where they are not stored.</summary>
    public MessageHeaders? Headers { get; init; }

    /// <summary>The kind of failure.</summary>
    public string ErrorType { get; init; } = "";

    /// <summary>How often it was tried again before it was given up.</summary>
    public int RetryCount { get; init; }

    /// <summary>Whether it tells of a record that was sent again from the entry of the same id: the entry is open again, with the new reason. Not stored.</summary>
    public bool Reopens { get; init; }

    /// <summary>What became of it.</summary>
    public DeadLetterStatus Status { get; init; }

    /// <summary>How often it was sent again since.</summary>
    public int Redrives { get; init; }

    /// <summary>The latest decision, also of an entry that is open again; null before the first.</summary>
    public Guid? DecisionId { get; init; }

    /// <summary>When that was, by the database's clock.</summary>
    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>Who decided: a token's name.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>Why, in the operator's words.</summary>
    public string? DecisionReason { get; init; }
}

/// <summary>What an operator decides about a letter.</summary>
/// <param name="Id">The decision's own id; also the outbox's id of the message.</param>
/// <param name="DeadLetterId">The letter.</param>
/// <param name="Status">What becomes of it.</param>
/// <param name="By">Who decides.</param>
/// <param name="Reason">Why, or null.</param>
/// <param name="Force">Whether it holds for a letter that was decided about before.</param>
/// <param name="Message">What is sent because of it, or null.</param>
public sealed record DeadLetterDecision(
    Guid Id, Guid DeadLetterId, DeadLetterStatus Status, string By, string? Reason, bool Force, OutgoingMessage? Message);

/// <summary>Which letters are listed. What is null does not restrict.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>The topic that the record was read from.</summary>
    public string? Topic { get; init; }

    /// <summary>Why it was given up.</summary>
    public string? Code { get; init; }

    /// <summary>What became of it: one of these. Empty does not restrict.</summary>
    public IReadOnlyList<DeadLetterStatus> Statuses { get; init; } = [];

    /// <summary>A letter's id, a correlation id, or the beginning of the record's key.</summary>
    public string? Text { get; init; }

    /// <summary>Where the page begins: the <see cref="DeadLetterPage.Next"/> of the page before; null for the first.</summary>
    public string? After { get; init; }

    /// <summary>Rows of a page. Default 50.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of letters.</summary>
/// <param name="DeadLetters">The rows.</param>
/// <param name="Next">The cursor of the next page, or null if there is none.</param>
public sealed record DeadLetterPage(IReadOnlyList<DeadLetterRow> DeadLetters, string? Next);
