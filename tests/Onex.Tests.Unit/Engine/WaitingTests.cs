using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Tests.Unit.Engine;

/// <summary>Time: waits, timeouts, deadlines. See docs/contract-language.md#time.</summary>
public sealed class WaitingTests
{
    [Fact]
    public void A_wait_lasts_as_long_as_it_says_and_the_steps_after_it_go_on()
    {
        var story = new Story(TestStates.Plan(
        [
            TestStates.State("resting", "done", [TestStates.Wait("rest", TimeSpan.FromMinutes(5)), TestStates.Effect("call")]),
            TestStates.End("done"),
        ])).Starts().Sends().IsIn("resting", SagaStatus.Waiting);
        Assert.Equal(story.Now + TimeSpan.FromMinutes(5), story.Saga.NextWakeupAt);
        Assert.True(story.Saga.Parked);

        story.Wakes().Sends("call").IsIn("resting", SagaStatus.Running);
        Assert.Null(story.Saga.WaitUntil);
    }

    [Fact]
    public void A_wait_until_a_time_waits_until_then()
    {
        var story = new Story(Until("timestamp('2026-11-25T08:00:00Z')")).Starts().IsIn("resting", SagaStatus.Waiting);

        Assert.Equal(new DateTimeOffset(2026, 11, 25, 8, 0, 0, TimeSpan.Zero), story.Saga.WaitUntil);
        story.Wakes().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_wait_until_a_time_that_is_past_does_not_wait() =>
        new Story(Until("timestamp('2020-01-01T00:00:00Z')")).Starts().IsIn("done", SagaStatus.Completed);

    [Fact]
    public void A_wait_until_something_that_is_no_time_fails_the_step()
    {
        var story = new Story(Until("'tomorrow'")).Starts();

        Assert.Equal(("expression_failed", "rest"), (story.Saga.Fault!.Code, story.Saga.Fault.Step));
    }

    [Fact]
    public void A_states_timeout_leads_where_it_says_and_is_the_fault()
    {
        var story = new Story(Patient()).Starts().IsIn("asking", SagaStatus.Waiting);
        Assert.Equal(story.Now + TimeSpan.FromHours(48), story.Saga.NextWakeupAt);

        story.Wakes().IsIn("failed", SagaStatus.Failed);
        Assert.Equal("state_timed_out", story.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void A_late_timer_loses()
    {
        var story = new Story(Patient()).Starts();
        story.Tells("card").IsIn("charging", SagaStatus.Running);

        Assert.False(story.Fires().Last.Changed);
    }

    [Fact]
    public void A_timer_that_comes_too_early_changes_nothing()
    {
        var story = new Story(Patient()).Starts();

        Assert.False(story.After(TimeSpan.FromHours(47)).Fires().Last.Changed);
    }

    [Fact]
    public void A_state_that_is_entered_again_has_its_timeout_anew()
    {
        var story = new Story(Patient()).Starts().After(TimeSpan.FromHours(40)).Tells("card").Answered("charge", 404).IsIn("asking", SagaStatus.Waiting);

        Assert.Equal(story.Now + TimeSpan.FromHours(48), story.Saga.StateDueAt);
    }

    [Fact]
    public void A_timeout_may_interrupt_steps()
    {
        var story = new Story(TestStates.Plan(
        [
            TestStates.State("working", "done", [TestStates.Compute("sum")], timeout: TestStates.After(TimeSpan.FromSeconds(5), "gave_up")),
            TestStates.End("done"),
            TestStates.End("gave_up"),
        ])).Starts().Wakes();

        story.Sends().IsIn("gave_up", SagaStatus.Completed);
    }

    [Fact]
    public void The_deadline_counts_from_the_sagas_start_and_is_the_fault()
    {
        var story = new Story(Patient(TimeSpan.FromHours(72))).Starts();
        var deadline = story.Now + TimeSpan.FromHours(72);
        Assert.Equal(deadline, story.Saga.DeadlineAt);

        story.After(TimeSpan.FromHours(47)).Tells("card").Answered("charge", 404).Wakes();
        Assert.Equal(deadline, story.Now);
        Assert.Equal("deadline_exceeded", story.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void The_deadline_comes_before_a_timeout_that_is_due_too()
    {
        var story = new Story(Patient(TimeSpan.FromHours(48))).Starts().Wakes();

        Assert.Equal("deadline_exceeded", story.Saga.Fault!.Code);
    }

    [Fact]
    public void Past_the_pivot_no_deadline_applies()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("sending", "done", [TestStates.Wait("rest", TimeSpan.FromDays(9))], pivot: true), TestStates.End("done")],
            deadline: TestStates.After(TimeSpan.FromHours(1), "compensating"))).Starts();

        Assert.Null(story.Saga.DeadlineAt);
        story.Wakes().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void In_a_compensating_state_no_deadline_applies()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("working", "more", [TestStates.Effect("one", undo: "'x'")]),
                TestStates.State("more", "done", [TestStates.Effect("two")]),
                TestStates.End("done"),
            ],
            deadline: TestStates.After(TimeSpan.FromSeconds(5), "compensating"))).Starts().Completes("one").Answered("two", 404).Sends("-one");
        Assert.Equal(story.Saga.Outstanding[0].DueAt, story.Saga.NextWakeupAt);

        Assert.False(story.After(TimeSpan.FromSeconds(6)).Fires().Last.Changed);
    }

    [Fact]
    public void A_deadline_fires_once()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("asking", on: [TestStates.On("go", "done")]), TestStates.State("late", on: [TestStates.On("go", "done")]), TestStates.End("done")],
            events: [TestStates.Event("go")],
            deadline: TestStates.After(TimeSpan.FromHours(1), "late"))).Starts().Wakes().IsIn("late", SagaStatus.Waiting);

        Assert.Null(story.Saga.NextWakeupAt);
        Assert.False(story.Fires().Last.Changed);
    }

    [Fact]
    public void The_end_of_a_saga_cancels_its_timers()
    {
        var story = new Story(Patient(TimeSpan.FromHours(72))).Starts().Tells("card").Completes("charge").IsIn("done", SagaStatus.Completed);

        Assert.Null(story.Saga.NextWakeupAt);
        Assert.False(story.After(TimeSpan.FromDays(9)).Fires().Last.Changed);
    }

    [Fact]
    public void A_timeout_is_a_fault_only_where_every_way_sets_one()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("asking", on: [TestStates.On("go", "shared")], timeout: TestStates.After(TimeSpan.FromHours(1), "shared")),
                TestStates.State("shared", on: [TestStates.On("go", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")])).Starts().Wakes().IsIn("shared", SagaStatus.Waiting);

        Assert.Null(story.Saga.Fault);
    }

    private static Plan Until(string expression) => TestStates.Plan(
        [TestStates.State("resting", "done", [TestStates.WaitUntil("rest", expression)]), TestStates.End("done")]);

    private static Plan Patient(TimeSpan? deadline = null) => TestStates.Plan(
        [
            TestStates.State("asking", on: [TestStates.On("card", "charging")], timeout: TestStates.After(TimeSpan.FromHours(48), "compensating")),
            TestStates.State("charging", "done", [TestStates.Effect("charge", catches: [new CatchRule(["http_404"], "asking")])]),
            TestStates.End("done"),
        ],
        events: [TestStates.Event("card")],
        deadline: deadline is { } span ? TestStates.After(span, "compensating") : null);
}
