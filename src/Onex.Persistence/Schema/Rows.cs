using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Schema;

/// <summary>A row of <c>saga_history</c>, for queries. The store writes <see cref="Sagas.HistoryEntry"/>.</summary>
public sealed record SagaHistoryRow
{
    /// <summary>The saga.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The version of the saga that the entry belongs to.</summary>
    public required long Version { get; init; }

    /// <summary>0, 1, ... within the version.</summary>
    public required int Ordinal { get; init; }

    /// <summary>When, by the engine's clock; the table is partitioned by its day (UTC).</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What happened.</summary>
    public required string Kind { get; init; }

    /// <summary>The state it happened in.</summary>
    public required string State { get; init; }

    /// <summary>The step it is about, or null.</summary>
    public string? Step { get; init; }

    /// <summary>What else is worth telling.</summary>
    public RawJson? Detail { get; init; }
}

/// <summary>A row of <c>saga_items</c>, for queries. The store writes <see cref="SagaItem"/>.</summary>
public sealed record SagaItemRow
{
    /// <summary>The saga.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The step's id.</summary>
    public required string Step { get; init; }

    /// <summary>The visit of its state.</summary>
    public required int Visit { get; init; }

    /// <summary>The item's place in the list.</summary>
    public required int Index { get; init; }

    /// <summary>What came of it.</summary>
    public required string Status { get; init; }

    /// <summary>The command of its call.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>What of its result is kept, or null.</summary>
    public RawJson? Result { get; init; }

    /// <summary>The arguments of its compensation, or null.</summary>
    public string? Undo { get; init; }

    /// <summary>Why it failed, as a code.</summary>
    public string? Code { get; init; }

    /// <summary>Why it failed, for people.</summary>
    public string? Message { get; init; }

    /// <summary>When it was last written, by the database's clock.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A row of <c>inbox</c>, for queries.</summary>
public sealed record InboxRow
{
    /// <summary>The saga that has seen it.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The message's identity.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>Hash of what the message asks for, or null.</summary>
    public Guid? RequestHash { get; init; }
}

/// <summary>A row of <c>timers</c>, for queries.</summary>
public sealed record TimerRow
{
    /// <summary>The saga.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>Which of its timers: <c>wakeup</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The saga's home partition.</summary>
    public required int HomePartition { get; init; }

    /// <summary>When it fires.</summary>
    public required DateTimeOffset DueAt { get; init; }
}

/// <summary>A row of <c>outbox</c>, for queries. The store writes <see cref="Sagas.OutgoingMessage"/>.</summary>
public sealed record OutboxRow
{
    /// <summary>Identity of the message.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>The order in which messages were committed.</summary>
    public long Seq { get; init; }

    /// <summary>The saga that sends it.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>That saga's home partition.</summary>
    public required int HomePartition { get; init; }

    /// <summary>Where to.</summary>
    public required string Topic { get; init; }

    /// <summary>The partition, or null to choose by key.</summary>
    public int? Partition { get; init; }

    /// <summary>The record's key.</summary>
    public required string Key { get; init; }

    /// <summary>The record's value.</summary>
    public required byte[] Value { get; init; }

    /// <summary>The record's headers, name to text.</summary>
    public required RawJson Headers { get; init; }

    /// <summary>When it was committed, by the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A row of <c>schedules</c>, for queries.</summary>
public sealed record ScheduleRow
{
    /// <summary>The contract.</summary>
    public required string Contract { get; init; }

    /// <summary>Its times as text.</summary>
    public required string Times { get; init; }

    /// <summary>The last time that was dealt with.</summary>
    public required DateTimeOffset LastDueAt { get; init; }

    /// <summary>When that was, by the database's clock.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When a main has begun whose contracts do not have it, unless one has begun since that has it; else null.</summary>
    public DateTimeOffset? RemovedAt { get; init; }
}

/// <summary>A row of <c>effect_ledger</c>, for queries.</summary>
public sealed record EffectLedgerRow
{
    /// <summary>The command.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>The saga that waits for it.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The step's id in the contract.</summary>
    public required string Step { get; init; }

    /// <summary>The operation.</summary>
    public required string Operation { get; init; }

    /// <summary>The latest attempt that was claimed.</summary>
    public required int Attempt { get; init; }

    /// <summary>Who holds (or held) the lease.</summary>
    public required Guid LeaseToken { get; init; }

    /// <summary>Until when the lease is valid, by the database's clock.</summary>
    public required DateTimeOffset LeasedUntil { get; init; }

    /// <summary>When the latest attempt was claimed.</summary>
    public required DateTimeOffset ClaimedAt { get; init; }

    /// <summary>The outcome of that attempt, or null.</summary>
    public string? Outcome { get; init; }

    /// <summary>The whole result, or null.</summary>
    public RawJson? Result { get; init; }

    /// <summary>When the outcome was recorded, or null.</summary>
    public DateTimeOffset? RecordedAt { get; init; }
}
