using Onex.Contracts;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>Sagas that go round in a circle: without progress they are slowed down, then blocked; with it they are left alone.</summary>
public sealed class CircleTests
{
    private static int Most => ContractLimits.Default.IdleEntries;

    [Fact]
    public void A_failure_that_leads_back_is_slowed_down_and_then_blocked_with_the_reason()
    {
        var story = Failing().Starts();
        var began = story.Now;
        var calls = Round(story, max: 3_000);

        story.IsIn("calming", SagaStatus.Blocked);
        Assert.Equal(Most + 2, calls);
        Assert.InRange(story.Now - began, TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(2));
        Assert.Contains($"to state 'calming' {Most + 1} times", story.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains("ONEX_MAX_IDLE_ENTRIES", story.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains("http_404", story.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains(story.History, note => note.Kind == HistoryKinds.SlowedDown);
    }

    [Fact]
    public void The_entries_are_counted_across_restarts()
    {
        var story = Failing().Starts();
        var calls = Round(story, max: 3_000, () => story.Reloads(SagaRowsTests.There_and_back(story.Plan, story.Saga)));

        Assert.Equal((Most + 2, SagaStatus.Blocked), (calls, story.Saga.Status));
    }

    [Fact]
    public void Retry_lets_a_blocked_circle_go_round_as_often_again_and_cancel_ends_it()
    {
        var story = Failing().Starts();
        Round(story, max: 3_000);
        story.Asks(OperatorCommand.Retry).Sends("calm");
        Assert.Equal(Most, Round(story, max: 3_000));

        story.IsIn("calming", SagaStatus.Blocked).Asks(OperatorCommand.Cancel).IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void A_circle_of_failures_that_writes_down_something_new_each_time_is_blocked_after_many_more()
    {
        var story = Failing(counting: true).Starts();
        var calls = Round(story, max: 3_000);

        story.IsIn("calming", SagaStatus.Blocked);
        Assert.Equal((Most * Circles.FailuresEach) + 2, calls);
        Assert.Contains("by 1001 failures", story.Saga.BlockedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_circle_with_a_wait_is_left_alone()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("calling", "done", [TestStates.Effect("call", catches: [new CatchRule([], "resting")])]),
                TestStates.State("resting", "calling", [TestStates.Wait("rest", TimeSpan.FromMilliseconds(1))]),
                TestStates.End("done"),
            ])).Starts();
        for (var round = 0; round < Most * Circles.FailuresEach * 2; round++)
        {
            story.Answered("call", 404).IsIn("resting", SagaStatus.Waiting).Wakes().Sends("call");
        }

        Assert.DoesNotContain(story.History, note => note.Kind == HistoryKinds.SlowedDown);
    }

    [Fact]
    public void A_circle_with_an_event_is_left_alone()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("calling", "done", [TestStates.Effect("call", catches: [new CatchRule([], "asking")])]),
                TestStates.State("asking", on: [TestStates.On("go", "calling")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")])).Starts();
        for (var round = 0; round < Most * 3; round++)
        {
            story.Answered("call", 404).Tells("go").Sends("call");
        }
    }

    [Fact]
    public void A_circle_that_counts_is_left_alone()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State(
                    "counting", steps: [TestStates.Effect("page", "data.n"), TestStates.Set("count", TestStates.Put("n", "data.n + 1", TestStates.Number))],
                    choose: [new Choice(TestStates.Cel("data.n < 5000"), "counting", null), new Choice(null, "done", null)]),
                TestStates.End("done"),
            ],
            data: [TestStates.Field("n", TestStates.Number, Onex.Contracts.Expressions.CelValue.Int(0))])).Starts();
        for (var page = 0; page < 4999; page++)
        {
            story.Completes("page").Sends("page");
        }

        story.Completes("page").IsIn("done", SagaStatus.Completed);
        Assert.DoesNotContain(story.History, note => note.Kind == HistoryKinds.SlowedDown);
    }

    [Fact]
    public void A_circle_that_brings_nothing_new_is_blocked_although_nothing_fails_in_it()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("asking", steps: [TestStates.Effect("poll")], choose: [new Choice(TestStates.Cel("false"), "done", null), new Choice(null, "asking", null)]),
                TestStates.End("done"),
            ])).Starts();
        for (var round = 0; round < 10_000 && story.Saga.Blockage is null; round++)
        {
            story = story.Saga.Outstanding.IsEmpty ? story.Wakes() : story.Completes("poll");
        }

        story.IsIn("asking", SagaStatus.Blocked);
    }

    [Fact]
    public void A_circle_in_one_moment_is_blocked_in_that_moment() =>
        new Story(TestStates.Plan([TestStates.State("one", "two"), TestStates.State("two", "one")])).Starts().IsIn("two", SagaStatus.Blocked);

    [Fact]
    public void While_it_is_slowed_down_an_operator_may_cancel_it_and_why_tells_of_the_circle()
    {
        var story = Failing().Starts();
        for (var round = 0; round < Most && story.Saga.Leaving is null; round++)
        {
            story.Answered(story.Last.Commands[0].Step, 404);
        }

        Assert.Contains("goes round in a circle", Waits.Tell(story.Plan, story.Saga, story.Now).Sentence, StringComparison.Ordinal);
        story.Asks(OperatorCommand.Cancel).IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void How_many_idle_entries_are_allowed_can_be_chosen()
    {
        var plan = Story.Compile("""
            contract: story
            version: 1.0.0
            input: {}
            initial: done
            states:
              done: { end: completed }
            """, new ContractLimits { IdleEntries = 3 }).Plans.Single();

        Assert.Equal(3, plan.IdleEntriesMax);
    }

    // Answers every call with a no, until the saga is blocked. The number of calls.
    private static int Round(Story story, int max, Action? before = null)
    {
        var calls = 0;
        for (var turn = 0; story.Saga.Blockage is null && calls < max && turn < max * 2; turn++)
        {
            before?.Invoke();
            if (story.Saga.Outstanding.IsEmpty)
            {
                story.Wakes();
                continue;
            }

            calls++;
            story.Answered(story.Saga.Outstanding[0].Step, 404);
        }

        return calls;
    }

    // What the compiler refuses today, as it may have been registered before.
    private static Story Failing(bool counting = false) => new(TestStates.Plan(
        [
            TestStates.State("working", "done", [TestStates.Effect("work")]),
            TestStates.State("calming", "done",
            [
                .. counting ? new StepPlan[] { TestStates.Set("count", TestStates.Put("n", "data.n + 1", TestStates.Number)) } : [],
                TestStates.Effect("calm"),
            ]),
            TestStates.End("done"),
        ],
        onFailure: "calming",
        data: [TestStates.Field("n", TestStates.Number, Onex.Contracts.Expressions.CelValue.Int(0))]));
}
