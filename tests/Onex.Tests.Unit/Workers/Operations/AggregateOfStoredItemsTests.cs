using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Effects;
using Onex.Workers.Running;

namespace Onex.Tests.Unit.Workers.Operations;

/// <summary>The compute <c>aggregate</c> over the stored items of an <c>each</c>.</summary>
public sealed class AggregateOfStoredItemsTests
{
    private const string Arguments = """
        {"each":"bill","by":{"even":"item.cents % 2 == 0"},
         "fields":{"cents":{"sum":"item.cents"},"first":{"first":"index"},"last":{"last":"index"}}}
        """;

    [Fact]
    public async Task The_items_are_read_page_by_page_in_their_order()
    {
        var queries = new List<SagaItemsQuery>();

        // Every third item has failed, so it has no completed row.
        var indexes = Enumerable.Range(0, 1_500).Where(index => index % 3 != 0).ToList();
        var harness = new ComputeHarness
        {
            Items = (query, _) =>
            {
                queries.Add(query);
                return Task.FromResult<IReadOnlyList<SagaItem>>(
                    [.. indexes.Where(index => index >= query.AtLeast).Take(query.Limit).Select(Item)]);
            },
        };
        var command = EffectsHarness.Command("aggregate", Arguments);

        var result = await harness.RunAsync(command, store: null);

        using var json = JsonDocument.Parse(result.Result!.Value.Utf8);
        var total = json.RootElement.GetProperty("total");
        Assert.Equal(
            (indexes.Sum(), 1, 1_499),
            (total.GetProperty("cents").GetInt32(), total.GetProperty("first").GetInt32(), total.GetProperty("last").GetInt32()));
        Assert.Equal(2, json.RootElement.GetProperty("groups").GetArrayLength());
        Assert.Equal(6, queries.Count);
        Assert.All(queries, query => Assert.Equal(
            (command.SagaId, "bill", null, StoredItemPages.PageMax), (query.SagaId, query.Step, query.Visit, query.Limit)));
    }

    [Fact]
    public async Task Without_a_database_the_attempt_fails_because_another_worker_may_have_one()
    {
        var result = await new ComputeHarness().RunAsync("aggregate", Arguments);

        Assert.Equal((StepOutcomes.Failed, "store_missing"), (result.Outcome, result.Code));
        Assert.Contains("POSTGRES_HOST", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_accepts_items_or_each_but_not_both() => await ComputeHarness.RejectsAsync(
        "aggregate", """{"each":"bill","items":[],"fields":{"n":{"count":"true"}}}""", "arguments_invalid", "one of 'items' and 'each'");

    [Theory]
    [InlineData("with: { each: bill, fields: { cents: { sum: item.cents } } }")]
    [InlineData("with: { each: sum, fields: { cents: { sum: item.cents } } }", "ONEX1012")]
    [InlineData("with: { each: other, fields: { cents: { sum: item.cents } } }", "ONEX1012")]
    [InlineData("with: { fields: { cents: { sum: item.cents } } }", "ONEX1037")]
    public void The_compiler_knows_the_step_whose_items_are_read(string with, params string[] codes)
    {
        var contract = $$"""
            contract: billing
            version: 1.0.0
            input: { type: object, required: [n], properties: { n: { type: array, maxItems: 100000, items: { type: string } } } }
            initial: working
            states:
              working:
                steps:
                  - id: bill
                    each: { item: input.n }
                    compute: hash.sha256
                    with: { text: "${item}" }
                  - id: sum
                    compute: aggregate
                    {{with}}
                next: done
              done: { end: completed }
            """;

        Assert.Equal(codes, Engine.SagaScenario.Compile(contract).Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    private static SagaItem Item(int index) =>
        new("bill", 1, index, SagaItemStatus.Completed, new(Guid.CreateVersion7()))
        {
            Result = RawJson.FromText($$"""{"cents":{{index}}}"""),
        };
}
