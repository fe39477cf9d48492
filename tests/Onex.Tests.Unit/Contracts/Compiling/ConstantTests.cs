using Onex.Contracts.Text;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>The compiler evaluates constant parts of expressions, where durations have no days, and reports those that fail.</summary>
public sealed class ConstantTests
{
    [Theory]
    [InlineData("duration('3d')", "write '72h'")]
    [InlineData("duration('1d12h')", "write '36h'")]
    [InlineData("duration('1x')", "'1h30m'")]
    [InlineData("timestamp('2027-13-01T00:00:00Z')", "write it as '2030-01-31T12:00:00Z'")]
    [InlineData("1/0", "division by zero")]
    [InlineData("1 % 0", "modulus by zero")]
    [InlineData("input.n / 0", "division by zero")]
    [InlineData("[1,2][5]", "index out of bounds")]
    [InlineData("{'a': 1}['b']", "no such key")]
    [InlineData("int('abc')", "is not an int")]
    [InlineData("timestamp(input.at).getHours('Europe/Zurrich')", "Europe/Zurich")]
    [InlineData("input.n > 1 ? 1 : int('x')", "is not an int")]
    [InlineData("[1, 0].map(x, 1 / x)", "division by zero")]
    [InlineData("9223372036854775807 + 1", "out of range")]
    [InlineData("'a'.matches('(' + 'a')", "the regular expression cannot be used")]
    public void A_constant_part_of_an_expression_that_fails_is_an_error_with_a_remedy(string expression, string text)
    {
        var diagnostic = Assert.Single(Check(expression));

        Assert.Equal("ONEX1172", diagnostic.Code);
        Assert.Contains(text, diagnostic.Render(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("true || 1 / 0 == 1")]
    [InlineData("input.n / 2")]
    [InlineData("1.0 / 0.0")]
    [InlineData("duration('72h')")]
    [InlineData("timestamp(input.at).getHours('Europe/Zurich')")]
    [InlineData("timestamp(input.at).getHours('-08:00')")]
    [InlineData("[1, 2].map(x, x / 2)")]
    [InlineData("optional.none()")]
    public void An_expression_that_can_succeed_is_not_a_constant_failure(string expression) => Assert.Empty(Check(expression));

    [Theory]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("1d12h", 129_600_000)]
    [InlineData("2000us", 2)]
    [InlineData("7d", 604_800_000)]
    [InlineData("3660d", 316_224_000_000)]
    public void A_duration_in_a_contract_may_have_several_units_and_fractions(string text, long milliseconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("-1s")]
    [InlineData("+1s")]
    [InlineData("1us")]
    [InlineData("1")]
    [InlineData("1 s")]
    [InlineData("3661d")]
    [InlineData("1w")]
    [InlineData("")]
    public void An_invalid_duration_in_a_contract_is_an_error(string text) => Assert.False(Durations.TryParse(text, out _));

    private static IEnumerable<Onex.Contracts.Diagnostics.Diagnostic> Check(string expression) => TestContracts.Check($$"""
        contract: small
        version: 1.0.0
        input: { type: object, required: [n, at], properties: { n: { type: integer }, at: { type: string } } }
        initial: work
        states:
          work:
            steps: [{ respond: { value: "${[{{expression}}].size()}" } }]
            next: done
          done: { end: completed }
        """).Diagnostics;
}
