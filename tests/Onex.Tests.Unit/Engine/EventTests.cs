using Onex.Contracts;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Tests.Unit.Engine;

/// <summary>Events: docs/contract-language.md#events.</summary>
public sealed class EventTests
{
    private static readonly TimeLimit _twoDays = TestStates.After(TimeSpan.FromHours(48), "compensating");

    [Fact]
    public void A_state_without_steps_waits_for_its_events()
    {
        var story = new Story(Approval()).Starts().IsIn("asking", SagaStatus.Waiting).Sends();

        Assert.Equal(["approve", "remark", "cancel"], story.Saga.WaitingFor);
        story.Tells("approve", """{"by":"ann"}""").IsIn("paying", SagaStatus.Running).Sends("pay");
        Assert.Empty(story.Saga.WaitingFor);
    }

    [Fact]
    public void An_event_is_seen_under_its_message_id()
    {
        var id = new MessageId(Guid.CreateVersion7());
        var story = new Story(Approval()).Starts().Tells("approve", """{"by":"ann"}""", id);

        Assert.Equal([id], story.Last.Seen);
    }

    [Fact]
    public void An_event_may_write_into_data_before_the_state_changes()
    {
        var story = new Story(Approval()).Starts().Tells("approve", """{"by":"ann"}""");

        Assert.Equal("ann", story.Saga.Data["approver"].AsString());
        Assert.Equal("""{"with":"ann"}""", story.Arguments("pay"));
    }

    [Fact]
    public void With_stay_the_state_and_its_steps_and_timers_go_on()
    {
        var story = new Story(Approval()).Starts();
        var due = story.Saga.StateDueAt;
        story.After(TimeSpan.FromHours(1)).Tells("remark", """{"text":"soon"}""").IsIn("asking", SagaStatus.Waiting).Sends();

        Assert.Equal((due, 1, "soon"), (story.Saga.StateDueAt, story.Saga.Visit, story.Saga.Data["note"].AsString()));
    }

