using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>An event that may be sent to a saga.</summary>
/// <param name="Name">Its name; a request's operation is <c>contract.name</c>.</param>
/// <param name="Data">What its payload must be; other fields are ignored.</param>
/// <param name="Early">How long it is kept if it comes before the saga itself, or null if it may not.</param>
public sealed record EventPlan(string Name, DataType Data, TimeSpan? Early);
