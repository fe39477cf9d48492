using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>A paused saga buffers events, accepts results, and sends nothing until it is resumed.</summary>
public sealed class PauseTests
{
    private const string Responding = """
        contract: story
        version: 1.0.0
        input: {}
        data: { seen: int? }
        initial: working
        states:
          working:
            steps:
              - { id: work, effect: http.get, connection: outside, with: { path: /work }, save: { seen: result.status_code } }
              - { emit: things.seen, with: { value: { seen: "${data.seen}" } } }
              - respond: { seen: "${data.seen}" }
              - { saga: audit, detached: true, with: { what: x } }
              - { id: more, effect: http.get, connection: outside, with: { path: /more } }
            next: done
          done: { end: completed, output: { seen: "${data.seen}" } }
        """;

    [Fact]
    public void Branches_retried_during_a_pause_run_before_their_join_is_evaluated()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                pivot: true
                steps:
                  - id: both
                    parallel:
                      join: { at_least: 3 }
                      branches:
                        - { id: one, effect: http.get, connection: outside, with: { path: /one } }
                        - { id: two, effect: http.get, connection: outside, with: { path: /two } }
                        - { id: three, effect: http.get, connection: outside, with: { path: /three } }
                next: done
              done: { end: completed }
            """).Starts()
                .OperatorSends(OperatorCommand.Pause)
            .Answered("one", 404).IsIn("working", SagaStatus.Blocked)
            .Answered("two", 200)
            .OperatorSends(OperatorCommand.Retry).IsIn("working", SagaStatus.Paused);

        scenario.OperatorSends(OperatorCommand.Resume).IsIn("working", SagaStatus.Running);
        Assert.Equal(["three", "one"], scenario.Saga.Outstanding.Select(command => command.Step));
        scenario.Answered("one", 200)
            .Answered("three", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_paused_saga_emits_responds_and_starts_nothing_until_it_is_resumed()
    {
        var scenario = new SagaScenario(Responding).Starts()
            .OperatorSends(OperatorCommand.Pause)
            .Answered("work", 200).IsIn("working", SagaStatus.Paused).Sends();
        Assert.Empty(scenario.Last.Published);
        Assert.Empty(scenario.Answers);
        Assert.Equal(CelValue.Int(200), scenario.Saga.Data["seen"]);

        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        scenario.OperatorSends(OperatorCommand.Resume).Sends("working[3]", "more").IsIn("working", SagaStatus.Running);
        Assert.Equal("things.seen", Assert.Single(scenario.Last.Published).Topic);
        Assert.Single(scenario.Answers);
    }

    [Fact]
    public void A_paused_saga_with_its_last_result_ends_and_responds_on_resume()
    {
        var scenario = new SagaScenario(
            TestStates.Plan([TestStates.State("working", "done", [TestStates.Effect("work")]), TestStates.End("done")]))
            .Starts()
            .OperatorSends(OperatorCommand.Pause)
            .Completes("work").IsIn("working", SagaStatus.Paused);
        Assert.Empty(scenario.Answers);

        scenario.OperatorSends(OperatorCommand.Resume).IsIn("done", SagaStatus.Completed);
        Assert.Single(scenario.Answers);
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("resting")]
    public void A_failure_during_a_pause_is_handled_on_resume(string next)
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("working", "done", [TestStates.Effect("work", catches: [new CatchRule([], next)])]),
                TestStates.State("resting", "done", [TestStates.Wait("rest", TimeSpan.FromMinutes(5))]),
                TestStates.End("done"),
            ]))
                .Starts()
                .OperatorSends(OperatorCommand.Pause)
                .Answered("work", 404).IsIn("working", SagaStatus.Paused)
                .AdvancesTime(TimeSpan.FromHours(1));
        Assert.Empty(scenario.Answers);

        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        scenario.OperatorSends(OperatorCommand.Resume).IsIn(next, next == "failed" ? SagaStatus.Failed : SagaStatus.Waiting);
        Assert.Equal(next == "failed" ? null : scenario.Now + TimeSpan.FromMinutes(5), scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void Branches_continue_on_resume()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                steps:
                  - parallel:
                      branches:
                        - - { id: one, effect: http.get, connection: outside, with: { path: /one } }
                          - { id: two, effect: http.get, connection: outside, with: { path: /two } }
                        - { id: three, effect: http.get, connection: outside, with: { path: /three } }
                next: done
              done: { end: completed }
            """).Starts()
                .OperatorSends(OperatorCommand.Pause)
                .Answered("one", 200).Sends()
                .Answered("three", 200).Sends().IsIn("working", SagaStatus.Paused);
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));

        scenario.OperatorSends(OperatorCommand.Resume)
                .Sends("two")
            .Answered("two", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_compensation_finishes_on_resume()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [TestStates.State(
                "working",
                "more",
                [TestStates.Effect("work", compensation: "'w'")]), TestStates.State(
                    "more", "done", [TestStates.Effect("fail")]), TestStates.End("done")]))
                .Starts()
            .Completes("work")
            .Answered("fail", 404).Sends("-work")
            .OperatorSends(OperatorCommand.Pause)
            .Completes("work").IsIn("compensating", SagaStatus.Paused);
        Assert.Empty(scenario.Answers);

        scenario.OperatorSends(OperatorCommand.Resume).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void Timers_due_during_a_pause_fire_in_order()
    {
        // The wait ends at five minutes, the deadline at ten, the timeout at twenty.
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "resting",
                    "done",
                    [TestStates.Wait("rest", TimeSpan.FromMinutes(5)), TestStates.Effect("call")],
                    timeout: TestStates.After(TimeSpan.FromMinutes(20), "timed_out")),
                TestStates.State("late", on: [TestStates.On("go", "done")]),
                TestStates.End("timed_out", EndKind.Failed),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")],
            deadline: TestStates.After(TimeSpan.FromMinutes(10), "late")))
                .Starts()
                .OperatorSends(OperatorCommand.Pause)
                .AdvancesTime(TimeSpan.FromHours(1))
                .OperatorSends(OperatorCommand.Resume);

        scenario.Wakes().Sends("call").IsIn("resting", SagaStatus.Running);
        Assert.Null(scenario.Saga.Leaving);
        Assert.True(scenario.Saga.NextWakeupAt <= scenario.Now);
        scenario.Wakes();
        Assert.Equal("late", scenario.Saga.Leaving?.Next);
        Assert.Equal(
            ["deadline_exceeded"],
            scenario.History.Where(note => note.Kind == HistoryKind.Faulted).Select(_ => scenario.Saga.Fault!.Code));
    }

    [Fact]
    public void The_earlier_of_an_overdue_timeout_and_deadline_fires_first()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "asking", on: [TestStates.On("go", "done")], timeout: TestStates.After(TimeSpan.FromMinutes(5), "reminding")),
                TestStates.State("reminding", on: [TestStates.On("go", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")],
            deadline: TestStates.After(TimeSpan.FromMinutes(10), "compensating")))
                .Starts()
                .OperatorSends(OperatorCommand.Pause)
                .AdvancesTime(TimeSpan.FromHours(1))
                .OperatorSends(OperatorCommand.Resume);

        scenario.Wakes()
                .IsIn("reminding", SagaStatus.Waiting)
            .Wakes().IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void Overdue_waits_of_branches_end_in_order()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                steps:
                  - parallel:
                      branches:
                        - - wait: 9m
                          - { id: last, effect: http.get, connection: outside, with: { path: /last } }
                        - - wait: 3m
                          - { id: first, effect: http.get, connection: outside, with: { path: /first } }
                next: done
              done: { end: completed }
            """).Starts()
                .OperatorSends(OperatorCommand.Pause)
                .AdvancesTime(TimeSpan.FromHours(1))
                .OperatorSends(OperatorCommand.Resume);

        scenario.Wakes().Sends("first", "last");
    }

    [Fact]
    public void A_pause_does_not_postpone_the_end_of_a_wait()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [TestStates.State(
                "resting",
                "done",
                [TestStates.Wait(
                    "rest", TimeSpan.FromMinutes(10)), TestStates.Wait("more", TimeSpan.FromMinutes(7))]), TestStates.End("done")]))
                .Starts();
        var began = scenario.Now;
        scenario.AdvancesTime(TimeSpan.FromMinutes(4))
            .OperatorSends(OperatorCommand.Pause)
            .AdvancesTime(TimeSpan.FromMinutes(2))
            .OperatorSends(OperatorCommand.Resume);
        Assert.Equal(began + TimeSpan.FromMinutes(10), scenario.Saga.NextWakeupAt);

        // The second wait starts when the first ends and keeps its whole duration.
        scenario.OperatorSends(OperatorCommand.Pause)
            .AdvancesTime(TimeSpan.FromHours(3))
            .OperatorSends(OperatorCommand.Resume)
            .Wakes().IsIn("resting", SagaStatus.Waiting);
        Assert.Equal(scenario.Now + TimeSpan.FromMinutes(7), scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void Reading_the_result_of_a_skipped_step_is_an_error_that_names_the_skip()
    {
        var scenario = Skipped("${steps.take.body.id}").IsIn("using", SagaStatus.Blocked);

        Assert.Contains(
            "an operator skipped step 'take', so that it has no result", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.DoesNotContain("take", scenario.Saga.Results.Keys);
    }

    [Fact]
    public void Reading_a_value_of_a_skipped_step_is_an_error_that_names_the_skip() =>
        Assert.Contains(
            "an operator skipped step 'take', so that 'data.id', which it saves, is not "
                + "set", Skipped("${data.id}").Saga.BlockedBecause, StringComparison.Ordinal);

    [Theory]
    [InlineData("${has(steps.take) ? steps.take.body.id : 'none'}")]
    [InlineData("${steps.?take.body.id.orValue('none')}")]
    public void A_presence_test_finds_no_result_of_a_skipped_step(string read)
    {
        var scenario = Skipped(read).Sends("use");

        Assert.Contains("none", scenario.Arguments("use"), StringComparison.Ordinal);
    }

    private static SagaScenario Skipped(string read)
    {
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            data: { id: string }
            initial: taking
            states:
              taking:
                pivot: true
                steps:
                  - { id: take, effect: http.post, connection: outside, with: { path: /take },
                      returns: { body: { id: string } }, save: { id: result.body.id } }
                next: using
              using:
                steps: [{ id: use, effect: http.post, connection: outside, with: { path: /use, body: { id: "{{read}}" } } }]
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("take", 409).IsIn("taking", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Skip);
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        return scenario;
    }
}
