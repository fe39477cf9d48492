using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>Numbers in contracts are kept or reported, never silently rounded or read as text.</summary>
public sealed class NumberRangeTests
{
    [Theory]
    [InlineData("18446744073709551616")]
    [InlineData("-9223372036854775809")]
    [InlineData("+99999999999999999999")]
    [InlineData("0x10000000000000000")]
    [InlineData("1e400")]
    [InlineData("-1.5e999")]
    public void A_number_out_of_range_is_an_error_in_every_position(string number)
    {
        foreach (var contract in (string[])[
            Output(number),
            Output($"[{{ a: {number} }}]"),
            Output("1").Replace(
                "input: {}",
                $"input: {{ type: object, properties: {{ n: {{ type: integer, maximum: {number} }} }} }}",
                StringComparison.Ordinal),
            Output("1").Replace("input: {}", $"input: {{}}\ndata: {{ n: {{ type: any, initial: {number} }} }}", StringComparison.Ordinal)])
        {
            Assert.Contains("ONEX1160", SagaScenario.Compile(contract).Diagnostics.Select(diagnostic => diagnostic.Code));
        }
    }

    [Theory]
    [InlineData("input.json", """{ "type": "object", "properties": { "n": { "maximum": 18446744073709551616 } } }""")]
    [InlineData("input.yaml", "{ type: object, properties: { n: { maximum: 18446744073709551616 } } }")]
    public void A_number_out_of_range_is_an_error_in_a_referenced_file(string path, string schema)
    {
        var contract = Output("1").Replace("input: {}", $"input: {{ $ref: {path} }}", StringComparison.Ordinal);
        var source = new ContractSource("story.yaml", contract, ImmutableSortedDictionary<string, string>.Empty.Add(path, schema));

        var diagnostics = ContractCompiler.Compile(source, TestCatalogue.Context).Diagnostics;
        Assert.Contains("ONEX1160", diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [Theory]
    [InlineData("18446744073709551615", CelKind.Uint)]
    [InlineData("9223372036854775809", CelKind.Uint)]
    [InlineData("-9223372036854775808", CelKind.Int)]
    [InlineData("18446744073709551616.0", CelKind.Double)]
    [InlineData("1e22", CelKind.Double)]
    [InlineData("'18446744073709551616'", CelKind.String)]
    public void A_number_in_range_is_unchanged(string number, CelKind kind)
    {
        var scenario = new SagaScenario(Output(number)).Starts();

        var output = StoredValues.Read(scenario.Saga.Output!.Value.Utf8.Span);
        Assert.True(output.TryGetField("n", out var value));
        Assert.Equal(kind, value.Kind);
        if (kind is CelKind.Uint or CelKind.Int)
        {
            Assert.Equal(number, value.ToString());
        }
    }

    private static string Output(string number) => $$"""
        contract: story
        version: 1.0.0
        input: {}
        initial: done
        states:
          done: { end: completed, output: { n: {{number}} } }
        """;
}
