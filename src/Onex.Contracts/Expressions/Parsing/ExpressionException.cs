namespace Onex.Contracts.Expressions.Parsing;

/// <summary>
/// A syntax error inside the lexer or the parser; <see cref="Expression.TryParse(string, out Expression?, out ExpressionProblem?)"/>
/// catches it.
/// </summary>
#pragma warning disable CA1032, CA1064, RCS1194 // Only this folder throws and catches it, so it is internal, with one constructor.
internal sealed class ExpressionException(ExpressionProblem problem) : Exception(problem.Problem)
{
    public ExpressionProblem Problem { get; } = problem;
}
