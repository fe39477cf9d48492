using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>Writes the value of an expression into a field of <c>data</c>.</summary>
public sealed record Assignment(string Field, DataType Type, Expression Value);
