using Onex.Contracts.Expressions;

namespace Onex.Contracts.Schemas;

/// <summary>A place in a value, and what is wrong there.</summary>
/// <param name="Pointer">JSON pointer; empty for the whole value.</param>
/// <param name="Problem">What is wrong, for people.</param>
public sealed record SchemaProblem(string Pointer, string Problem);

/// <summary>A compiled JSON Schema (2020-12, the stated keywords).</summary>
public sealed class JsonSchema
{
    internal JsonSchema(SchemaNode root) => Root = root;

    internal SchemaNode Root { get; }

    /// <summary>
    /// Checks a value that came as JSON and gives numbers the type that the schema says (<c>number</c>: double, <c>integer</c>: int). Every
    /// problem, at most 20; empty if it is valid.
    /// </summary>
    public IReadOnlyList<SchemaProblem> Validate(CelValue value, out CelValue converted) =>
        SchemaValidation.Run(Root, value, out converted);
}
