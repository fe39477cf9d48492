namespace Onex.Tests.Unit.Engine;

/// <summary>
/// Connection properties in expressions: <c>connections.&lt;name&gt;.&lt;public property&gt;</c>, docs/contract-language.md#values.
/// </summary>
public sealed class ConnectionPropertyTests
{
    private static readonly CompilerContext _context = new(
        new OperationCatalogue([]),
        new Dictionary<string, ConnectionDescriptor>
        {
            ["stock"] = new("stock", "http", null, null)
            {
                Public = CelValue.Map([new("region", CelValue.String("eu-1")), new("shards", CelValue.Int(4))]),
            },
            ["pay-later"] = new("pay-later", "http", null, null) { Public = CelValue.Map([new("live", CelValue.Bool(true))]) },
        });

    [Fact]
    public void A_public_property_can_be_read_in_a_guard_and_in_the_output()
    {
        var compilation = Compile("connections.stock.shards > 3 && connections['pay-later'].live", "${connections.stock.region}");

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        var scenario = new SagaScenario(compilation.Plans.Single()).Starts().IsIn("large", SagaStatus.Completed);
        Assert.Equal("""{"region":"eu-1"}""", scenario.Saga.Output.ToString());
    }

    [Theory]
    [InlineData("connections.stok.shards > 3", "'connections' has no field 'stok'.", "Did you mean 'stock'?")]
    [InlineData("connections.stock.url == ''", "'connections.stock' has no field 'url'.", "region, shards")]
    [InlineData("connections.stock.region > 3", "'>' does not accept string and int.", "")]
    public void No_other_part_of_a_connection_can_be_read(string guard, string problem, string remedy)
    {
        var diagnostic = Assert.Single(Compile(guard, "").Diagnostics);

        Assert.Equal(problem, diagnostic.Problem);
        Assert.Contains(remedy, diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_removed_property_fails_only_the_sagas_that_read_it()
    {
        var scenario = new SagaScenario(Compile("connections.stok.shards > 3", "", _context with { IsRegistered = true }).Plans.Single())
            .Starts();

        Assert.Equal("expression_failed", scenario.Saga.Fault!.Code);
    }

    private static Compilation Compile(string guard, string region, CompilerContext? context = null) => ContractCompiler.Compile(
        new ContractSource(
            "story.yaml",
            $$"""
            contract: story
            version: 1.0.0
            input: {}
            initial: deciding
            states:
              deciding:
                choose:
                  - when: "{{guard}}"
                    next: large
                  - next: small
              large: { end: completed, output: { region: "{{region}}" } }
              small: { end: completed }
            """,
            ImmutableSortedDictionary<string, string>.Empty),
        context ?? _context);
}
