using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>A row of <c>saga_history</c>, ordered by (saga, version, ordinal).</summary>
/// <param name="Version">The version of the saga that the entry belongs to.</param>
/// <param name="Ordinal">0, 1, ... within the version.</param>
/// <param name="At">When the engine decided it.</param>
/// <param name="Kind">The type of the entry: <c>started</c>, <c>state_entered</c>, <c>step_started</c>, <c>step_completed</c>, ...</param>
/// <param name="State">The state in which it happened.</param>
/// <param name="Step">The step that it concerns, or null.</param>
/// <param name="Detail">Further details, without secrets and payloads; jsonb or null.</param>
public sealed record HistoryEntry(
    long Version, int Ordinal, DateTimeOffset At, string Kind, string State, string? Step, RawJson? Detail);
