namespace Onex.Contracts.Expressions.Checking;

/// <summary>The kind of a problem.</summary>
internal enum CheckProblemKind
{
    /// <summary>An operator, function or macro does not accept these types.</summary>
    NoOverload,

    /// <summary>A field that a typed object does not have.</summary>
    UnknownField,

    /// <summary>An undeclared field that may exist and resembles a declared one.</summary>
    DoubtfulField,

    /// <summary>The type of a value is unknown. Found by strict checks only.</summary>
    Dynamic,

    /// <summary>An optional field is read without a test. Found by strict checks only.</summary>
    MaybeMissing,
}

/// <summary>A type problem of an expression.</summary>
/// <param name="Kind">The kind of problem.</param>
/// <param name="Root">The name that the path starts with, for problems of fields.</param>
/// <param name="Text">The position, the problem and the remedy.</param>
internal sealed record CheckProblem(CheckProblemKind Kind, string? Root, ExpressionProblem Text)
{
    /// <summary>Whether it is a field of that name itself, and not of a value below it.</summary>
    public bool IsOfRoot { get; init; }
}

/// <summary>The result of checking an expression.</summary>
/// <param name="Type">The type of the expression.</param>
/// <param name="Cost">The estimated cost in units: see <see cref="ExpressionLimits.Budget"/>.</param>
/// <param name="Problems">In the order of the text, the inner ones first.</param>
internal sealed record CheckedExpression(CelType Type, double Cost, IReadOnlyList<CheckProblem> Problems);