    [Fact]
    public void The_first_rule_whose_guard_holds_applies()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("asking", on:
                [
                    TestStates.On("answer", "high", "event.amount > 100"),
                    TestStates.On("answer", "low"),
                ]),
                TestStates.End("high"),
                TestStates.End("low"),
            ],
            events: [TestStates.Event("answer")]);

        new Story(plan).Starts().Tells("answer", """{"amount":101}""").IsIn("high", SagaStatus.Completed);
        new Story(plan).Starts().Tells("answer", """{"amount":1}""").IsIn("low", SagaStatus.Completed);
    }

    [Fact]
    public void A_states_own_rules_come_before_those_of_any_state()
    {
        var plan = TestStates.Plan(
            [TestStates.State("asking", on: [TestStates.On("stop", "done", "event.hard == false")]), TestStates.End("done")],
            events: [TestStates.Event("stop")],
            anyState: [TestStates.On("stop", "compensating")]);

        new Story(plan).Starts().Tells("stop", """{"hard":false}""").IsIn("done", SagaStatus.Completed);
        new Story(plan).Starts().Tells("stop", """{"hard":true}""").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void An_event_that_every_guard_refuses_is_answered_with_an_error_and_changes_nothing()
    {
        var story = new Story(Approval()).Starts();
        var before = story.Saga;
        story.Tells("cancel", """{"reason":""}""");

        Assert.False(story.Last.Changed);
        Assert.Same(before, story.Saga);
        Assert.Empty(story.Last.Seen);
        Assert.Equal((ErrorCodes.EventRefused, false), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Contains("event.reason", story.Rejection.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_whose_guard_cannot_be_evaluated_is_declined_with_that_expression_and_changes_nothing()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("asking", on: [TestStates.On("say", "low", "10 / event.n > 1"), TestStates.On("say", "done")]), TestStates.End("low"), TestStates.End("done")],
            events: [TestStates.Event("say")])).Starts();
        var before = story.Saga;
        story.Tells("say", """{"n":0}""");

        Assert.False(story.Last.Changed);
        Assert.Same(before, story.Saga);
        Assert.Empty(story.Last.Seen);
        Assert.Equal((ErrorCodes.EventRefused, false), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Contains("`10 / event.n > 1`", story.Rejection.Error, StringComparison.Ordinal);
        story.Tells("say", """{"n":1}""").IsIn("low", SagaStatus.Completed);
    }

    [Fact]
    public void An_event_of_any_state_whose_guard_cannot_be_evaluated_is_declined_too()
    {
        var story = new Story(Approval()).Starts();
        var before = story.Saga;
        story.Tells("cancel", """{}""");

        Assert.Same(before, story.Saga);
        Assert.Equal(ErrorCodes.EventRefused, story.Rejection.Code);
    }

    [Fact]
    public void An_event_whose_set_cannot_be_evaluated_is_declined_with_that_expression_and_changes_nothing()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("asking", on: [TestStates.On("say", "done", null, TestStates.Put("text", "event.text", TestStates.Text))],
                    catches: [new CatchRule(["expression_failed"], "mended")]),
                TestStates.End("done"),
                TestStates.End("mended"),
            ],
            data: [TestStates.Field("text", TestStates.Text)],
            events: [TestStates.Event("say")]);
        var story = new Story(plan).Starts();
        var before = story.Saga;
        story.Tells("say", """{"text":1}""");

        Assert.Same(before, story.Saga);
        Assert.Equal(ErrorCodes.EventRefused, story.Rejection.Code);
        Assert.Contains("'text' (`event.text`)", story.Rejection.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffered_event_that_cannot_be_evaluated_is_declined_when_its_turn_comes_and_the_saga_goes_on()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("working", "asking", [TestStates.Effect("work")]),
                TestStates.State("asking", on: [TestStates.On("say", "done", "10 / event.n > 1")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("say")])).Starts();
        story.Tells("say", """{"n":0}""").Completes("work").IsIn("asking", SagaStatus.Waiting);

        Assert.Equal((ErrorCodes.EventRefused, false), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Empty(story.Saga.Early);
    }

    [Fact]
    public void Past_the_pivot_an_event_that_cannot_be_judged_is_refused_and_blocks_nothing()
    {
        var plan = TestStates.Plan(
            [TestStates.State("sending", "done", [TestStates.Effect("send")], on: [TestStates.On("hurry", "done", "event.missing")], pivot: true), TestStates.End("done")],
            events: [TestStates.Event("hurry")]);
        var story = new Story(plan).Starts().Tells("hurry");

        Assert.Equal(ErrorCodes.EventRefused, story.Rejection.Code);
        story.IsIn("sending", SagaStatus.Running);
    }

    [Fact]
    public void An_event_that_leads_to_a_compensating_state_sets_its_name_as_the_fault()
    {
        var story = new Story(Approval()).Starts().Tells("cancel", """{"reason":"late"}""").IsIn("failed", SagaStatus.Failed);

        Assert.Equal("cancel", story.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void An_event_that_leads_to_an_ordinary_state_sets_no_fault() =>
        Assert.Null(new Story(Approval()).Starts().Tells("approve", """{"by":"ann"}""").Saga.Fault);

    [Fact]
    public void Any_state_means_every_ordinary_state_before_the_pivot()
    {
        var story = new Story(Approval()).Starts().Tells("approve", """{"by":"ann"}""").Completes("pay").Sends("ship").IsIn("shipping", SagaStatus.Running);

        story.Tells("cancel", """{"reason":"late"}""");
        Assert.False(story.Last.Changed);
        Assert.Equal((ErrorCodes.EventUnwanted, true), (story.Rejection.Code, story.Rejection.IsDead));
    }

    [Fact]
    public void An_event_that_comes_before_its_state_is_kept_and_delivered_when_that_is_entered_before_its_steps()
    {
        var id = new MessageId(Guid.CreateVersion7());
        var story = new Story(Early()).Starts().Tells("skip", messageId: id).IsIn("first", SagaStatus.Running);
        Assert.Equal([id], story.Last.Seen);
        Assert.Equal(story.Now + TimeSpan.FromDays(14), Assert.Single(story.Saga.Early).ExpiresAt);

        story.Completes("one").Sends().IsIn("done", SagaStatus.Completed);
        Assert.Empty(story.Saga.Early);
        Assert.Empty(story.Last.Seen);
        Assert.Empty(story.Last.Rejections);
    }

    [Fact]
    public void A_kept_event_whose_guards_refuse_it_is_refused_and_released()
    {
        var story = new Story(Early(when: "event.sure")).Starts().Tells("skip", """{"sure":false}""").Completes("one").Sends("two");

        Assert.Equal((ErrorCodes.EventRefused, false), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Empty(story.Saga.Early);
    }

    [Fact]
    public void Kept_events_are_delivered_oldest_first()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", "second", [TestStates.Effect("one")]),
                TestStates.State("second", on: [TestStates.On("say", null, null, TestStates.Put("said", "data.said + event.text", TestStates.Text)), TestStates.On("end", "done")]),
                TestStates.End("done", output: TestStates.Map(("said", "data.said"))),
            ],
            data: [TestStates.Field("said", TestStates.Text, Onex.Contracts.Expressions.CelValue.String(""))],
            events: [TestStates.Event("say"), TestStates.Event("end")]);
        var story = new Story(plan).Starts()
            .Tells("say", """{"text":"a"}""").Tells("say", """{"text":"b"}""").Tells("end").Completes("one").IsIn("done", SagaStatus.Completed);

        Assert.Equal("""{"said":"ab"}""", story.Answers.Single().Output.ToString());
    }

    [Fact]
    public void The_same_event_twice_is_kept_once()
    {
        var id = new MessageId(Guid.CreateVersion7());
        var story = new Story(Early()).Starts().Tells("skip", messageId: id).Tells("skip", messageId: id);

        Assert.False(story.Last.Changed);
        Assert.Single(story.Saga.Early);
    }

    [Fact]
    public void A_saga_keeps_a_hundred_events_and_no_more()
    {
        var story = new Story(Early()).Starts();
        for (var i = 0; i < 100; i++)
        {
            story.Tells("skip");
        }

        Assert.False(story.Tells("skip").Last.Changed);
        Assert.Equal((ErrorCodes.EventsTooMany, false), (story.Rejection.Code, story.Rejection.IsDead));
    }

    [Fact]
    public void How_many_events_a_saga_keeps_can_be_chosen()
    {
        var story = new Story(Story.Compile("""
            contract: story
            version: 1.0.0
            input: {}
            events: { go: {}, skip: {} }
            initial: first
            states:
              first: { on_event: [{ event: go, next: second }] }
              second: { on_event: [{ event: skip, next: done }] }
              done: { end: completed }
            """, new ContractLimits { BufferedEvents = 1 }).Plans.Single()).Starts().Tells("skip");


        Assert.Equal(ErrorCodes.EventsTooMany, story.Tells("skip").Rejection.Code);
    }

    [Fact]
    public void An_event_that_no_state_can_want_any_more_is_refused_at_once()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", "second", on: [TestStates.On("go", "second")]),
                TestStates.State("second", "done", [TestStates.Effect("two")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")]);
        var story = new Story(plan);
        story.Starts().Tells("go");

        Assert.Equal((ErrorCodes.EventUnwanted, true), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Contains("'second'", story.Rejection.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("catch")]
    [InlineData("timeout")]
    [InlineData("deadline")]
    [InlineData("on_failure")]
    [InlineData("event")]
    public void An_event_is_kept_if_any_way_leads_to_a_state_that_wants_it(string way)
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", "done", [TestStates.Effect("one", catches: way == "catch" ? [new CatchRule([], "second")] : [])],
                    on: way == "event" ? [TestStates.On("other", "second")] : [],
                    timeout: way == "timeout" ? TestStates.After(TimeSpan.FromHours(1), "second") : null),
                TestStates.State("second", on: [TestStates.On("go", "done")]),
                TestStates.End("done"),
                TestStates.Unwinding("unwinding", "unwound"),
                TestStates.End("unwound", EndKind.Failed),
            ],
            onFailure: way == "on_failure" ? "second" : "unwinding",
            events: [TestStates.Event("go"), TestStates.Event("other")],
            deadline: way == "deadline" ? TestStates.After(TimeSpan.FromHours(2), "second") : null);

        Assert.Single(new Story(plan).Starts().Tells("go").Saga.Early);
    }

    [Fact]
    public void A_kept_event_whose_time_is_over_is_refused_and_goes_to_the_dead_letters()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", on: [TestStates.On("next", "second")]),
                TestStates.State("second", on: [TestStates.On("skip", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("next"), TestStates.Event("skip")]);
        var story = new Story(plan).Starts().Tells("skip");
        Assert.Equal(story.Saga.Early[0].ExpiresAt, story.Saga.NextWakeupAt);

        story.Wakes().IsIn("first", SagaStatus.Waiting);
        Assert.Equal((ErrorCodes.EventExpired, true), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Empty(story.Saga.Early);
        Assert.True(story.Last.Changed);
        Assert.Null(story.Saga.NextWakeupAt);
    }

    [Fact]
    public void A_buffered_event_of_a_paused_saga_expires_on_time()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("first", on: [TestStates.On("next", "second")]), TestStates.State("second", on: [TestStates.On("skip", "done")]), TestStates.End("done")],
            events: [TestStates.Event("next"), TestStates.Event("skip")])).Starts().Tells("skip").Asks(OperatorCommand.Pause);
        Assert.Equal(story.Saga.Early[0].ExpiresAt, story.Saga.NextWakeupAt);

        story.Wakes().IsIn("first", SagaStatus.Paused);
        Assert.Equal((ErrorCodes.EventExpired, true), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Empty(story.Saga.Early);
    }

    [Fact]
    public void An_event_is_kept_longer_than_fourteen_days_if_its_own_early_is_longer()
    {
        var plan = TestStates.Plan(
            [TestStates.State("first", "second", [TestStates.Effect("one")]), TestStates.State("second", on: [TestStates.On("skip", "done")]), TestStates.End("done")],
            events: [TestStates.Event("skip", early: TimeSpan.FromDays(30))]);
        var story = new Story(plan).Starts().Tells("skip");

        Assert.Equal(story.Now + TimeSpan.FromDays(30), story.Saga.Early[0].ExpiresAt);
    }

    [Fact]
    public void The_end_of_a_saga_refuses_the_events_that_it_still_keeps()
    {
        var story = new Story(Early()).Starts().Tells("skip").Answered("one", 404);

        story.IsIn("failed", SagaStatus.Failed);
        Assert.Equal((ErrorCodes.EventUnclaimed, true), (story.Rejection.Code, story.Rejection.IsDead));
        Assert.Empty(story.Saga.Early);
    }

    [Fact]
    public void An_event_for_a_saga_that_has_ended_is_refused()
    {
        var story = new Story(Early()).Starts().Answered("one", 404).Tells("skip");

        Assert.False(story.Last.Changed);
        Assert.Equal((ErrorCodes.EventUnwanted, true), (story.Rejection.Code, story.Rejection.IsDead));
    }

    [Fact]
    public void A_state_with_steps_may_want_events_too_and_is_interrupted_by_them()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("working", "done", [TestStates.Compute("sum"), TestStates.Compute("more")], on: [TestStates.On("enough", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("enough")]);

        new Story(plan).Starts().Sends("sum").Tells("enough").Sends().IsIn("done", SagaStatus.Completed);
    }

    private static Plan Approval() => TestStates.Plan(
        [
            TestStates.State("asking", on:
            [
                TestStates.On("approve", "paying", null, TestStates.Put("approver", "event.by", TestStates.Text)),
                TestStates.On("remark", null, null, TestStates.Put("note", "event.text", TestStates.Text)),
            ], timeout: _twoDays),
            TestStates.State("paying", "shipping", [TestStates.Effect("pay", "data.approver", undo: "'x'")]),
            TestStates.State("shipping", "done", [TestStates.Effect("ship")], pivot: true),
            TestStates.End("done"),
        ],
        data: [TestStates.Field("approver", TestStates.Text), TestStates.Field("note", TestStates.Text)],
        events: [TestStates.Event("approve"), TestStates.Event("remark"), TestStates.Event("cancel")],
        anyState: [TestStates.On("cancel", "compensating", "event.reason != ''")]);

    private static Plan Early(string? when = null) => TestStates.Plan(
        [
            TestStates.State("first", "second", [TestStates.Effect("one")]),
            TestStates.State("second", "done", [TestStates.Effect("two")], on: [TestStates.On("skip", "done", when)]),
            TestStates.End("done"),
        ],
        events: [TestStates.Event("skip")]);
}
