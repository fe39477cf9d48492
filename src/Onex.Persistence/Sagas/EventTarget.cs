using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>
/// How an event identifies its saga: by id, else by business key, else by correlation id among the live sagas of the contract.
/// </summary>
/// <param name="MessageId">The event's identity.</param>
/// <param name="Contract">The contract.</param>
/// <param name="CorrelationId">The correlation id of its request.</param>
/// <param name="SagaId">The id of the saga, or null.</param>
/// <param name="BusinessKey">The business key that identifies its saga, or null.</param>
public sealed record EventAddress(MessageId MessageId, string Contract, Guid CorrelationId, SagaId? SagaId, string? BusinessKey);

/// <summary>The sagas that an address identifies.</summary>
/// <param name="Live">The matching live sagas of the contract: none, one, or the first two of several.</param>
/// <param name="SeenBy">The saga, live or ended, that has processed the message, or that it started or joined; else null.</param>
public sealed record EventTarget(IReadOnlyList<SagaId> Live, SagaId? SeenBy)
{
    /// <summary>The hash of the processed message; null if none was stored; all zeros if it was a request that started a saga.</summary>
    public Guid? SeenHash { get; init; }

    /// <summary>If no live saga matches, and the event has no saga id: the matching saga that ended last, or null.</summary>
    public SagaId? Ended { get; init; }
}
