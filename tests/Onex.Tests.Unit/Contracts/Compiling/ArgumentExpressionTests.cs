namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>Arguments that hold an expression for the operation to evaluate, such as <c>where</c> of <c>filter</c>.</summary>
public sealed class ArgumentExpressionTests
{
    [Theory]
    [InlineData("""compute: filter, with: { items: "${input.lines}", where: item.sum > values.least, values: { least: "${input.n}" } }""")]
    [InlineData("""compute: sort, with: { items: "${input.lines}", by: [{ descending: item.total }, { ascending: index }] }""")]
    [InlineData("""
        compute: aggregate, with: { items: "${input.lines}", by: { sku: item.sku }, fields: { n: { count: true }, s: { sum: item.price } } }
        """)]
    [InlineData("""compute: transform, with: { values: { a: "${input.n}" }, fields: { b: "values.a + 1" } }""")]
    [InlineData("""compute: merge, with: { lists: [["${input.n}"]], key: "[item, index]" }""")]
    [InlineData("""compute: merge, with: { lists: [["${input.n}"]], key: index > 0 }""")]
    public void An_expression_over_the_item_and_the_values_is_accepted(string step) => Assert.Empty(Check(step));

    [Theory]
    [InlineData("""compute: filter, with: { items: [1], where: "item >" }""", "ONEX1042")]
    [InlineData("""compute: filter, with: { items: [1], where: input.n > 1 }""", "ONEX1043")]
    [InlineData("""compute: filter, with: { items: [1], where: "${input.n} > 1" }""", "ONEX1039")]
    [InlineData("""compute: filter, with: { items: [1], where: [item] }""", "ONEX1041")]
    [InlineData("""compute: filter, with: { items: [1], where: }""", "ONEX1012")]
    [InlineData("""compute: filter, with: { items: [1], where: index + 'a' == 'a' }""", "ONEX1076")]
    [InlineData("""compute: sort, with: { items: [1], by: item }""", "ONEX1038")]
    [InlineData("""compute: sort, with: { items: [1], by: [{ acending: item }] }""", "ONEX1036")]
    [InlineData("""compute: aggregate, with: { items: [1], fields: { a: { median: item } } }""", "ONEX1036")]
    [InlineData("""compute: aggregate, with: { items: [1], fields: { a: { sum: it } } }""", "ONEX1043")]
    public void An_invalid_expression_in_an_argument_is_an_error(string step, string code) =>
        Assert.Equal([code], Check(step).Select(diagnostic => diagnostic.Code));

    [Theory]
    [InlineData("item.n + 'a' == 'a'", "ONEX1076")]
    [InlineData("item.at + duration('1h') == item.at", "ONEX1076")]
    [InlineData("item.m == 1", "ONEX1077")]
    [InlineData("item.n > 1 && timestamp(item.at) > timestamp('2030-01-01T00:00:00Z')", null)]
    public void The_item_has_the_type_that_the_operation_receives(string where, string? code) => Assert.Equal(
        code,
        TestContracts.Check($$"""
            contract: example
            version: 1.0.0
            input: { type: object }
            data: { lines: "list({ n: int, at: timestamp })" }
            initial: work
            states:
              work:
                steps:
                  - set: { lines: "[]" }
                  - id: one
                    compute: filter
                    with: { items: "${data.lines}", where: "{{where}}" }
                next: done
              done: { end: completed }
            """).Diagnostics.SingleOrDefault()?.Code);

    [Fact]
    public void The_documented_contract_is_valid() => Assert.Empty(TestContracts.Check(
        File.ReadAllText(Repository.At("docs", "operations.md")).Split("```yaml\n")[1].Split("```")[0]).Diagnostics);

    private static IEnumerable<Onex.Contracts.Diagnostics.Diagnostic> Check(string step) => TestContracts.Check($$"""
        contract: example
        version: 1.0.0
        input:
          type: object
          required: [n, lines]
          properties: { n: { type: integer }, lines: { type: array, items: { type: object } } }
        initial: work
        states:
          work:
            steps:
              - { id: one, {{step.Trim()}} }
            next: done
          done: { end: completed }
        """).Diagnostics;
}
