using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>A row of <c>saga_payloads</c>. Written once, never updated.</summary>
/// <param name="Id">The id that references use. Derived from saga and name, so that writing it may be repeated.</param>
/// <param name="SagaId">The saga it belongs to.</param>
/// <param name="Name"><c>input</c>, <c>output</c>, <c>response</c>, <c>arguments:...</c>, <c>result:...</c>.</param>
/// <param name="Content">The value, stored byte for byte; json.</param>
public sealed record SagaPayload(Guid Id, SagaId SagaId, string Name, RawJson Content);
