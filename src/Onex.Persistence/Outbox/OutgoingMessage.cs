using Onex.Contracts.Messages;

namespace Onex.Persistence.Outbox;

/// <summary>
/// A message to send: of a transition or an operator's redrive once that is committed, or the answer to a rejected request. Every copy has
/// the same bytes.
/// </summary>
public sealed record OutgoingMessage
{
    /// <summary>The home partition of messages that no saga sends.</summary>
    public const int NoHome = -1;

    /// <summary>The identity, the same in every copy.</summary>
    public required MessageId MessageId { get; init; }

    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>The partition, or null to let the producer choose.</summary>
    public int? Partition { get; init; }

    /// <summary>The record's key.</summary>
    public required string Key { get; init; }

    /// <summary>The record's value.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The record's headers; jsonb.</summary>
    public required MessageHeaders Headers { get; init; }
}
