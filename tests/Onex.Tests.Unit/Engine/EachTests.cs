using Onex.Orchestrator.Mapping;
using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>One call for each item: docs/contract-language.md#for-each.</summary>
public sealed class EachTests
{
    [Fact]
    public void The_concurrency_limit_bounds_the_calls_in_flight()
    {
        var scenario = Packing(atOnce: 2).Sends("pack", "pack");
        Assert.Equal([0, 1], scenario.InFlight("pack"));

        scenario.CompletesItem("pack", 1, Result("b"));
        Assert.Equal([0, 2], scenario.InFlight("pack"));
        scenario.CompletesItem("pack", 0, Result("a"))
            .CompletesItem("pack", 2, Result("c"))
            .CompletesItem("pack", 3, Result("d"));
        Assert.Equal(SagaStatus.Waiting, scenario.Saga.Status);
        scenario.Wakes().IsIn("done", SagaStatus.Completed);
        Assert.Equal("""{"parcels":["a","b","c","d"],"done":4,"failed":0}""", scenario.Saga.Output.ToString());
    }

    [Fact]
    public void Each_call_has_its_item_and_a_distinct_identity()
    {
        var scenario = Packing(atOnce: 4);
        Assert.Equal(
            ["/a/0", "/b/1", "/c/2", "/d/3"], scenario.Last.Commands.Select(command => command.Arguments.ToString().Split('"')[3]));
        Assert.Equal(4, scenario.Last.Commands.Select(command => command.CommandId).Distinct().Count());
    }

    [Fact]
    public void The_row_holds_only_counters_and_calls_in_flight()
    {
        var few = Size(Packing(items: 10));
        var many = Size(Packing(items: 400));
        Assert.InRange(many, few, few + 20);

        static int Size(SagaScenario scenario) => SagaRows.ToRow(scenario.Saga, version: 1, Guid.Empty).Progress.Utf8.Length;
    }

    [Fact]
    public void A_completed_item_is_a_row_with_its_compensation()
    {
        var scenario = Packing().CompletesItem("pack", 0, Result("a"));
        var row = Assert.Single(scenario.Last.Items, item => item.CompensationArguments is not null);
        Assert.Equal((0, SagaItemStatus.Completed, """{"path":"/a"}"""), (row.Index, row.Status, row.CompensationArguments.ToString()));
        Assert.Single(scenario.Saga.Compensables);
    }

    [Fact]
    public void Stop_ends_at_the_first_failure_and_compensates_every_completed_item()
    {
        var scenario = Packing(atOnce: 2)
            .CompletesItem("pack", 0, Result("a"))
            .CompletesItem("pack", 1, Result("b"))
            .RejectsItem("pack", 2);
        Assert.Equal(("compensating", "http_404", "pack"), (scenario.Saga.State, scenario.Saga.Fault!.Code, scenario.Saga.Fault.Step));
        Assert.Equal([3], scenario.InFlight("pack"));

        scenario.Wakes(_ => SagaScenario.Cancelled).Sends();
        scenario.Wakes().Sends("-pack", "-pack");
        Assert.Equal([1, 0], scenario.InFlight("pack"));
        scenario.CompletesItem("pack", 1)
            .CompletesItem("pack", 0).IsIn("failed", SagaStatus.Failed);
        Assert.Equal(
            [SagaItemStatus.Compensated, SagaItemStatus.Compensated, SagaItemStatus.Failed],
            scenario.Items.All.OrderBy(item => item.Index).Select(item => item.Status));
    }

