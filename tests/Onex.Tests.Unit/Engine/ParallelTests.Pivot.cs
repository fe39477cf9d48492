namespace Onex.Tests.Unit.Engine;

// Branches of a state past the pivot, where a failure blocks instead of compensating.
public sealed partial class ParallelTests
{
    [Fact]
    public void Past_the_pivot_a_rejected_branch_blocks_and_the_others_continue()
    {
        var scenario = ThreeBranches("all", pivot: true)
            .Answered("b", 404).IsIn("working", SagaStatus.Blocked)
            .Answered("a", 200)
            .Answered("c", 409);
        Assert.Equal(["b", "c"], scenario.Saga.Blockages.Select(blockage => blockage.Step));

        scenario.OperatorSends(OperatorCommand.Retry)
                .Sends("b").IsIn("working", SagaStatus.Blocked)
            .Answered("b", 200);
        scenario.OperatorSends(OperatorCommand.Skip).Sends("after");
    }

    [Fact]
    public void Retry_of_a_join_that_failed_past_the_pivot_repeats_the_join()
    {
        var scenario = ThreeBranches("{ at_least: 2 }", pivot: true)
            .Answered("a", 200)
            .Answered("b", 404)
            .Answered("c", 404).IsIn("working", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Retry)
                .Sends("b", "c")
            .Answered("c", 200)
            .Wakes(_ => SagaScenario.Cancelled).Sends("after");
    }

    [Fact]
    public void A_join_that_failed_past_the_pivot_can_be_skipped() =>
        ThreeBranches("any", pivot: true)
            .Answered("a", 404)
            .Answered("b", 404)
            .Answered("c", 404).IsIn("working", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Skip).Sends("after");

    [Theory]
    [InlineData("{ at_least: 3 }")]
    [InlineData("all")]
    public void The_catch_of_a_branch_clears_the_blockages_of_its_state_past_the_pivot(string join)
    {
        var scenario = new SagaScenario(Contract($$"""
                  - parallel:
                      join: {{join}}
                      branches:
                        - id: b
                          effect: http.get
                          connection: outside
                          with: { path: /b }
                        - id: c
                          effect: http.get
                          connection: outside
                          with: { path: /c }
                          catch: [{ next: done }]
                        - id: d
                          effect: http.get
                          connection: outside
                          with: { path: /d }
            """, pivot: true))
                .Starts()
                .Answered("b", 404).IsIn("working", SagaStatus.Blocked);

        scenario.Answered("c", 404)
            .Wakes(_ => SagaScenario.Cancelled).IsIn("done", SagaStatus.Completed);
        Assert.Empty(scenario.Saga.Blockages);
    }

    [Fact]
    public void A_join_that_failed_past_the_pivot_can_be_skipped_with_items_in_flight()
    {
        var scenario = new SagaScenario(Contract("""
                  - set: { note: "'a,b,c'" }
                  - parallel:
                      join: { at_least: 2 }
                      branches:
                        - id: pack
                          each: { item: "data.?note.orValue('').split(',')", at_once: 2, at_most: 9 }
                          effect: http.post
                          connection: outside
                          with: { path: "/${item}" }
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
                        - { id: d, effect: http.get, connection: outside, with: { path: /d } }
                  - { id: after, effect: http.get, connection: outside, with: { path: /after } }
            """, pivot: true))
                .Starts()
                .CompletesItem("pack", 0, Completed)
                .Answered("c", 404)
                .Answered("d", 404).IsIn("working", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Skip).Sends().IsIn("working", SagaStatus.Running);
        Assert.Equal([1, 2], scenario.Saga.Outstanding.Where(command => command.Interrupted).Select(command => command.Item));
        Assert.Empty(scenario.Saga.EachRuns);
        scenario.CompletesItem("pack", 1, Completed)
                .Sends()
            .Wakes(_ => SagaScenario.Cancelled).Sends("after")
            .Answered("after", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Items_of_a_retried_branch_start_while_an_earlier_one_is_being_resolved()
    {
        var scenario = new SagaScenario(Contract("""
                  - set: { note: "'a,b'" }
                  - parallel:
                      join: { at_least: 2 }
                      branches:
                        - { id: b, effect: http.get, connection: outside, with: { path: /b } }
                        - - parallel:
                              branches:
                                - id: pack
                                  each: { item: "data.?note.orValue('').split(',')", at_once: 1, at_most: 9 }
                                  effect: http.post
                                  connection: outside
                                  with: { path: "/${item}" }
                                - { id: d, effect: http.get, connection: outside, with: { path: /d } }
            """, pivot: true))
                .Starts()
                .Answered("b", 404)
                .Answered("d", 404).IsIn("working", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Retry).Sends("b", "pack", "d");
    }

    [Fact]
    public void Steps_of_a_retried_branch_use_new_keys()
    {
        var scenario = new SagaScenario(Contract("""
                  - parallel:
                      join: any
                      branches:
                        - - parallel:
                              branches:
                                - { id: a, effect: http.get, connection: outside, with: { path: /a } }
                                - { id: b, effect: http.get, connection: outside, with: { path: /b } }
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
            """, pivot: true)).Starts();
        var first = scenario.Last.Commands.Select(command => command.CommandId).ToList();
        scenario.Answered("b", 404)
            .Answered("c", 404)
            .Wakes(_ => SagaScenario.Cancelled).IsIn("working", SagaStatus.Blocked);

        // Commands that the ledger cancelled under the old keys never run.
        scenario.OperatorSends(OperatorCommand.Retry).Sends("a", "b", "c");
        Assert.Empty(first.Intersect(scenario.Last.Commands.Select(command => command.CommandId)));
        scenario.Answered("a", 200)
            .Answered("b", 200)
            .Wakes(_ => SagaScenario.Cancelled).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Items_of_a_retried_branch_use_new_keys()
    {
        var scenario = new SagaScenario(Contract("""
                  - set: { note: "'a,b,c'" }
                  - parallel:
                      join: any
                      branches:
                        - id: pack
                          each: { item: "data.?note.orValue('').split(',')", at_once: 1, at_most: 9 }
                          effect: http.post
                          connection: outside
                          with: { path: "/${item}" }
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
            """, pivot: true)).Starts();
        var first = scenario.Last.Commands.Select(command => command.CommandId).ToList();
        scenario.CompletesItem("pack", 0, Completed);
        first.AddRange(scenario.Last.Commands.Select(command => command.CommandId));
        scenario.RejectsItem("pack", 1)
            .Answered("c", 404).IsIn("working", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Retry);
        var again = scenario.Last.Commands.Select(command => command.CommandId).ToList();
        scenario.CompletesItem("pack", 0, Completed);
        again.AddRange(scenario.Last.Commands.Select(command => command.CommandId));
        Assert.Empty(first.Intersect(again));
        scenario.CompletesItem("pack", 1, Completed)
            .CompletesItem("pack", 2, Completed)
            .Wakes(_ => SagaScenario.Cancelled).IsIn("done", SagaStatus.Completed);
    }
}
