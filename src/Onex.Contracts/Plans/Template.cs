using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>
/// A compiled value, possibly with <c>${...}</c> in it. If an expression returns text that contains <c>${...}</c>, that is not evaluated.
/// </summary>
public abstract record Template
{
    private protected Template()
    {
    }

    /// <summary>A constant.</summary>
    public sealed record Constant(CelValue Value) : Template;

    /// <summary>Exactly one expression, whose value keeps its type.</summary>
    /// <param name="Expression">The expression.</param>
    /// <param name="IsText">Whether text is required, so that null is an error.</param>
    public sealed record Single(Expression Expression, bool IsText = false) : Template;

    /// <summary>Text with expressions in it.</summary>
    /// <param name="Parts">Text and expressions in order.</param>
    /// <param name="PercentEncoded">Whether inserted values are percent-encoded, as in an HTTP path.</param>
    public sealed record Text(ImmutableArray<TextPart> Parts, bool PercentEncoded) : Template
    {
        /// <summary>
        /// Whether it is a URL or a path. An empty value before its query would name something else, so it is an error; in the query it is
        /// allowed.
        /// </summary>
        public bool IsAddress { get; init; }
    }

    /// <summary>A list of templates.</summary>
    public sealed record List(ImmutableArray<Template> Items) : Template;

    /// <summary>A map of templates, in the order of the file.</summary>
    public sealed record Map(ImmutableArray<KeyValuePair<string, Template>> Entries) : Template;
}

/// <summary>A part of a text: either <paramref name="Literal"/> or <paramref name="Expression"/> is set, and the other is null.</summary>
public readonly record struct TextPart(string? Literal, Expression? Expression);
