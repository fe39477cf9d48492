using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>The facts of a saga that never change after its start.</summary>
internal sealed record SagaFacts
{
    public required SagaId SagaId { get; init; }

    public required string Contract { get; init; }

    public required string ContractVersion { get; init; }

    public required string ContractHash { get; init; }

    public required int HomePartition { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The request that started it.</summary>
    public required Requester Requester { get; init; }

    public string? BusinessKey { get; init; }

    public required CelValue Input { get; init; }
}
