using Onex.Contracts.Messages;

namespace Onex.Persistence.Schema;

/// <summary>A row of <c>saga_history</c>. For migrations only; the stores write <see cref="Sagas.HistoryEntry"/>.</summary>
internal sealed record SagaHistoryRow
{
    public required Guid SagaId { get; init; }
    public required long Version { get; init; }
    public required int Ordinal { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string Kind { get; init; }
    public required string State { get; init; }
    public string? Step { get; init; }
    public RawJson? Detail { get; init; }
}
