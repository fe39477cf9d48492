using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>Branches that run at the same time: docs/contract-language.md#parallel-branches.</summary>
public sealed partial class ParallelTests
{
    [Fact]
    public void Branches_start_together_and_all_are_awaited() =>
        ThreeBranches("all")
            .Sends("a", "b", "c")
            .Answered("b", 200).Sends()
            .Answered("c", 200).Sends()
            .Answered("a", 200).Sends("after");

    [Fact]
    public void A_branch_may_be_a_list_of_steps_that_run_in_order()
    {
        var scenario = new SagaScenario(Contract("""
                  - parallel:
                      branches:
                        - - id: a
                            compute: hash.sha256
                            with: { text: a }
                          - id: b
                            compute: hash.sha256
                            with: { text: "${steps.a.hex}" }
                        - steps:
                            - set: { note: "'noted'" }
                            - id: c
                              compute: hash.sha256
                              with: { text: "${data.note}" }
            """)).Starts();

        scenario.Sends("a", "c")
            .Completes("a", """{"hex":"aa"}""").Sends("b")
            .Completes("c", """{"hex":"cc"}""").Sends();
        Assert.Equal("""{"text":"aa"}""", scenario.Arguments("b"));
        Assert.Equal("""{"text":"noted"}""", scenario.Arguments("c"));
        scenario.Completes("b", """{"hex":"bb"}""").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void The_first_final_failure_interrupts_the_others()
    {
        var scenario = ThreeBranches("all")
            .Answered("a", 200)
            .Answered("b", 404).IsIn("compensating", SagaStatus.Compensating).Sends();
        Assert.Equal(["c"], scenario.Saga.Outstanding.Where(command => command.Interrupted).Select(command => command.Step));
        Assert.Equal("http_404", scenario.Saga.Fault!.Code);

        scenario.Wakes(_ => SagaScenario.Cancelled)
                .Sends("-a")
            .Completes("a").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_branch_that_a_result_from_the_ledger_interrupts_is_looked_up_by_the_next_wakeup()
    {
        var scenario = ThreeBranches("all");
        var queried = scenario.Saga.Outstanding;
        scenario.Answered("b", 404).IsIn("compensating", SagaStatus.Compensating);

        scenario.Handles(new TimerFired
        {
            SagaId = scenario.Saga.Facts.SagaId,
            CausedBy = Identity.Wakeup(scenario.Saga.Facts.SagaId, scenario.Now),
            Leases = new Dictionary<CommandId, Lease>(),
            Queried = queried,
        }).Sends();

        Assert.Equal(scenario.Now, scenario.Saga.NextWakeupAt);
        scenario.Wakes(_ => SagaScenario.Cancelled).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void An_interrupted_branch_that_completed_is_compensated() =>
        ThreeBranches("all")
            .Answered("b", 404)
            .Answered("c", 200).Sends()
            .Answered("a", 200).Sends("-a", "-c");

    [Theory]
    [InlineData(404, "done")]
    [InlineData(409, "elsewhere")]
    [InlineData(410, "done")]
    public void A_final_failure_in_a_branch_is_handled_by_step_then_parallel_then_state(int status, string state) =>
        Assert.Equal(state, ThreeBranches(
            "all", catches: "[{ error: [http_404, http_409], next: elsewhere }]",
            branchKeys: "catch: [{ error: http_404, next: done }]", stateRules: "catch: [{ next: done }]\n    ")
            .Answered("b", status)
            .Wakes(_ => SagaScenario.Cancelled).Saga.State);

    [Fact]
    public void Any_takes_the_first_completion_and_interrupts_the_rest()
    {
        var scenario = ThreeBranches("any").Answered("b", 200).Sends().IsIn("working", SagaStatus.Running);
        Assert.Equal(["a", "c"], scenario.Saga.Outstanding.Where(command => command.Interrupted).Select(command => command.Step));

        scenario.Wakes(_ => SagaScenario.Cancelled)
                .Sends("after")
            .Answered("after", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_losing_branch_that_completed_is_compensated_before_the_saga_continues()
    {
        var scenario = ThreeBranches("any")
            .Answered("b", 200)
            .Answered("a", 200).Sends();
        scenario.Wakes(_ => SagaScenario.Cancelled)
                .Sends("-a")
            .Completes("a").Sends("after");
        Assert.Equal(["b"], scenario.Saga.Compensables.Select(compensable => compensable.Step));
    }

    [Fact]
    public void A_losing_branch_with_keep_keeps_its_effects()
    {
        var scenario = ThreeBranches("any", branchKeys: "losers: keep")
            .Answered("b", 200)
            .Answered("a", 200)
            .Wakes(_ => SagaScenario.Cancelled).Sends("after");
        Assert.Equal(["b", "a"], scenario.Saga.Compensables.Select(compensable => compensable.Step));
    }

    [Fact]
    public void Earlier_steps_of_a_losing_branch_are_compensated_too()
    {
        var scenario = new SagaScenario(Contract("""
                  - parallel:
                      join: any
                      branches:
                        - - { id: a, effect: http.post, connection: outside, with: { path: /a },
                            compensate: { effect: http.delete, connection: outside, with: { path: /a } } }
                          - { id: b, effect: http.get, connection: outside, with: { path: /b } }
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
            """))
                .Starts().Sends("a", "c")
                .Answered("a", 200).Sends("b")
                .Answered("c", 200).Sends();

        scenario.Wakes(_ => SagaScenario.Cancelled)
                .Sends("-a")
            .Completes("a").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void At_least_n_waits_for_n_completions() =>
        ThreeBranches("{ at_least: 2 }")
            .Answered("b", 200).Sends().IsIn("working", SagaStatus.Running)
            .Answered("c", 200)
            .Wakes(_ => SagaScenario.Cancelled).Sends("after");

    [Fact]
    public void Too_few_remaining_branches_fail_with_join_failed()
    {
        var scenario = ThreeBranches("{ at_least: 2 }")
            .Answered("b", 404).IsIn("working", SagaStatus.Running)
            .Answered("c", 200)
            .Answered("a", 409);
        Assert.Equal(("join_failed", "checks"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Step));
        scenario.Sends("-c").Completes("c").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_failed_branch_is_ignored_when_enough_others_complete() =>
        ThreeBranches("any")
            .Answered("b", 404)
            .Answered("c", 200)
            .Wakes(_ => SagaScenario.Cancelled).Sends("after");

    [Fact]
    public void Parallel_steps_are_compensated_in_parallel_before_earlier_steps()
    {
        var scenario = new SagaScenario(Contract("""
                  - { id: first, effect: http.post, connection: outside, with: { path: /1 },
                      compensate: { effect: http.delete, connection: outside, with: { path: /1 } } }
                  - parallel:
                      branches:
                        - - { id: a, effect: http.post, connection: outside, with: { path: /a },
                            compensate: { effect: http.delete, connection: outside, with: { path: /a } } }
                          - { id: b, effect: http.post, connection: outside, with: { path: /b },
                              compensate: { effect: http.delete, connection: outside, with: { path: /b } } }
                        - { id: c, effect: http.post, connection: outside, with: { path: /c },
                            compensate: { effect: http.delete, connection: outside, with: { path: /c } } }
                  - fail: { code: enough, message: "no more" }
            """))
                .Starts()
                .Answered("first", 200).Sends("a", "c")
                .Answered("a", 200)
                .Answered("c", 200)
                .Answered("b", 200);

        scenario.Sends("-b", "-c")
            .Completes("b").Sends("-a")
            .Completes("a").Sends()
            .Completes("c").Sends("-first")
            .Completes("first").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_wait_in_a_branch_does_not_delay_the_others()
    {
        var scenario = new SagaScenario(Contract("""
                  - parallel:
                      branches:
                        - - wait: 10m
                          - { id: a, effect: http.get, connection: outside, with: { path: /a } }
                        - - wait: 5m
                          - { id: b, effect: http.get, connection: outside, with: { path: /b } }
            """)).Starts().Sends();
        var start = scenario.Now;

        Assert.Contains(
            "continues in a branch of 'working[0]' at 2026-11-24 "
                + "08:05:00Z", Waits.Describe(scenario.Plan, scenario.Saga, scenario.Now).Sentence, StringComparison.Ordinal);
        scenario.Wakes()
                .Sends("b")
            .Answered("b", 200).Sends();
        Assert.Equal(start + TimeSpan.FromMinutes(5), scenario.Now);
        scenario.Wakes().Sends("a");
        Assert.Equal(start + TimeSpan.FromMinutes(10), scenario.Now);
        scenario.Answered("a", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_resent_attempt_is_unchanged_although_another_branch_saved()
    {
        var scenario = new SagaScenario(Contract("""
                  - set: { note: "'old'" }
                  - parallel:
                      branches:
                        - { id: a, effect: http.get, connection: outside, with: { path: "/${data.note}" } }
                        - { id: b, compute: hash.sha256, with: { text: b }, save: { note: result.hex } }
            """))
                .Starts()
                .Completes("b", """{"hex":"new"}""")
                .Fails("a")
                .Wakes().Sends("a#2");

        Assert.Equal("""{"path":"/old"}""", scenario.Arguments("a"));
        Assert.Equal("new", scenario.Saga.Data["note"].AsString());
    }

    [Fact]
    public void Branches_may_be_nested()
    {
        var scenario = new SagaScenario(Contract("""
                  - parallel:
                      branches:
                        - parallel:
                            join: any
                            branches:
                              - { id: a, effect: http.get, connection: outside, with: { path: /a } }
                              - { id: b, effect: http.get, connection: outside, with: { path: /b } }
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
            """))
                .Starts().Sends("a", "b", "c")
                .Answered("a", 404).Sends()
                .Answered("c", 200).Sends();

        scenario.Answered("b", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_loser_within_a_kept_branch_is_compensated()
    {
        var scenario = new SagaScenario(Contract("""
                  - parallel:
                      join: any
                      branches:
                        - steps:
                            - parallel:
                                join: any
                                branches:
                                  - { id: a, effect: http.post, connection: outside, with: { path: /a },
                                      compensate: { effect: http.delete, connection: outside, with: { path: /a } } }
                                  - { id: b, effect: http.get, connection: outside, with: { path: /b } }
                            - { id: next, effect: http.get, connection: outside, with: { path: /next } }
                          losers: keep
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
            """))
                .Starts()
                .Answered("b", 200)
                .Answered("c", 200);

        scenario.Answered("a", 200)
                .Sends("-a")
            .Completes("a").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Losing_items_are_compensated_although_an_event_changes_the_state()
    {
        var scenario = new SagaScenario(Contract("""
                  - set: { note: "'a,b'" }
                  - parallel:
                      join: any
                      branches:
                        - - id: pack
                            each: { item: "data.?note.orValue('').split(',')", at_once: 2, at_most: 9 }
                            effect: http.post
                            connection: outside
                            with: { path: "/${item}" }
                            compensate: { effect: http.delete, connection: outside, with: { path: "/${item}" } }
                          - wait: 5m
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
            """, stateRules: StopRule, events: StopEvent)).Starts();
        scenario.CompletesItem("pack", 0, Completed)
            .CompletesItem("pack", 1, Completed)
            .Answered("c", 200)
            .Receives("stop").Sends().IsIn("working", SagaStatus.Waiting);

        scenario.Wakes()
                .Sends("-pack", "-pack")
            .CompletesItem("pack", 0)
            .CompletesItem("pack", 1).IsIn("elsewhere", SagaStatus.Waiting);
    }

    [Fact]
    public void A_failed_compensation_of_a_loser_blocks_although_an_event_changes_the_state()
    {
        Stuck()
            .OperatorSends(OperatorCommand.Retry).Sends("-a")
            .Completes("a").IsIn("elsewhere", SagaStatus.Waiting);
        Stuck()
            .OperatorSends(OperatorCommand.Skip)
            .Wakes(_ => SagaScenario.Cancelled).IsIn("elsewhere", SagaStatus.Waiting);

        static SagaScenario Stuck()
        {
            var scenario = ThreeBranches("any", stateRules: StopRule, events: StopEvent);
            scenario.Answered("b", 200)
                .Answered("c", 404)
                .Answered("a", 200).Sends("-a");
            return scenario
                .Handles(scenario.Result("a", StepOutcome.Rejected, null, "http_404"))
                    .IsIn("working", SagaStatus.Blocked)
                .Receives("stop");
        }
    }

    [Fact]
    public void A_blocked_loser_ignores_events_and_timeouts()
    {
        var scenario = ThreeBranches("any", stateRules: StopRule, events: StopEvent);
        scenario.Answered("b", 200)
            .Answered("c", 404)
            .Answered("a", 200).Sends("-a");
        scenario.Handles(scenario.Result("a", StepOutcome.Rejected, null, "http_404"))
            .AdvancesTime(TimeSpan.FromHours(721))
            .Fires().Sends().IsIn("working", SagaStatus.Blocked);
        scenario.Receives("stop").Sends().IsIn("working", SagaStatus.Blocked);

        Assert.Null(scenario.Saga.Leaving);
        Assert.Equal((1, BlockedBy.Compensation), (scenario.Saga.BufferedEvents.Length, scenario.Saga.Blockage!.Kind));
        scenario.OperatorSends(OperatorCommand.Retry)
                .Sends("-a")
            .Completes("a").IsIn("elsewhere", SagaStatus.Waiting);
    }

    [Fact]
    public void An_event_interrupts_all_branches()
    {
        var scenario = ThreeBranches("all", stateRules: StopRule, events: StopEvent);
        scenario.Answered("a", 200)
            .Receives("stop");
        Assert.Equal(["b", "c"], scenario.Saga.Outstanding.Where(command => command.Interrupted).Select(command => command.Step));
        scenario.Wakes(_ => SagaScenario.Cancelled).IsIn("elsewhere", SagaStatus.Waiting);
        Assert.Empty(scenario.Saga.Branches);
    }

    [Fact]
    public void A_branch_survives_a_round_trip_of_its_row()
    {
        var scenario = ThreeBranches("any").Answered("b", 404);
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));

        scenario.Answered("c", 200)
            .Wakes(_ => SagaScenario.Cancelled).Sends("after");
    }

    private const string StopEvent = "events: { stop: {} }\n";
    private const string StopRule = "on_event: [{ event: stop, next: elsewhere }]\n    ";
    private const string Completed = """{"status_code":200,"headers":{},"body":null}""";

    private static SagaScenario ThreeBranches(
        string join, string catches = "[]", string branchKeys = "", bool pivot = false, string stateRules = "", string events = "")
    {
        string Branch(string id) => $$"""
                        - id: {{id}}
                          effect: http.post
                          connection: outside
                          with: { path: /{{id}} }
                          compensate: { effect: http.delete, connection: outside, with: { path: /{{id}} } }
                          {{branchKeys}}

            """;
        return new SagaScenario(Contract($$"""
                  - id: checks
                    parallel:
                      join: {{join}}
                      branches:
            {{Branch("a")}}{{Branch("b")}}{{Branch("c")}}
                    catch: {{catches}}
                  - { id: after, effect: http.get, connection: outside, with: { path: /after } }
            """, pivot, stateRules, events)).Starts();
    }

    private static string Contract(string steps, bool pivot = false, string stateRules = "", string events = "") => $$"""
        contract: story
        version: 1.0.0
        input: {}
        {{events}}data: { note: string? }
        initial: working
        states:
          working:
            timeout: { after: 720h, next: elsewhere }
            pivot: {{(pivot ? "true" : "false")}}
            {{stateRules}}steps:
        {{steps}}
            next: done
          elsewhere: { timeout: { after: 1h, next: done } }
          done: { end: completed }
        """;
}
