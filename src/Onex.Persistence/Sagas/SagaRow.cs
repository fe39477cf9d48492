using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>
/// An immutable row of <c>sagas</c>. JSON columns are UTF-8 text. The first migration created the columns in the order of these properties:
/// those that no transition changes come first, because the database writes only the changed part of a row to its log. A later migration
/// adds its column at the end.
/// </summary>
public sealed record SagaRow
{
    /// <summary>UUID version 7.</summary>
    public required SagaId Id { get; init; }

    /// <summary>Identity of the request that started the saga; unique.</summary>
    public required MessageId RequestId { get; init; }

    /// <summary>
    /// Hash of that request's content: distinguishes a duplicate from another request with the same identity. Null if unknown.
    /// </summary>
    public Guid? RequestHash { get; init; }

    /// <summary>The request's correlation id. Not unique.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The saga whose step started this one, whether that step waits for it or is detached; or null.</summary>
    public SagaId? ParentId { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>
    /// The partition of the record that started it, of <c>requests</c> or (a child's) of <c>saga-events</c>, or of another record of the
    /// same batch: all sagas of a batch have one home. Without a record, derived from the id. Results come back to this partition number.
    /// </summary>
    public required int HomePartition { get; init; }

    /// <summary>The contract's name.</summary>
    public required string Contract { get; init; }

    /// <summary>The contract's version.</summary>
    public required string ContractVersion { get; init; }

    /// <summary>The contract's content hash, which identifies the plan.</summary>
    public required string ContractHash { get; init; }

    /// <summary>The business key, unique among the live sagas of the contract; or null.</summary>
    public string? BusinessKey { get; init; }

    /// <summary>The position of the request's record, <c>topic/partition/offset</c>, or another description of its origin.</summary>
    public required string Source { get; init; }

    /// <summary>The topic of the response, or null for the default one.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>What else the request has: operation, headers, envelope id, unknown fields, the parent's command; jsonb or null.</summary>
    public RawJson? Headers { get; init; }

    /// <summary>1 after the first transition; each one adds 1.</summary>
    public required long Version { get; init; }

    /// <summary>Hash of saga, version and the message that caused it: shows whether a commit with unknown outcome was written.</summary>
    public required Guid LastTransitionId { get; init; }

    /// <summary>When its last transition was.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The next wake-up, or null.</summary>
    public DateTimeOffset? NextWakeupAt { get; init; }

    /// <summary>
    /// Whether it is live and waits without a wake-up or for more than a minute. Its wake-up, if any, is then also a row of <c>timers</c>,
    /// which the commit writes and deletes, and sweeps skip the row of the saga. Changes only when such a wait begins or ends.
    /// </summary>
    public bool Parked { get; init; }

    /// <summary>The name of the current state in the contract.</summary>
    public required string State { get; init; }

    /// <summary>The status.</summary>
    public required SagaStatus Status { get; init; }

    /// <summary>The contract's <c>data</c>; jsonb.</summary>
    public required RawJson Data { get; init; }

    /// <summary>Outstanding commands, attempts, compensation stack, counters, results; jsonb.</summary>
    public required RawJson Progress { get; init; }

    /// <summary>Why it left its normal path: code, message, step, at; jsonb or null.</summary>
    public RawJson? Fault { get; init; }

    /// <summary>Further requests that get its response: joined by key, or duplicates of the first. jsonb or null.</summary>
    public RawJson? Waiters { get; init; }
}
