namespace Onex.Tests.Unit.Engine;

/// <summary>Time: waits, timeouts, deadlines. See docs/contract-language.md#time.</summary>
public sealed class WaitingTests
{
    [Fact]
    public void A_wait_lasts_its_duration_and_the_next_steps_continue()
    {
        var scenario = new SagaScenario(TestStates.Plan(
        [
            TestStates.State("resting", "done", [TestStates.Wait("rest", TimeSpan.FromMinutes(5)), TestStates.Effect("call")]),
            TestStates.End("done"),
        ])).Starts().Sends().IsIn("resting", SagaStatus.Waiting);
        Assert.Equal(scenario.Now + TimeSpan.FromMinutes(5), scenario.Saga.NextWakeupAt);
        Assert.True(scenario.Saga.Parked);

        scenario.Wakes().Sends("call").IsIn("resting", SagaStatus.Running);
        Assert.Null(scenario.Saga.WaitUntil);
    }

    [Fact]
    public void A_wait_until_a_time_ends_at_that_time()
    {
        var scenario = new SagaScenario(Until("timestamp('2026-11-25T08:00:00Z')")).Starts().IsIn("resting", SagaStatus.Waiting);

        Assert.Equal(new DateTimeOffset(2026, 11, 25, 8, 0, 0, TimeSpan.Zero), scenario.Saga.WaitUntil);
        scenario.Wakes().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_wait_until_a_past_time_ends_at_once() =>
        new SagaScenario(Until("timestamp('2020-01-01T00:00:00Z')")).Starts().IsIn("done", SagaStatus.Completed);

    [Fact]
    public void A_wait_until_an_invalid_time_fails_the_step()
    {
        var scenario = new SagaScenario(Until("'tomorrow'")).Starts();

        Assert.Equal(("expression_failed", "rest"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Step));
    }

    [Fact]
    public void A_state_timeout_leads_to_its_target_and_is_the_fault()
    {
        var scenario = new SagaScenario(AskingWithTimeout()).Starts().IsIn("asking", SagaStatus.Waiting);
        Assert.Equal(scenario.Now + TimeSpan.FromHours(48), scenario.Saga.NextWakeupAt);

        scenario.Wakes().IsIn("failed", SagaStatus.Failed);
        Assert.Equal("state_timed_out", scenario.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void A_late_timer_is_ignored()
    {
        var scenario = new SagaScenario(AskingWithTimeout()).Starts();
        scenario.Receives("card").IsIn("charging", SagaStatus.Running);

        Assert.False(scenario.Fires().Last.Changed);
    }

    [Fact]
    public void An_early_timer_changes_nothing()
    {
        var scenario = new SagaScenario(AskingWithTimeout()).Starts();

        Assert.False(scenario.AdvancesTime(TimeSpan.FromHours(47)).Fires().Last.Changed);
    }

    [Fact]
    public void Re_entering_a_state_restarts_its_timeout()
    {
        var scenario = new SagaScenario(AskingWithTimeout())
            .Starts()
            .AdvancesTime(TimeSpan.FromHours(40))
            .Receives("card")
            .Answered("charge", 404).IsIn("asking", SagaStatus.Waiting);

        Assert.Equal(scenario.Now + TimeSpan.FromHours(48), scenario.Saga.StateDueAt);
    }

    [Fact]
    public void A_timeout_may_interrupt_steps()
    {
        var scenario = new SagaScenario(TestStates.Plan(
        [
            TestStates.State(
                "working", "done", [TestStates.Compute("sum")], timeout: TestStates.After(TimeSpan.FromSeconds(5), "gave_up")),
            TestStates.End("done"),
            TestStates.End("gave_up"),
        ]))
            .Starts()
            .Wakes();

        scenario.Sends().IsIn("gave_up", SagaStatus.Completed);
    }

    [Fact]
    public void The_deadline_counts_from_the_saga_start_and_is_the_fault()
    {
        var scenario = new SagaScenario(AskingWithTimeout(TimeSpan.FromHours(72))).Starts();
        var deadline = scenario.Now + TimeSpan.FromHours(72);
        Assert.Equal(deadline, scenario.Saga.DeadlineAt);

        scenario.AdvancesTime(TimeSpan.FromHours(47))
            .Receives("card")
            .Answered("charge", 404)
            .Wakes();
        Assert.Equal(deadline, scenario.Now);
        Assert.Equal("deadline_exceeded", scenario.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void The_deadline_precedes_a_timeout_that_is_also_due()
    {
        var scenario = new SagaScenario(AskingWithTimeout(TimeSpan.FromHours(48)))
            .Starts()
            .Wakes();

        Assert.Equal("deadline_exceeded", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void Past_the_pivot_no_deadline_applies()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [TestStates.State("sending", "done", [TestStates.Wait("rest", TimeSpan.FromDays(9))], pivot: true), TestStates.End("done")],
            deadline: TestStates.After(TimeSpan.FromHours(1), "compensating"))).Starts();

        Assert.Null(scenario.Saga.DeadlineAt);
        scenario.Wakes().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void In_a_compensating_state_no_deadline_applies()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("working", "more", [TestStates.Effect("one", compensation: "'x'")]),
                TestStates.State("more", "done", [TestStates.Effect("two")]),
                TestStates.End("done"),
            ],
            deadline: TestStates.After(TimeSpan.FromSeconds(5), "compensating")))
                .Starts()
                .Completes("one")
                .Answered("two", 404).Sends("-one");
        Assert.Equal(scenario.Saga.Outstanding[0].DueAt, scenario.Saga.NextWakeupAt);

        Assert.False(scenario.AdvancesTime(TimeSpan.FromSeconds(6)).Fires().Last.Changed);
    }

    [Fact]
    public void A_deadline_fires_once()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("asking", on: [TestStates.On("go", "done")]),
                TestStates.State("late", on: [TestStates.On("go", "done")]),
                TestStates.End("done")],
            events: [TestStates.Event("go")],
            deadline: TestStates.After(TimeSpan.FromHours(1), "late")))
                .Starts()
                .Wakes().IsIn("late", SagaStatus.Waiting);

        Assert.Null(scenario.Saga.NextWakeupAt);
        Assert.False(scenario.Fires().Last.Changed);
    }

    [Fact]
    public void The_end_of_a_saga_cancels_its_timers()
    {
        var scenario = new SagaScenario(AskingWithTimeout(TimeSpan.FromHours(72)))
            .Starts()
            .Receives("card")
            .Completes("charge").IsIn("done", SagaStatus.Completed);

        Assert.Null(scenario.Saga.NextWakeupAt);
        Assert.False(scenario.AdvancesTime(TimeSpan.FromDays(9)).Fires().Last.Changed);
    }

    [Fact]
    public void A_timeout_is_a_fault_only_if_every_transition_sets_one()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "asking", on: [TestStates.On("go", "shared")], timeout: TestStates.After(TimeSpan.FromHours(1), "shared")),
                TestStates.State("shared", on: [TestStates.On("go", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")]))
                .Starts()
                .Wakes().IsIn("shared", SagaStatus.Waiting);

        Assert.Null(scenario.Saga.Fault);
    }

    private static Plan Until(string expression) => TestStates.Plan(
        [TestStates.State("resting", "done", [TestStates.WaitUntil("rest", expression)]), TestStates.End("done")]);

    private static Plan AskingWithTimeout(TimeSpan? deadline = null) => TestStates.Plan(
        [
            TestStates.State(
                "asking",
                on: [TestStates.On("card", "charging")],
                timeout: TestStates.After(TimeSpan.FromHours(48), "compensating")),
            TestStates.State("charging", "done", [TestStates.Effect("charge", catches: [new CatchRule(["http_404"], "asking")])]),
            TestStates.End("done"),
        ],
        events: [TestStates.Event("card")],
        deadline: deadline is { } span ? TestStates.After(span, "compensating") : null);
}
