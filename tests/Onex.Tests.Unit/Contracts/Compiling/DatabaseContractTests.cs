namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>Contracts with the database operations.</summary>
public sealed class DatabaseContractTests
{
    [Fact]
    public void The_transfer_contract_compiles_without_diagnostics()
    {
        var compilation = ContractCompiler.CompileDirectory(
            Repository.At("tests", "contracts", "valid", "transfer"), TestCatalogue.Context);

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        var plan = Assert.Single(compilation.Plans);
        Assert.Equal(
            "{ rows: list(map(any)), row_count: int }",
            Assert.IsType<CallStep>(plan.State("looking").Steps.Single()).ResultType.ToString());
        Assert.Equal(
            ["db.query", "db.transaction", "db.execute"],
            plan.States.SelectMany(state => state.Steps).OfType<CallStep>().Select(step => step.Invocation.Operation));
    }

    [Theory]
    [InlineData("effect: db.query", "{ sql: \"SELECT '${input}'\" }", "ONEX1039")]
    [InlineData("effect: database.execute", "{ sql: \"${input}\" }", "ONEX1039")]
    [InlineData("effect: db.transaction", "{ statements: [{ sql: \"SELECT '${input}'\" }] }", "ONEX1039")]
    [InlineData("effect: db.transaction", "{ statements: [{ sql: { a: \"${input}\" } }] }", "ONEX1039")]
    [InlineData("effect: db.transaction", "{ statements: [\"${input}\"] }", "ONEX1039")]
    [InlineData("effect: db.transaction", "{ statements: \"${input}\" }", "ONEX1039")]
    public void No_expression_is_inserted_into_an_SQL_statement(string effect, string arguments, string code) =>
        Assert.Contains(code, Codes(effect, arguments));

    [Fact]
    public void A_key_of_a_parameter_may_be_called_sql() =>
        Assert.Empty(
            Codes("effect: db.transaction", "{ statements: [{ sql: \"SELECT $1::jsonb\", parameters: [{ sql: \"${input}\" }] }] }"));

    private static IEnumerable<string> Codes(string effect, string arguments) =>
        TestContracts.Check($$"""
            contract: small
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                steps:
                  - id: work
                    {{effect}}
                    connection: ledger
                    with: {{arguments}}
                    {{(effect.EndsWith("query", StringComparison.Ordinal) ? "" : "compensate: { none: a test }")}}
                next: done
              done: { end: completed }
            """).Diagnostics.Select(diagnostic => diagnostic.Code);
}
