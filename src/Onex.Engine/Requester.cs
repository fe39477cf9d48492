using System.Collections.Immutable;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>What a response needs to know of the request that it answers.</summary>
internal sealed record Requester
{
    /// <summary>The request's identity.</summary>
    public required MessageId RequestId { get; init; }

    public required Guid CorrelationId { get; init; }

    public required string Operation { get; init; }

    /// <summary>Its origin: the position of its record, or what else made it. A redelivery has the same, another copy does not.</summary>
    public required string Source { get; init; }

    public Guid? EnvelopeId { get; init; }

    /// <summary>A hash of its content, or null if it is not known.</summary>
    public Guid? RequestHash { get; init; }

    public string? ReplyTo { get; init; }

    /// <summary>For an event: which saga its sender named, or null.</summary>
    public RequestTarget? Target { get; init; }

    /// <summary>The step of the parent saga, or null. The response is the outcome of that step.</summary>
    public ParentLink? Parent { get; init; }

    /// <summary>The headers that the response repeats, by name.</summary>
    public ImmutableSortedDictionary<string, string> Headers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The request's unknown fields, or null.</summary>
    public RawJson? Extra { get; init; }

    /// <summary>Whether no response is sent, because a schedule started the saga and nobody waits for one.</summary>
    public bool Silent { get; init; }
}

/// <summary>The step of the parent saga that started a saga.</summary>
/// <param name="SagaId">The parent saga.</param>
/// <param name="CommandId">The step's command.</param>
/// <param name="Attempt">Its attempt.</param>
/// <param name="HomePartition">The home partition of the parent.</param>
/// <param name="Awaits">Whether the step waits for the response.</param>
internal sealed record ParentLink(SagaId SagaId, CommandId CommandId, int Attempt, int HomePartition, bool Awaits);

/// <summary>Another request that receives a saga's response.</summary>
/// <param name="Requester">The request.</param>
/// <param name="IsDuplicate">Whether it is a duplicate of the saga's own request, and is answered as one.</param>
internal sealed record Waiter(Requester Requester, bool IsDuplicate);