    [Fact]
    public void An_interrupted_item_that_completed_is_compensated()
    {
        var scenario = Packing(atOnce: 2)
            .RejectsItem("pack", 0)
            .CompletesItem("pack", 1, Result("b")).Sends("-pack");
        Assert.Equal("""{"path":"/b"}""", scenario.Last.Commands[0].Arguments.ToString());
        scenario.CompletesItem("pack", 1).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_lost_interrupted_item_is_sent_again_and_compensated_if_it_happened()
    {
        var scenario = Interrupted();
        scenario.CompletesItem("pack", 0, Result("x")).Sends("-pack");
        Assert.Equal("""{"path":"/undo/x"}""", scenario.Last.Commands[0].Arguments.ToString());
        scenario.IsIn("packing", SagaStatus.Running).CompletesItem("pack", 0).IsIn("elsewhere", SagaStatus.Waiting);
        Assert.Equal(SagaItemStatus.Compensated, Assert.Single(scenario.Items.All).Status);
    }

    [Fact]
    public void A_lost_interrupted_item_that_did_not_happen_needs_no_compensation() =>
        Interrupted().RejectsItem("pack", 0).Sends().IsIn("elsewhere", SagaStatus.Waiting);

    [Fact]
    public void A_lost_interrupted_item_that_stays_unknown_blocks()
    {
        var scenario = Interrupted();
        scenario.Handles(scenario.ItemFails("pack", 0)).IsIn("packing", SagaStatus.Blocked);
        Assert.Equal((BlockedBy.Interrupted, 0), (scenario.Saga.Blockage!.Kind, scenario.Saga.Blockage.Item));

        scenario.OperatorSends(OperatorCommand.Retry)
                .Sends("pack#3")
            .CompletesItem("pack", 0, Result("x")).Sends("-pack");
        scenario.CompletesItem("pack", 0).IsIn("elsewhere", SagaStatus.Waiting);
    }

    [Fact]
    public void Any_number_of_items_whose_arguments_fail_can_be_counted_in_one_decision()
    {
        const int Items = 100_000;
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: { type: object, properties: { items: { type: array, items: { type: integer } } }, required: [items] }
            initial: packing
            states:
              packing:
                steps:
                  - id: pack
                    each: { item: input.items, at_most: {{Items}}, on_item_failure: continue }
                    effect: http.post
                    connection: outside
                    with: { path: "/${10 / item}" }
                    compensate: { none: "there is no effect" }
                next: done
              done: { end: completed, output: { failed: "${steps.pack.failed}" } }
            """).Starts($$"""{"items":[{{string.Join(',', Enumerable.Repeat(0, Items))}}]}""");

        scenario.Sends().IsIn("done", SagaStatus.Completed);
        Assert.Equal($$"""{"failed":{{Items}}}""", scenario.Saga.Output.ToString());
    }

    [Fact]
    public void Past_the_pivot_only_the_first_of_many_items_whose_arguments_fail_blocks()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: { type: object, properties: { items: { type: array, items: { type: integer } } }, required: [items] }
            initial: packing
            states:
              packing:
                pivot: true
                steps:
                  - id: pack
                    each: { item: input.items, at_most: 500 }
                    effect: http.post
                    connection: outside
                    with: { path: "/${10 / item}" }
                next: done
              done: { end: completed }
            """).Starts("""{"items":[0,0,0,5]}""");

        for (var item = 0; item < 3; item++)
        {
            Assert.Equal(item, Assert.Single(scenario.Saga.Blockages).Item);
            scenario.OperatorSends(OperatorCommand.Skip);
        }

        scenario.Sends("pack").CompletesItem("pack", 3, Result("d")).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Items_are_compensated_in_bounded_batches()
    {
        var scenario = Packing(atOnce: 4, items: 60, stepAfter: "- fail: { code: enough, message: \"no more\" }");
        for (var item = 0; item < 60; item++)
        {
            scenario.CompletesItem("pack", item, Result("a"));
        }

        var inFlightMax = 0;
        scenario.Wakes();
        for (var turn = 0; scenario.Saga.EndedAt is null && turn < 500; turn++)
        {
            inFlightMax = Math.Max(inFlightMax, scenario.Saga.Outstanding.Length);
            if (scenario.InFlight("pack").Any())
            {
                scenario.CompletesItem("pack", scenario.InFlight("pack").First());
            }

            if (scenario.Saga.NextWakeupAt <= scenario.Now)
            {
                scenario.Wakes();
            }
        }

        scenario.IsIn("failed", SagaStatus.Failed);
        Assert.InRange(inFlightMax, 4, 8);
        Assert.All(scenario.Items.All, item => Assert.Equal(SagaItemStatus.Compensated, item.Status));
    }

    [Fact]
    public void Continue_returns_completed_items_in_order_and_the_others_as_failures()
    {
        var scenario = Packing(atOnce: 4, onFailure: "continue")
            .CompletesItem("pack", 3, Result("d"))
            .RejectsItem("pack", 1, "http_409")
            .CompletesItem("pack", 0, Result("a"))
            .RejectsItem("pack", 2)
            .Wakes();

        scenario.IsIn("done", SagaStatus.Completed);
        Assert.Equal("""{"parcels":["a","d"],"done":2,"failed":2}""", scenario.Saga.Output.ToString());
        Assert.Equal("""[1, 2]""", $"[{string.Join(", ", scenario.Saga.Data["lost"].AsList().Select(index => index.AsInt()))}]");
    }

    [Fact]
    public void At_most_n_failures_are_tolerated()
    {
        Packing(atOnce: 4, onFailure: "{ at_most: 1 }").RejectsItem("pack", 0).IsIn("packing", SagaStatus.Running)
            .RejectsItem("pack", 1).IsIn("compensating", SagaStatus.Compensating);
    }

    [Fact]
    public void An_empty_list_completes_at_once() => Packing(items: 0).IsIn("done", SagaStatus.Completed);

    [Fact]
    public void More_items_than_the_limit_fail_the_step()
    {
        var scenario = Packing(items: 501);
        Assert.Equal("too_many_items", scenario.Saga.Fault!.Code);
        scenario.IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void Past_the_pivot_a_rejected_item_blocks_for_an_operator()
    {
        var scenario = Packing(atOnce: 2, pivot: true).RejectsItem("pack", 0).IsIn("packing", SagaStatus.Blocked);
        var rejected = scenario.Saga.Blockage!.CommandId;
        scenario.CompletesItem("pack", 1, Result("b"))
            .CompletesItem("pack", 2, Result("c"));

        scenario.OperatorSends(OperatorCommand.Retry).Sends("pack");
        Assert.NotEqual(rejected, scenario.Last.Commands[0].CommandId);
        scenario.RejectsItem("pack", 0)
            .OperatorSends(OperatorCommand.Skip);
        scenario.CompletesItem("pack", 3, Result("d"))
            .Wakes().IsIn("done", SagaStatus.Completed);
        Assert.Equal("""{"parcels":["b","c","d"],"done":4,"failed":0}""", scenario.Saga.Output.ToString());
    }

    [Fact]
    public void A_skipped_item_starts_the_next_and_the_last_one_ends_the_step()
    {
        var scenario = Packing(atOnce: 1, items: 3, pivot: true).RejectsItem("pack", 0).IsIn("packing", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Skip).Sends("pack").IsIn("packing", SagaStatus.Running);
        Assert.Equal([1], scenario.InFlight("pack"));

        scenario.CompletesItem("pack", 1, Result("b"))
            .RejectsItem("pack", 2).IsIn("packing", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Skip)
            .Wakes().IsIn("done", SagaStatus.Completed);
        Assert.Equal("""{"parcels":["b"],"done":3,"failed":0}""", scenario.Saga.Output.ToString());
        Assert.Equal(
            [SagaItemStatus.Skipped, SagaItemStatus.Completed, SagaItemStatus.Skipped],
            scenario.Items.All.OrderBy(item => item.Index).Select(item => item.Status));
    }

    [Fact]
    public void A_for_each_step_whose_result_cannot_be_saved_past_the_pivot_blocks_on_retry_and_can_be_skipped()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            data: { names: { type: list(string), initial: [x] }, share: int? }
            initial: packing
            states:
              packing:
                pivot: true
                steps:
                  - id: pack
                    each: { item: data.names, at_most: 9 }
                    effect: http.post
                    connection: outside
                    with: { path: "/${item}" }
                    save: { share: 1 / result.failed }
                next: done
              done: { end: completed }
            """).Starts()
                .CompletesItem("pack", 0, Result("x")).IsIn("packing", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Retry).Sends().IsIn("packing", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Skip).Sends().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_rejected_compensation_of_an_item_blocks_and_is_retried_under_another_key()
    {
        var scenario = Packing(atOnce: 1)
            .CompletesItem("pack", 0, Result("a"))
            .RejectsItem("pack", 1)
            .Wakes().Sends("-pack");
        var first = scenario.Last.Commands[0];
        scenario.RejectsItem("pack", 0)
                .IsIn("compensating", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Retry).Sends("-pack");
        Assert.NotEqual(first.CommandId, scenario.Last.Commands[0].CommandId);
        Assert.Equal(first.Arguments, scenario.Last.Commands[0].Arguments);
        scenario.CompletesItem("pack", 0).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_compensated_item_keeps_the_command_under_whose_new_key_it_completed()
    {
        var scenario = Packing(atOnce: 1);
        var old = scenario.Last.Commands[0].CommandId;
        scenario.AdvancesTime(Outstanding.LifeTime);
        scenario.Handles(scenario.ItemLosesResult("pack", 0))
                .IsIn("packing", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Retry).Sends()
            .Wakes(_ => new Lease(1, null))
                .IsIn("packing", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Retry).Sends("pack");
        var renewed = scenario.Last.Commands[0].CommandId;
        Assert.NotEqual(old, renewed);

        Reload(scenario.CompletesItem("pack", 0, Result("a"))
            .RejectsItem("pack", 1)
            .Wakes().Sends("-pack"));
        var compensation = scenario.Last.Commands[0].CommandId;
        Reload(scenario.RejectsItem("pack", 0).OperatorSends(OperatorCommand.Retry).Sends("-pack"));
        Assert.Equal(
            [Identity.Compensation(renewed), Identity.Compensation(renewed, 1)], [compensation, scenario.Last.Commands[0].CommandId]);
        scenario.CompletesItem("pack", 0).IsIn("failed", SagaStatus.Failed);

        var item = scenario.Items.All.Single(stored => stored.Index == 0);
        Assert.Equal((SagaItemStatus.Compensated, renewed), (item.Status, item.CommandId));
    }

    [Fact]
    public void The_items_of_every_visit_are_compensated()
    {
        var scenario = PackingTwice()
            .CompletesItem("pack", 0, Result("a"))
            .CompletesItem("pack", 1, Result("b"));
        scenario.IsIn("packing", SagaStatus.Running)
            .CompletesItem("pack", 0, Result("c"))
            .CompletesItem("pack", 1, Result("d"))
            .IsIn("unwinding", SagaStatus.Compensating);

        for (var visit = 2; visit > 0; visit--)
        {
            scenario.Wakes()
                    .Sends("-pack", "-pack")
                .CompletesItem("pack", 1)
                .CompletesItem("pack", 0);
        }

        scenario.IsIn("unwound", SagaStatus.Failed);
        Assert.All(scenario.Items.All, item => Assert.Equal(SagaItemStatus.Compensated, item.Status));
        Assert.Equal(4, scenario.Items.All.Count);
    }

    [Fact]
    public void An_item_that_failed_but_may_have_happened_is_compensated()
    {
        var scenario = PackingTwice("continue", "when_unknown: run");
        scenario.Handles(scenario.ItemLosesResult("pack", 0))
            .CompletesItem("pack", 1, Result("b"))
            .CompletesItem("pack", 0, Result("c"))
            .CompletesItem("pack", 1, Result("d"));
        Assert.Equal(SagaItemStatus.Unknown, scenario.Items.All.Single(item => item is { Visit: 1, Index: 0 }).Status);

        scenario.Wakes()
                .Sends("-pack", "-pack")
            .CompletesItem("pack", 1)
            .CompletesItem("pack", 0);
        scenario.Wakes()
                .Sends("-pack", "-pack")
            .CompletesItem("pack", 1)
            .CompletesItem("pack", 0).IsIn("unwound", SagaStatus.Failed);
    }

    [Fact]
    public void A_for_each_step_survives_a_round_trip_of_its_row_before_each_message()
    {
        var scenario = Packing(atOnce: 2).CompletesItem("pack", 0, Result("a"));
        Reload(scenario).RejectsItem("pack", 1);
        Reload(scenario).Wakes(_ => SagaScenario.Cancelled);
        Reload(scenario).Wakes();
        Reload(scenario).CompletesItem("pack", 0).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void The_wait_reason_is_one_sentence_for_any_number_of_items()
    {
        var scenario = Packing(atOnce: 40, items: 400).CompletesItem("pack", 7, Result("a"));
        Assert.StartsWith(
            "In state 'packing' 40 items of step 'pack' are in flight, 1 of 400 are done.",
            Waits.Describe(scenario.Plan, scenario.Saga, scenario.Now).Sentence,
            StringComparison.Ordinal);
        scenario.RejectsItem("pack", 8);
        Assert.Contains(
            "39 items of step 'pack' that were interrupted are being resolved",
            Waits.Describe(scenario.Plan, scenario.Saga, scenario.Now).Sentence,
            StringComparison.Ordinal);
    }

    private static SagaScenario Reload(SagaScenario scenario)
    {
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        return scenario;
    }

    // Two of three items were in flight. The second was unclaimed, and the process that ran the first died, so the first is sent again.
    private static SagaScenario Interrupted()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: { type: object }
            data: { names: { type: list(string), initial: [x, y, z] } }
            events: { stop: {} }
            initial: packing
            states:
              packing:
                steps:
                  - id: pack
                    each: { item: data.names, at_once: 2, at_most: 9 }
                    retry: { attempts: 2 }
                    effect: http.post
                    connection: outside
                    with: { path: "/${item}" }
                    compensate: { effect: http.delete, connection: outside, with: { path: "/undo/${item}" } }
                on_event: [{ event: stop, next: elsewhere }]
                next: done
              elsewhere: { timeout: { after: 1h, next: done } }
              done: { end: completed }
            """).Starts().Sends("pack", "pack");
        var (lost, unclaimed) = (scenario.Last.Commands[0], scenario.Last.Commands[1]);
        scenario.Receives("stop").Sends().IsIn("packing", SagaStatus.Running);
        Assert.Equal([lost.CommandId, unclaimed.CommandId], Timers.ToCancel(scenario.Plan, scenario.Saga, scenario.Now));

        scenario.Wakes(id => id == unclaimed.CommandId ? SagaScenario.Cancelled : new Lease(1, null)).Sends();
        Assert.Equal([0], scenario.InFlight("pack"));
        scenario.Wakes().Sends("pack#2");
        Assert.Equal((lost.CommandId, lost.Arguments), (scenario.Last.Commands[0].CommandId, scenario.Last.Commands[0].Arguments));
        return scenario;
    }

