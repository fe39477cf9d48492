using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>Aggregates over the items of a for-each step: docs/contract-language.md#for-each.</summary>
public sealed class AggregateTests
{
    [Fact]
    public void Completed_items_are_aggregated_as_they_arrive()
    {
        var scenario = Billing(3)
            .CompletesItem("bill", 2, Cents(30))
            .CompletesItem("bill", 0, Cents(10))
            .CompletesItem("bill", 1, Cents(20));

        scenario.IsIn("done", SagaStatus.Completed);
        Assert.Equal(
            """{"all":{"half":30.0,"cents":60,"least":10,"failed":0,"twenty":2,"largest":30,"completed":3},"saved":60}""",
            scenario.Saga.Output.ToString());
    }

    [Fact]
    public void Without_items_a_sum_is_zero_and_a_minimum_is_absent()
    {
        var scenario = Billing(0).IsIn("done", SagaStatus.Completed);

        Assert.Equal(
            """{"all":{"half":0.0,"cents":0,"least":null,"failed":0,"twenty":0,"largest":null,"completed":0},"saved":0}""",
            scenario.Saga.Output.ToString());
    }

    [Fact]
    public void Failed_items_are_not_aggregated()
    {
        var scenario = Billing(2, "continue")
            .RejectsItem("bill", 0)
            .CompletesItem("bill", 1, Cents(7)).IsIn("done", SagaStatus.Completed);

        Assert.Contains("\"cents\":7,\"least\":7,\"failed\":1", scenario.Saga.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_row_holds_intermediate_aggregates()
    {
        var scenario = Billing(3).CompletesItem("bill", 0, Cents(2));
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        scenario.CompletesItem("bill", 1, Cents(4));
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        scenario.CompletesItem("bill", 2, Cents(6));

        Assert.Contains("\"half\":6.0,\"cents\":12,\"least\":2,\"failed\":0", scenario.Saga.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sum_beyond_64_bits_fails_the_step_and_all_its_items_are_compensated()
    {
        var scenario = Billing(2)
            .CompletesItem("bill", 0, Cents(long.MaxValue))
            .CompletesItem("bill", 1, Cents(1));

        Assert.Equal(("compensating", "expression_failed"), (scenario.Saga.State, scenario.Saga.Fault!.Code));
        Assert.Equal("What step 'bill' aggregates as 'cents': the sum is beyond 64 bits", scenario.Saga.Fault.Message);
        scenario.Wakes()
                .Sends("-bill", "-bill")
            .CompletesItem("bill", 0)
            .CompletesItem("bill", 1).IsIn("failed", SagaStatus.Failed);
    }

    [Theory]
    [InlineData("sum: result.body.name", "ONEX1076")]
    [InlineData("count: result.body.cents", "ONEX1076")]
    [InlineData("sum: data.total", "ONEX1043")]
    [InlineData("sum: result.body.cents, min: index", "ONEX1014")]
    [InlineData("", "ONEX1013")]
    public void An_aggregate_of_the_wrong_type_is_an_error(string aggregate, string code) =>
        Assert.Contains(
            code,
            SagaScenario.Compile(
                Contract("stop").Replace("cents: { sum: result.body.cents }", $"cents: {{ {aggregate} }}", StringComparison.Ordinal))
            .Diagnostics.Select(diagnostic => diagnostic.Code));

    [Fact]
    public void Only_a_for_each_step_may_aggregate() =>
        Assert.Contains("each", Assert.Single(SagaScenario.Compile("""
            contract: story
            version: 1.0.0
            input: { type: object }
            initial: work
            states:
              work:
                steps:
                  - id: hash
                    compute: hash.sha256
                    with: { text: a }
                    aggregate: { sum: { count: "true" } }
                next: done
              done: { end: completed }
            """).Diagnostics).Problem, StringComparison.Ordinal);

    private static string Cents(long cents) => $"{{\"status_code\":200,\"headers\":{{}},\"body\":{{\"cents\":{cents},\"name\":\"x\"}}}}";

    private static SagaScenario Billing(int orders, string onFailure = "stop") =>
        new SagaScenario(Contract(onFailure))
            .Starts($"{{\"orders\":[{string.Join(',', Enumerable.Range(0, orders).Select(order => $"\"o{order}\""))}]}}");

    private static string Contract(string onFailure) => $$"""
        contract: story
        version: 1.0.0
        input: { type: object, properties: { orders: { type: array, items: { type: string } } }, required: [orders] }
        data: { total: { type: int, initial: 0 } }
        initial: billing
        states:
          billing:
            steps:
              - id: bill
                each: { item: input.orders, at_most: 50000, on_item_failure: {{onFailure}} }
                effect: http.post
                connection: outside
                with: { path: "/${item}" }
                returns: { body: { cents: int, name: string } }
                aggregate:
                  cents: { sum: result.body.cents }
                  half: { sum: double(result.body.cents) / 2.0 }
                  largest: { max: result.body.cents }
                  least: { min: result.body.cents }
                  twenty: { count: "result.body.cents >= 20 && item != ''" }
                save: { total: result.cents }
                compensate: { effect: http.delete, connection: outside, with: { path: "/${item}" } }
            next: done
          done: { end: completed, output: { all: "${steps.bill}", saved: "${data.total}" } }
        """;
}
