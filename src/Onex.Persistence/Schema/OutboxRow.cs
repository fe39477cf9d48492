using Onex.Contracts.Messages;

namespace Onex.Persistence.Schema;

/// <summary>A row of <c>outbox</c>. For migrations only; the stores write <see cref="Outbox.OutgoingMessage"/>.</summary>
internal sealed record OutboxRow
{
    public required Guid MessageId { get; init; }
    public long Seq { get; init; }
    public required Guid SagaId { get; init; }
    public required int HomePartition { get; init; }
    public required string Topic { get; init; }
    public int? Partition { get; init; }
    public required string Key { get; init; }
    public required byte[] Value { get; init; }
    public required RawJson Headers { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}