    private static SagaScenario PackingTwice(string onFailure = "stop", string whenUnknown = "") => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: { type: object }
        data: { names: { type: list(string), initial: [x, y] }, rounds: { type: int, initial: 0 } }
        initial: packing
        states:
          packing:
            steps:
              - set: { rounds: data.rounds + 1 }
              - id: pack
                each: { item: data.names, at_most: 9, on_item_failure: {{onFailure}} }
                retry: { attempts: 1 }
                effect: http.post
                connection: outside
                with: { path: "/${item}" }
                compensate:
                  effect: http.delete
                  connection: outside
                  with: { path: /all }
                  {{whenUnknown}}
            choose:
              - { when: data.rounds < 2, next: packing }
              - { next: unwinding, fault: enough }
          unwinding: { compensate: all, next: unwound }
          unwound: { end: failed }
        """).Starts();

    private static string Result(string parcel) => $"{{\"status_code\":200,\"headers\":{{}},\"body\":{{\"parcel\":\"{parcel}\"}}}}";

    private static SagaScenario Packing(int atOnce = 2, int items = 4,
        string onFailure = "stop", bool pivot = false, string stepAfter = "") => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: { type: object, properties: { items: { type: array, items: { type: object,
            properties: { sku: { type: string } }, required: [sku] } } }, required: [items] }
        data: { parcels: list(string), lost: list(int) }
        initial: packing
        states:
          packing:
            pivot: {{(pivot ? "true" : "false")}}
            steps:
              - id: pack
                each: { item: input.items, at_once: {{atOnce}}, at_most: 500, on_item_failure: {{onFailure}} }
                effect: http.post
                connection: outside
                with: { path: "/${item.sku}/${index}" }
                returns: { body: { parcel: string } }
                {{(stepAfter.Length > 0 ? "" : "save: { parcels: \"results.map(r, r.body.parcel)\", lost: \"failures.map(f, f.index)\" }")}}
                compensate: { effect: http.delete, connection: outside, with: { path: "/${item.sku}" } }
              {{stepAfter}}
            next: done
          done: { end: completed, output: { parcels: "${data.?parcels.orValue([])}",
              done: "${steps.pack.completed}", failed: "${steps.pack.failed}" } }
        """).Starts(
            $"{{\"items\":[{string.Join(',', Enumerable.Range(0, items).Select(Item))}]}}");

    private static string Item(int index) => $"{{\"sku\":\"{(char)('a' + (index % 26))}\"}}";
}
