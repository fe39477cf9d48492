using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Schema;

/// <summary>A row of <c>saga_history</c>. For migrations only; the stores write <see cref="Sagas.HistoryEntry"/>.</summary>
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

    /// <summary>The type of the entry.</summary>
    public required string Kind { get; init; }

    /// <summary>The state in which it happened.</summary>
    public required string State { get; init; }

    /// <summary>The step that it concerns, or null.</summary>
    public string? Step { get; init; }

    /// <summary>Further details.</summary>
    public RawJson? Detail { get; init; }
}

/// <summary>A row of <c>saga_items</c>. For migrations only; the stores write <see cref="SagaItem"/>.</summary>
public sealed record SagaItemRow
{
    /// <summary>The saga.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The step's id.</summary>
    public required string Step { get; init; }

    /// <summary>The visit of its state.</summary>
    public required int Visit { get; init; }

    /// <summary>The item's index in the list.</summary>
    public required int Index { get; init; }

    /// <summary>The status.</summary>
    public required string Status { get; init; }

    /// <summary>The command of its call.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>The stored part of its result, or null.</summary>
    public RawJson? Result { get; init; }

    /// <summary>The arguments of its compensation, or null.</summary>
    public string? Undo { get; init; }

    /// <summary>The reason of a failure, as a code.</summary>
    public string? Code { get; init; }

    /// <summary>The reason of a failure, for people.</summary>
    public string? Message { get; init; }

    /// <summary>When it was last written, by the database's clock.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A row of <c>inbox</c>. For migrations only.</summary>
public sealed record InboxRow
{
    /// <summary>The saga that has seen it.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The message's identity.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>Hash of the message's content, or null.</summary>
    public Guid? RequestHash { get; init; }
}

/// <summary>A row of <c>timers</c>. For migrations only.</summary>
public sealed record TimerRow
{
    /// <summary>The saga.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The name of the timer: <c>wakeup</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The saga's home partition.</summary>
    public required int HomePartition { get; init; }

    /// <summary>When it fires.</summary>
    public required DateTimeOffset DueAt { get; init; }
}

/// <summary>A row of <c>outbox</c>. For migrations only; the stores write <see cref="Sagas.OutgoingMessage"/>.</summary>
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

    /// <summary>The topic.</summary>
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

/// <summary>A row of <c>schedules</c>. For migrations only.</summary>
public sealed record ScheduleRow
{
    /// <summary>The contract.</summary>
    public required string Contract { get; init; }

    /// <summary>Its times as text.</summary>
    public required string Times { get; init; }

    /// <summary>The last processed time.</summary>
    public required DateTimeOffset LastDueAt { get; init; }

    /// <summary>When it was processed, by the database's clock.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When an orchestrator last started without it; null if one started with it since.</summary>
    public DateTimeOffset? RemovedAt { get; init; }
}

/// <summary>A row of <c>effect_ledger</c>. For migrations only.</summary>
public sealed record EffectLedgerRow
{
    /// <summary>The command.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>The saga that sent it.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The step's id in the contract.</summary>
    public required string Step { get; init; }

    /// <summary>The operation.</summary>
    public required string Operation { get; init; }

    /// <summary>The latest attempt that was claimed.</summary>
    public required int Attempt { get; init; }

    /// <summary>The token of the present or last lease.</summary>
    public required Guid LeaseToken { get; init; }

    /// <summary>When the lease expires, by the database's clock.</summary>
    public required DateTimeOffset LeasedUntil { get; init; }

    /// <summary>When the latest attempt was claimed.</summary>
    public required DateTimeOffset ClaimedAt { get; init; }

    /// <summary>The outcome of that attempt, or null.</summary>
    public string? Outcome { get; init; }

    /// <summary>The result, or null.</summary>
    public RawJson? Result { get; init; }

    /// <summary>When the outcome was recorded, or null.</summary>
    public DateTimeOffset? RecordedAt { get; init; }
}
