namespace Onex.Contracts.Expressions.Parsing;

/// <summary>
/// A syntax error inside the lexer or the parser; <see cref="Expression.TryParse(string, out Expression?, out ExpressionProblem?)"/>
/// catches it.
/// </summary>
#pragma warning disable CA1032, CA1064, RCS1194 // It is control flow inside one folder, not an exception for others.
internal sealed class ExpressionException(ExpressionProblem problem) : Exception(problem.Problem)
{
    public ExpressionProblem Problem { get; } = problem;
}
