using Onex.Contracts.Messages;

namespace Onex.Persistence.Schema;

/// <summary>A row of <c>effect_ledger</c>. For migrations only.</summary>
internal sealed record EffectLedgerRow
{
    public required Guid CommandId { get; init; }
    public required Guid SagaId { get; init; }
    public required string Step { get; init; }
    public required string Operation { get; init; }
    public required int Attempt { get; init; }
    public required Guid LeaseToken { get; init; }
    public required DateTimeOffset LeasedUntil { get; init; }
    public required DateTimeOffset ClaimedAt { get; init; }
    public string? Outcome { get; init; }
    public RawJson? Result { get; init; }
    public DateTimeOffset? RecordedAt { get; init; }
    public string? ParkedFor { get; init; }
    public DateTimeOffset? ParkedAt { get; init; }
    public byte[]? ParkedCommand { get; init; }
    public bool MaySent { get; init; }
}
