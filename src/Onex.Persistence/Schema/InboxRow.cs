namespace Onex.Persistence.Schema;

/// <summary>A row of <c>inbox</c>. For migrations only.</summary>
internal sealed record InboxRow
{
    public required Guid SagaId { get; init; }
    public required Guid MessageId { get; init; }
    public Guid? RequestHash { get; init; }
}
