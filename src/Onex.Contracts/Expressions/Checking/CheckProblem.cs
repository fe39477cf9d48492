namespace Onex.Contracts.Expressions.Checking;

/// <summary>What kind of problem the checker has found.</summary>
internal enum CheckProblemKind
{
    /// <summary>An operator, a function or a macro does not take values of these types.</summary>
    NoOverload,

    /// <summary>A field that a typed object does not have.</summary>
    UnknownField,

    /// <summary>A field that is not declared, but may be there, and is nearly called like one that is.</summary>
    DoubtfulField,

    /// <summary>Nothing says of what type a value is. A strict check finds it.</summary>
    Dynamic,

    /// <summary>A field that its schema does not require is read as if it were always there. A strict check finds it.</summary>
    MaybeMissing,
}

/// <summary>What is wrong with an expression's types.</summary>
/// <param name="Kind">What kind of problem it is.</param>
/// <param name="Root">The name of the scope that the chain of fields begins with, for problems of fields.</param>
/// <param name="Text">The place, what is wrong, and what to do.</param>
internal sealed record CheckProblem(CheckProblemKind Kind, string? Root, ExpressionProblem Text)
{
    /// <summary>Whether it is a field of that name itself, and not of something below it.</summary>
    public bool IsOfRoot { get; init; }
}

/// <summary>What the checker has found out.</summary>
/// <param name="Type">The type of what the expression gives.</param>
/// <param name="Cost">What it may cost, in units: see <see cref="ExpressionLimits.Budget"/>.</param>
/// <param name="Problems">In the order of the text, the inner ones first.</param>
internal sealed record CheckedExpression(CelType Type, double Cost, IReadOnlyList<CheckProblem> Problems);
