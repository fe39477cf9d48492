using System.Collections.Immutable;

namespace Onex.Contracts.Expressions.Parsing;

/// <summary>A node of the syntax tree and its position in the text.</summary>
internal abstract record Syntax(int Position, int Length)
{
    /// <summary>The levels of its subtree, including itself.</summary>
    public int Height { get; private init; } = 1;

    public int End => Position + Length;

    /// <summary>The node with the height that follows from its children.</summary>
    public static T WithHeight<T>(T node, params ReadOnlySpan<Syntax?> children)
        where T : Syntax
    {
        var height = 0;
        foreach (var child in children)
        {
            height = Math.Max(height, child?.Height ?? 0);
        }

        return node with { Height = height + 1 };
    }
}

internal sealed record LiteralSyntax(CelValue Value, int Position, int Length) : Syntax(Position, Length);

/// <summary>A name; with a leading dot it is resolved in the scope and never refers to a comprehension variable.</summary>
internal sealed record NameSyntax(string Name, bool FromRoot, int Position, int Length) : Syntax(Position, Length);

/// <summary><c>a.b</c>, or <c>a.?b</c>.</summary>
internal sealed record SelectSyntax(Syntax Operand, string Field, bool Optional, int Position, int Length) : Syntax(Position, Length);

/// <summary><c>has(a.b)</c>.</summary>
internal sealed record HasSyntax(SelectSyntax Select, int Position, int Length) : Syntax(Position, Length);

/// <summary><c>a[b]</c>, or <c>a[?b]</c>.</summary>
internal sealed record IndexSyntax(Syntax Operand, Syntax Index, bool Optional, int Position, int Length) : Syntax(Position, Length);

/// <summary>A call. A target is the first argument. The function is null if it is unknown; then the call fails when evaluated.</summary>
internal sealed record CallSyntax(string Name, Evaluation.Function? Function, ImmutableArray<Syntax> Arguments, int Position, int Length)
    : Syntax(Position, Length);

/// <summary>Negation, <c>-</c> or <c>!</c>.</summary>
internal sealed record UnarySyntax(char Operator, Syntax Operand, int Position, int Length) : Syntax(Position, Length);

/// <summary>Arithmetic, comparison or <c>in</c>.</summary>
internal sealed record BinarySyntax(string Operator, Syntax Left, Syntax Right, int Position, int Length) : Syntax(Position, Length);

/// <summary>A chain of <c>&amp;&amp;</c> or of <c>||</c>.</summary>
internal sealed record LogicSyntax(bool IsAnd, ImmutableArray<Syntax> Operands, int Position, int Length) : Syntax(Position, Length);

internal sealed record ConditionalSyntax(Syntax Condition, Syntax Then, Syntax Else, int Position, int Length) : Syntax(Position, Length);

internal sealed record ListSyntax(ImmutableArray<(Syntax Item, bool Optional)> Items, int Position, int Length) : Syntax(Position, Length);

internal sealed record MapSyntax(ImmutableArray<(Syntax Key, Syntax Value, bool Optional)> Entries, int Position, int Length)
    : Syntax(Position, Length);

internal enum ComprehensionKind : byte
{
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    OptMap,
    OptFlatMap,
}

/// <summary>
/// A macro over the items of a list or the keys of a map, or over the value of an optional (<c>optMap</c>, <c>optFlatMap</c>).
/// <c>map</c> has a body and may have a condition; the macros of optionals have only a body, the others only a condition.
/// </summary>
internal sealed record ComprehensionSyntax(
    ComprehensionKind Kind, Syntax Range, string Variable, Syntax? Condition, Syntax? Body, int Position, int Length)
        : Syntax(Position, Length);
