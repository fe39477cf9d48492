using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>A row of <c>sagas</c>: committed (or about to be) and immutable. JSON columns are UTF-8 text.</summary>
public sealed record SagaRow
{
    /// <summary>UUID version 7.</summary>
    public required SagaId Id { get; init; }

    /// <summary>The contract's name.</summary>
    public required string Contract { get; init; }

    /// <summary>The contract's version.</summary>
    public required string ContractVersion { get; init; }

    /// <summary>The contract's content hash: which plan continues it.</summary>
    public required string ContractHash { get; init; }

    /// <summary>From the request; not an identity.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>Identity of the request that started it; unique.</summary>
    public required MessageId RequestId { get; init; }

    /// <summary>Hash of what that request asks for: tells a duplicate from another request under the same identity. Null: not known.</summary>
    public Guid? RequestHash { get; init; }

    /// <summary>Unique with the contract among the live sagas, or null.</summary>
    public string? BusinessKey { get; init; }

    /// <summary>The saga that waits for this one, or null.</summary>
    public SagaId? ParentId { get; init; }

    /// <summary>The position of the request's record: <c>topic/partition/offset</c>, or another name of where it came from.</summary>
    public required string Source { get; init; }

    /// <summary>The current state, by the contract's own name.</summary>
    public required string State { get; init; }

    /// <summary>What it is doing.</summary>
    public required SagaStatus Status { get; init; }

    /// <summary>jsonb: the contract's <c>data</c>.</summary>
    public required RawJson Data { get; init; }

    /// <summary>jsonb: outstanding commands, attempts, compensation stack, counters, kept results.</summary>
    public required RawJson Progress { get; init; }

    /// <summary>jsonb or null: code, message, step, at.</summary>
    public RawJson? Fault { get; init; }

    /// <summary>The topic of the response, or null for the usual one.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>jsonb or null: the request's headers that are carried through, and its envelope id and unknown fields.</summary>
    public RawJson? Headers { get; init; }

    /// <summary>jsonb or null: requests that joined by key, each of which gets a response.</summary>
    public RawJson? Waiters { get; init; }

    /// <summary>The partition of <c>requests</c> that it came from; results come back to the same number.</summary>
    public required int HomePartition { get; init; }

    /// <summary>1 after the first transition; one more with each.</summary>
    public required long Version { get; init; }

    /// <summary>Hash of saga, version and causing message: tells whether a commit whose outcome is unknown was ours.</summary>
    public required Guid LastTransitionId { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it last moved.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When it wants to be woken, or null.</summary>
    public DateTimeOffset? NextWakeupAt { get; init; }

    /// <summary>
    /// Whether it waits for long: for an event, for an operator, or for a time that is far. Its wake-up, if it has one, is then a row of
    /// <c>timers</c>, which the commit writes and removes, and nobody looks at its own row before. Changes only when such a wait begins or ends.
    /// </summary>
    public bool Parked { get; init; }
}

/// <summary>A row of <c>saga_history</c>. The store orders them by (saga, version, ordinal).</summary>
/// <param name="Version">The version of the saga that the entry belongs to.</param>
/// <param name="Ordinal">0, 1, ... within the version.</param>
/// <param name="At">The engine's <c>now</c>.</param>
/// <param name="Kind">What happened: <c>started</c>, <c>state_entered</c>, <c>step_started</c>, <c>step_completed</c>, ...</param>
/// <param name="State">The state it happened in.</param>
/// <param name="Step">The step it is about, or null.</param>
/// <param name="Detail">jsonb or null: what else is worth telling. No secrets, no payloads.</param>
public sealed record HistoryEntry(
    long Version, int Ordinal, DateTimeOffset At, string Kind, string State, string? Step, RawJson? Detail);

/// <summary>A message that must leave once its transition is committed. Every copy has the same bytes.</summary>
public sealed record OutgoingMessage
{
    /// <summary>The home partition of what no saga sends.</summary>
    public const int NoHome = -1;

    /// <summary>Identity: derived from saga and transition.</summary>
    public required MessageId MessageId { get; init; }

    /// <summary>Where to.</summary>
    public required string Topic { get; init; }

    /// <summary>The partition, or null to choose by key.</summary>
    public int? Partition { get; init; }

    /// <summary>The record's key.</summary>
    public required string Key { get; init; }

    /// <summary>The record's value.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The record's headers; jsonb.</summary>
    public required MessageHeaders Headers { get; init; }
}

/// <summary>A row of <c>saga_payloads</c>: written once, never updated.</summary>
/// <param name="Id">Its id; what travels is a reference to it. Derived from saga and name, so that writing it twice is harmless.</param>
/// <param name="SagaId">The saga it belongs to.</param>
/// <param name="Name"><c>input</c>, <c>output</c>, <c>arguments:...</c>, <c>result:...</c>, <c>response</c>.</param>
/// <param name="Content">json: kept to the letter.</param>
public sealed record SagaPayload(Guid Id, SagaId SagaId, string Name, RawJson Content);
