namespace Onex.Tests.Unit.Workers.Operations;

public sealed class TransformTests
{
    [Theory]
    [InlineData("""{"values":{"a":[1,2]},"fields":{"sum":"sum(values.a)","most":"max(values.a) * 2"}}""", """{"sum":3,"most":4}""")]
    [InlineData("""{"values":{"a":1.0},"fields":{}}""", "{}")]
    [InlineData("""{"values":{"a":{}},"fields":{"b":"values.a.?b","c":"values.a.?b.orValue('x')"}}""", """{"b":null,"c":"x"}""")]
    public Task Expressions_make_the_fields_of_the_result(string arguments, string expected) =>
        ComputeHarness.CompletesAsync("transform", arguments, expected);

    [Theory]
    [InlineData("""{"values":{},"fields":{"a":"values.b"}}""", "expression_failed", "'fields.a': ")]
    [InlineData("""{"values":{},"fields":{"a":"values.b +"}}""", "arguments_invalid", "'fields.a' is not an expression")]
    [InlineData("""{"values":{},"fields":{"a":"type(1)"}}""", "expression_failed", "a type has no JSON")]
    public Task An_expression_without_a_value_is_rejected(string arguments, string code, string messagePart) =>
        ComputeHarness.RejectsAsync("transform", arguments, code, messagePart);

    [Fact]
    public async Task The_budget_is_larger_than_in_the_orchestrator_and_has_a_limit()
    {
        var numbers = string.Join(',', Enumerable.Range(0, 1_000));
        string Arguments(string expression) => $$$"""{"values":{"a":[{{{numbers}}}]},"fields":{"x":"{{{expression}}}"}}""";

        var longSum = string.Join(" + ", Enumerable.Repeat("values.a.filter(i, i >= 0).size()", 50));
        await ComputeHarness.CompletesAsync("transform", Arguments(longSum), """{"x":50000}""");
        await ComputeHarness.RejectsAsync(
            "transform", Arguments("values.a.map(i, values.a.map(j, i * j))"), "expression_failed", "expression budget exceeded");
    }
}
