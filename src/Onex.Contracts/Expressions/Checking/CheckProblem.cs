namespace Onex.Contracts.Expressions.Checking;

/// <summary>The kinds of type problems.</summary>
internal enum CheckProblemKind
{
    /// <summary>Values of these types cannot be combined, called or read in this way.</summary>
    NoOverload,

    /// <summary>A field is read that its closed object type does not have.</summary>
    UnknownField,

    /// <summary>A field is read that is not declared; it may exist, but resembles a declared one.</summary>
    DoubtfulField,

    /// <summary>The type of a value is unknown. Found by strict checks only.</summary>
    Dynamic,

    /// <summary>An optional field is read without a test. Found by strict checks only.</summary>
    MaybeMissing,
}

/// <summary>A type problem of an expression.</summary>
/// <param name="Kind">The kind of problem.</param>
/// <param name="Root">The scope's name that the path starts with; null if there is none, and for <c>NoOverload</c>.</param>
/// <param name="Text">The position, the problem and the remedy; of strict checks, the position and the name of the part.</param>
internal sealed record CheckProblem(CheckProblemKind Kind, string? Root, ExpressionProblem Text)
{
    /// <summary>Whether an undeclared field is one of the root itself (<c>data.x</c>), not of a value below it (<c>data.x.y</c>).</summary>
    public bool IsOfRoot { get; init; }
}

/// <summary>The result of checking an expression.</summary>
/// <param name="Type">The type of the expression.</param>
/// <param name="Cost">The estimated cost in units: see <see cref="ExpressionLimits.Budget"/>.</param>
/// <param name="Problems">The problems in the order of the text; those of a part before those of the whole.</param>
internal sealed record CheckedExpression(CelType Type, double Cost, IReadOnlyList<CheckProblem> Problems);
