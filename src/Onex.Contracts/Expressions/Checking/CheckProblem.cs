namespace Onex.Contracts.Expressions.Checking;

/// <summary>The kinds of type problems.</summary>
internal enum CheckProblemKind
{
    /// <summary>An operator, function or macro does not accept these types.</summary>
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
/// <param name="Root">For a problem of a field: the name that the path starts with. Null if there is none.</param>
/// <param name="Text">The position, the problem and the remedy.</param>
internal sealed record CheckProblem(CheckProblemKind Kind, string? Root, ExpressionProblem Text)
{
    /// <summary>Whether the field is one of the root itself (<c>data.x</c>), and not of a value below it (<c>data.x.y</c>).</summary>
    public bool IsOfRoot { get; init; }
}

/// <summary>The result of checking an expression.</summary>
/// <param name="Type">The type of the expression.</param>
/// <param name="Cost">The estimated cost in units: see <see cref="ExpressionLimits.Budget"/>.</param>
/// <param name="Problems">The problems in the order of the text; those of a part before those of the whole.</param>
internal sealed record CheckedExpression(CelType Type, double Cost, IReadOnlyList<CheckProblem> Problems);
