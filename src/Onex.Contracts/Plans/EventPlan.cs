using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>An event that may be sent to a saga.</summary>
/// <param name="Name">Its name; a request's operation is <c>contract.name</c>.</param>
/// <param name="Data">The type that its payload must have; fields that the type does not declare are ignored.</param>
/// <param name="Early">How long an early event is stored before its saga exists; null if early events are not accepted.</param>
public sealed record EventPlan(string Name, DataType Data, TimeSpan? Early);
