using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>
/// A value with <c>${...}</c> in it, compiled: what stands under <c>with</c> and <c>output</c>. A string that is exactly one
/// <c>${...}</c> keeps the value's type. Nothing is evaluated twice.
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
    /// <param name="IsText">Whether it stands for a text, so that null is an error and not a text that is left out.</param>
    public sealed record Single(Expression Expression, bool IsText = false) : Template;

    /// <summary>Text with expressions in it.</summary>
    /// <param name="Parts">Text and expressions in order.</param>
    /// <param name="PercentEncoded">Whether inserted values are percent-encoded (an HTTP path).</param>
    public sealed record Text(ImmutableArray<TextPart> Parts, bool PercentEncoded) : Template
    {
        /// <summary>Whether it is an address or its path, in which an empty value would name another resource: up to the query there may be none.</summary>
        public bool IsAddress { get; init; }
    }

    /// <summary>A list of templates.</summary>
    public sealed record List(ImmutableArray<Template> Items) : Template;

    /// <summary>A map of templates, in the order of the file.</summary>
    public sealed record Map(ImmutableArray<KeyValuePair<string, Template>> Entries) : Template;
}

/// <summary>A piece of a text: literal, or an expression.</summary>
public readonly record struct TextPart(string? Literal, Expression? Expression);
