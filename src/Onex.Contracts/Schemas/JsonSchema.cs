using Onex.Contracts.Expressions;

namespace Onex.Contracts.Schemas;

/// <summary>A problem at a position in a value.</summary>
/// <param name="Pointer">JSON pointer; empty for the whole value.</param>
/// <param name="Problem">The problem, for a message.</param>
public sealed record SchemaProblem(string Pointer, string Problem)
{
    /// <summary>The pointer and the problem, or the problem alone if it is one of the whole value.</summary>
    public override string ToString() => Pointer.Length == 0 ? Problem : $"{Pointer} {Problem}";
}

/// <summary>A compiled JSON Schema (2020-12, supported keywords).</summary>
public sealed class JsonSchema
{
    internal JsonSchema(SchemaNode root) => Root = root;

    internal SchemaNode Root { get; }

    /// <summary>
    /// Validates a JSON value and converts numbers to the types of the schema (<c>number</c>: double, <c>integer</c>: int). Returns at most
    /// 20 problems; none if the value is valid.
    /// </summary>
    public IReadOnlyList<SchemaProblem> Validate(CelValue value, out CelValue converted) =>
        SchemaValidation.Run(Root, value, out converted);
}
