namespace Onex.Persistence.Schema;

/// <summary>A row of <c>schedules</c>. For migrations only.</summary>
internal sealed record ScheduleRow
{
    public required string Contract { get; init; }
    public required string Times { get; init; }
    public required DateTimeOffset LastDueAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? RemovedAt { get; init; }
}
