namespace Onex.Persistence.Schema;

/// <summary>A row of <c>halted_sagas</c>, which triggers of <c>sagas</c> write. For migrations only.</summary>
internal sealed record HaltedSagaRow
{
    public required Guid SagaId { get; init; }
    public required string Contract { get; init; }
    public required string Status { get; init; }
    public required DateTimeOffset Since { get; init; }
}
