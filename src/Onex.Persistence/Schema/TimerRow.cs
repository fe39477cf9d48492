namespace Onex.Persistence.Schema;

/// <summary>A row of <c>timers</c>. For migrations only.</summary>
internal sealed record TimerRow
{
    public required Guid SagaId { get; init; }
    public required string Name { get; init; }
    public required int HomePartition { get; init; }
    public required DateTimeOffset DueAt { get; init; }
}
