using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Schema;

/// <summary>A row of <c>saga_items</c>. For migrations only; the stores write <see cref="SagaItem"/>.</summary>
internal sealed record SagaItemRow
{
    public required Guid SagaId { get; init; }
    public required string Step { get; init; }
    public required int Visit { get; init; }
    public required int Index { get; init; }
    public required string Status { get; init; }
    public required Guid CommandId { get; init; }
    public RawJson? Result { get; init; }
    public string? CompensationArguments { get; init; }
    public string? Code { get; init; }
    public string? Message { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
}
