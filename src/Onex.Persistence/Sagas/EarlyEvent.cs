using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>
/// A row of <c>early_events</c>: an early event, which waits for its saga, or a buffered event, which waits for a state that accepts it.
/// </summary>
public sealed record EarlyEvent
{
    /// <summary>The message's identity.</summary>
    public required MessageId MessageId { get; init; }

    /// <summary>The saga that buffers it; null for an early event.</summary>
    public SagaId? SagaId { get; init; }

    /// <summary>The contract of its saga.</summary>
    public required string Contract { get; init; }

    /// <summary>The event's name.</summary>
    public required string Event { get; init; }

    /// <summary>The correlation id that identifies its saga, unless <see cref="BusinessKey"/> does.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The business key that identifies its saga, or null.</summary>
    public string? BusinessKey { get; init; }

    /// <summary>Hash of its content: distinguishes a duplicate from another message with the same identity. Null if unknown.</summary>
    public Guid? RequestHash { get; init; }

    /// <summary>Its payload, and the requester, who gets a response if it is declined; jsonb.</summary>
    public required RawJson Content { get; init; }

    /// <summary>When it arrived.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>When it expires.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}
