using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>
/// A compiled value with <c>${...}</c> in it: the values of <c>with</c> and <c>output</c>. A string that is exactly one <c>${...}</c> keeps
/// the type of the expression. Results are not evaluated again.
/// </summary>
public abstract record Template
{
    private protected Template()
    {
    }

    /// <summary>A constant.</summary>
    public sealed record Constant(CelValue Value) : Template;

    /// <summary>Exactly one expression: keeps its type.</summary>
    /// <param name="Expression">The expression.</param>
    /// <param name="IsText">Whether text is expected, so null is an error.</param>
    public sealed record Single(Expression Expression, bool IsText = false) : Template;

    /// <summary>Text with expressions in it.</summary>
    /// <param name="Parts">Text and expressions in order.</param>
    /// <param name="PercentEncoded">Whether inserted values are percent-encoded (an HTTP path).</param>
    public sealed record Text(ImmutableArray<TextPart> Parts, bool PercentEncoded) : Template
    {
        /// <summary>
        /// Whether it is a URL or a path. An empty value before the query would name another resource, so it is an error.
        /// </summary>
        public bool IsAddress { get; init; }
    }

    /// <summary>A list of templates.</summary>
    public sealed record List(ImmutableArray<Template> Items) : Template;

    /// <summary>A map of templates, in the order of the file.</summary>
    public sealed record Map(ImmutableArray<KeyValuePair<string, Template>> Entries) : Template;
}

/// <summary>A part of a text: literal, or an expression.</summary>
public readonly record struct TextPart(string? Literal, Expression? Expression);
