using Onex.Contracts.Expressions.Evaluation;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>Compares docs/expressions.md with the functions and limits of the code.</summary>
public class DocumentTests
{
    [Fact]
    public void Every_function_and_macro_is_documented()
    {
        var document = Document();
        Assert.All(Functions.AllNames, name => Assert.Contains($"| `{name}` |", document, StringComparison.Ordinal));
    }

    [Fact]
    public void A_documented_function_has_its_signature_and_arguments() =>
        Assert.All(
            Functions.All,
            function => Assert.Contains(
                $"| `{function.Name}` | `{function.Usage}` | `{function.Types}` | ", Document(), StringComparison.Ordinal));

    [Fact]
    public void The_documented_limits_are_those_of_the_code()
    {
        static string Number(long number) => number.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
        var document = Document();
        Assert.Contains(
            $"| Text of an expression | {Number(ExpressionLimits.TextLength)} characters |", document, StringComparison.Ordinal);
        Assert.Contains($"| One evaluation | {Number(ExpressionLimits.Budget)} cost units", document, StringComparison.Ordinal);
        Assert.Contains(
            $"| The estimate of an expression | {Number(ExpressionLimits.Budget)} cost units", document, StringComparison.Ordinal);
        Assert.Contains(
            $"counts as {ExpressionLimits.ItemsAssumed} items, or {ExpressionLimits.CharactersAssumed} characters",
            document,
            StringComparison.Ordinal);
        Assert.Contains(
            $"| {Number(ExpressionLimits.PatternLength)} characters; {Number(ExpressionLimits.PatternSize)} parts",
            document,
            StringComparison.Ordinal);
    }

    internal static string Document() => File.ReadAllText(Repository.At("docs", "expressions.md"));
}
