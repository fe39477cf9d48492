namespace Onex.Persistence.Schema;

/// <summary>A row of <c>connection_states</c>. For migrations only.</summary>
internal sealed record ConnectionStateRow
{
    public required string Connection { get; init; }
    public required Guid ProcessId { get; init; }
    public required DateTimeOffset UnavailableSince { get; init; }
    public DateTimeOffset? NextTrialAt { get; init; }
    public string? Reason { get; init; }
    public required DateTimeOffset ValidUntil { get; init; }
}
