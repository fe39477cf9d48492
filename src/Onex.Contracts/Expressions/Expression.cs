using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Onex.Contracts.Expressions.Evaluation;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Expressions;

/// <summary>The names that an expression may read, with their values.</summary>
public interface IExpressionScope
{
    /// <summary>
    /// The value of a name in scope, such as <c>input</c>, <c>data</c>, <c>steps</c>, <c>result</c>, <c>fault</c>, <c>saga</c>, <c>now</c>;
    /// false for any other name.
    /// </summary>
    bool TryGet(string name, out CelValue value);

    /// <summary>Whether it may have names with dots; then <c>a.b.c</c> is looked up before the field <c>c</c> of <c>a.b</c>.</summary>
    bool HasQualifiedNames => true;

    /// <summary>
    /// The value of <c>name.field</c>; false if either does not exist. An implementation can answer without creating the whole map.
    /// </summary>
    bool TryGetField(string name, string field, out CelValue value)
    {
        value = default;
        return TryGet(name, out var map) && map.TryGetField(field, out value);
    }

    /// <summary>Why <c>name.field</c> does not exist, for the error text; null for the default text.</summary>
    string? WhyMissing(string name, string field) => null;
}

/// <summary>Why a text is not an expression.</summary>
/// <param name="Position">The offset, from 0.</param>
/// <param name="Length">The number of characters to mark; at least 1. May reach past the end of the text.</param>
/// <param name="Problem">What is wrong, as a clause.</param>
/// <param name="Remedy">How to fix it, as a clause.</param>
public sealed record ExpressionProblem(int Position, int Length, string Problem, string Remedy);

/// <summary>One place where an expression reads a name of its scope.</summary>
/// <param name="Path">The name and the constant fields after it: <c>steps.fraud.body.score</c> in four parts.</param>
/// <param name="Position">Its offset, from 0.</param>
/// <param name="Length">Its length in characters.</param>
/// <param name="Guarded">Whether a missing field is not an error there: in <c>has()</c>, or with <c>.?</c> or <c>[?]</c>.</param>
public sealed record PathUse(ImmutableArray<string> Path, int Position, int Length, bool Guarded);

/// <summary>A parsed CEL expression. Immutable once its type and budget are set; evaluation has no side effects.</summary>
public sealed class Expression
{
    private readonly Code _code;
    private readonly int _localsMax;

    private Expression(string text, Syntax syntax)
    {
        var compiler = new Compiler();
        _code = compiler.Compile(syntax);
        _localsMax = compiler.LocalsMax;
        Text = text;
        Syntax = syntax;
        PathUses = Evaluation.Paths.Collect(syntax);
        Paths = [.. PathUses.Select(use => use.Path).DistinctBy(path => string.Join('\0', path))];
    }

    /// <summary>The text that it was parsed from.</summary>
    public string Text { get; }

    /// <summary>
    /// The paths that it reads, each once: a name of the scope and the constant fields after it. A computed index ends a path. Paths from
    /// variables of macros are left out.
    /// </summary>
    public ImmutableArray<ImmutableArray<string>> Paths { get; }

    /// <summary>Every occurrence of these paths, in the order of the text.</summary>
    public IReadOnlyList<PathUse> PathUses { get; }

    /// <summary>The type of its value as determined by the compiler of contracts; dyn if unknown.</summary>
    internal Checking.CelType Type { get; set; } = Checking.CelType.Dyn;

    /// <summary>The cost units that one evaluation may spend.</summary>
    internal int Budget { get; set; } = ExpressionLimits.Budget;

    /// <summary>The syntax tree, for static checks and estimates.</summary>
    internal Syntax Syntax { get; }

    /// <summary>Parses an expression; unknown functions and wrong numbers of arguments are problems too.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Expression? expression,
        [NotNullWhen(false)] out ExpressionProblem? problem) =>
        TryParse(text, checkFunctions: true, out expression, out problem);

    /// <summary>Parses an expression. If functions are not checked, a call of an unknown function fails when it is evaluated.</summary>
    internal static bool TryParse(
        string text, bool checkFunctions, [NotNullWhen(true)] out Expression? expression,
        [NotNullWhen(false)] out ExpressionProblem? problem)
    {
        expression = null;
        problem = CheckText(text);
        if (problem is not null)
        {
            return false;
        }

        try
        {
            expression = new Expression(text, new Parser(new Lexer(text).ReadAll(), checkFunctions).Parse());
            return true;
        }
        catch (ExpressionException failure)
        {
            problem = failure.Problem;
            return false;
        }
    }

    /// <summary>
    /// Evaluates the expression. Never throws: a failure is a value of kind <see cref="CelKind.Error"/> with a readable text. Exceeding
    /// <see cref="Budget"/> is a failure too, and no other operand absorbs it.
    /// </summary>
    public CelValue Evaluate(IExpressionScope scope) => Evaluate(scope, out _);

    /// <summary>The cost units that an evaluation in that scope spends.</summary>
    internal long MeasureCost(IExpressionScope scope)
    {
        Evaluate(scope, out var spent);
        return spent;
    }

    private CelValue Evaluate(IExpressionScope scope, out long spent)
    {
        var frame = new Frame(scope, _localsMax == 0 ? null : new CelValue[_localsMax], Budget);
        var value = _code(ref frame);
        spent = Budget - frame.BudgetLeft;
        return frame.BudgetLeft < 0 ? Failures.Budget : value;
    }

    /// <summary>Determines the type of the expression, its estimated cost and its type problems.</summary>
    /// <param name="roots">Returns the type of a name; null if it is unknown.</param>
    /// <param name="isStrict">Whether to report also problems that only some values cause.</param>
    internal Checking.CheckedExpression Check(Func<string, Checking.CelType?> roots, bool isStrict = false) =>
        new Checking.Checker(roots, isStrict).Check(Syntax);

    /// <summary>
    /// If a function is called on the name at that position, but could be called without it: the call without the name, as
    /// <c>round(2.5)</c> for <c>math.round(2.5)</c>. Otherwise null.
    /// </summary>
    internal string? CallWithoutTarget(int position)
    {
        var pending = new Stack<Syntax>([Syntax]);
        while (pending.TryPop(out var syntax))
        {
            if (syntax is CallSyntax { Function: { } function, Arguments: [NameSyntax name, _, ..] arguments } && name.Position == position
                && function.Takes(arguments.Length - 1, isMember: false))
            {
                var open = Text.IndexOf('(', name.Position + name.Length);
                return open < 0 ? null : $"{function.Name}{Text[open..Math.Min(Text.Length, syntax.End)]}";
            }

            foreach (var child in Checking.Constants.Children(syntax))
            {
                pending.Push(child);
            }
        }

        return null;
    }

    /// <summary>The text.</summary>
    public override string ToString() => Text;

    private static ExpressionProblem? CheckText(string text)
    {
        if (text.Length > ExpressionLimits.TextLength)
        {
            return new ExpressionProblem(
                ExpressionLimits.TextLength, 1, $"the expression is longer than {ExpressionLimits.TextLength} characters",
                "split it: set fields of data step by step");
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]))
            {
                if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                {
                    return new ExpressionProblem(i, 1, "an unpaired surrogate is not a character", "remove it");
                }

                i++;
            }
        }

        return null;
    }
}
