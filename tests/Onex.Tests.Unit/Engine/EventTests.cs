namespace Onex.Tests.Unit.Engine;

/// <summary>Events: docs/contract-language.md#events.</summary>
public sealed class EventTests
{
    private static readonly TimeLimit _compensateAfterTwoDays = TestStates.After(TimeSpan.FromHours(48), "compensating");

    [Fact]
    public void A_state_without_steps_waits_for_its_events()
    {
        var scenario = new SagaScenario(Approval()).Starts().IsIn("asking", SagaStatus.Waiting).Sends();

        Assert.Equal(["approve", "remark", "cancel"], scenario.Saga.WaitingFor);
        scenario.Receives("approve", """{"by":"ann"}""").IsIn("paying", SagaStatus.Running).Sends("pay");
        Assert.Empty(scenario.Saga.WaitingFor);
    }

    [Fact]
    public void An_event_is_recorded_under_its_message_id()
    {
        var id = new MessageId(Guid.CreateVersion7());
        var scenario = new SagaScenario(Approval())
            .Starts()
            .Receives("approve", """{"by":"ann"}""", id);

        Assert.Equal([id], scenario.Last.Seen);
    }

    [Fact]
    public void An_event_may_change_data_before_the_transition()
    {
        var scenario = new SagaScenario(Approval())
            .Starts()
            .Receives("approve", """{"by":"ann"}""");

        Assert.Equal("ann", scenario.Saga.Data["approver"].AsString());
        Assert.Equal("""{"with":"ann"}""", scenario.Arguments("pay"));
    }

    [Fact]
    public void With_stay_the_state_keeps_its_steps_and_timers()
    {
        var scenario = new SagaScenario(Approval()).Starts();
        var due = scenario.Saga.StateDueAt;
        scenario.AdvancesTime(TimeSpan.FromHours(1))
            .Receives("remark", """{"text":"soon"}""").IsIn("asking", SagaStatus.Waiting).Sends();

        Assert.Equal((due, 1, "soon"), (scenario.Saga.StateDueAt, scenario.Saga.Visit, scenario.Saga.Data["note"].AsString()));
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

        new SagaScenario(plan).Starts()
            .Receives("answer", """{"amount":101}""").IsIn("high", SagaStatus.Completed);
        new SagaScenario(plan).Starts()
            .Receives("answer", """{"amount":1}""").IsIn("low", SagaStatus.Completed);
    }

    [Fact]
    public void State_rules_precede_any_state_rules()
    {
        var plan = TestStates.Plan(
            [TestStates.State("asking", on: [TestStates.On("stop", "done", "event.hard == false")]), TestStates.End("done")],
            events: [TestStates.Event("stop")],
            anyState: [TestStates.On("stop", "compensating")]);

        new SagaScenario(plan).Starts()
            .Receives("stop", """{"hard":false}""").IsIn("done", SagaStatus.Completed);
        new SagaScenario(plan).Starts()
            .Receives("stop", """{"hard":true}""").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void An_event_for_which_no_guard_holds_gets_an_error_and_changes_nothing()
    {
        var scenario = new SagaScenario(Approval()).Starts();
        var before = scenario.Saga;
        scenario.Receives("cancel", """{"reason":""}""");

        Assert.False(scenario.Last.Changed);
        Assert.Same(before, scenario.Saga);
        Assert.Empty(scenario.Last.Seen);
        Assert.Equal((ErrorCodes.EventRefused, false), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Contains("event.reason", scenario.Declined.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_whose_guard_cannot_be_evaluated_is_declined_with_that_expression_and_changes_nothing()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("asking", on: [TestStates.On("say", "low", "10 / event.n > 1"), TestStates.On("say", "done")]),
                TestStates.End("low"),
                TestStates.End("done")],
            events: [TestStates.Event("say")])).Starts();
        var before = scenario.Saga;
        scenario.Receives("say", """{"n":0}""");

        Assert.False(scenario.Last.Changed);
        Assert.Same(before, scenario.Saga);
        Assert.Empty(scenario.Last.Seen);
        Assert.Equal((ErrorCodes.EventRefused, false), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Contains("`10 / event.n > 1`", scenario.Declined.Error, StringComparison.Ordinal);
        scenario.Receives("say", """{"n":1}""").IsIn("low", SagaStatus.Completed);
    }

    [Fact]
    public void An_any_state_event_whose_guard_cannot_be_evaluated_is_declined_too()
    {
        var scenario = new SagaScenario(Approval()).Starts();
        var before = scenario.Saga;
        scenario.Receives("cancel", """{}""");

        Assert.Same(before, scenario.Saga);
        Assert.Equal(ErrorCodes.EventRefused, scenario.Declined.Code);
    }

    [Fact]
    public void An_event_whose_set_cannot_be_evaluated_is_declined_with_that_expression_and_changes_nothing()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("asking", on: [TestStates.On("say", "done", null, TestStates.Put("text", "event.text", TestStates.Text))],
                    catches: [new CatchRule(["expression_failed"], "fixed")]),
                TestStates.End("done"),
                TestStates.End("fixed"),
            ],
            data: [TestStates.Field("text", TestStates.Text)],
            events: [TestStates.Event("say")]);
        var scenario = new SagaScenario(plan).Starts();
        var before = scenario.Saga;
        scenario.Receives("say", """{"text":1}""");

        Assert.Same(before, scenario.Saga);
        Assert.Equal(ErrorCodes.EventRefused, scenario.Declined.Code);
        Assert.Contains("'text' (`event.text`)", scenario.Declined.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffered_event_that_cannot_be_evaluated_is_declined_and_the_saga_continues()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("working", "asking", [TestStates.Effect("work")]),
                TestStates.State("asking", on: [TestStates.On("say", "done", "10 / event.n > 1")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("say")])).Starts();
        scenario.Receives("say", """{"n":0}""")
            .Completes("work").IsIn("asking", SagaStatus.Waiting);

        Assert.Equal((ErrorCodes.EventRefused, false), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Empty(scenario.Saga.BufferedEvents);
    }

    [Fact]
    public void Past_the_pivot_an_event_that_cannot_be_evaluated_is_declined_and_blocks_nothing()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State(
                    "sending", "done", [TestStates.Effect("send")], on: [TestStates.On("hurry", "done", "event.missing")], pivot: true),
                TestStates.End("done")],
            events: [TestStates.Event("hurry")]);
        var scenario = new SagaScenario(plan).Starts()
            .Receives("hurry");

        Assert.Equal(ErrorCodes.EventRefused, scenario.Declined.Code);
        scenario.IsIn("sending", SagaStatus.Running);
    }

    [Fact]
    public void An_event_that_leads_to_a_compensating_state_sets_its_name_as_the_fault()
    {
        var scenario = new SagaScenario(Approval())
            .Starts()
            .Receives("cancel", """{"reason":"late"}""").IsIn("failed", SagaStatus.Failed);

        Assert.Equal("cancel", scenario.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void An_event_that_leads_to_an_ordinary_state_sets_no_fault() =>
        Assert.Null(new SagaScenario(Approval()).Starts().Receives("approve", """{"by":"ann"}""").Saga.Fault);

    [Fact]
    public void An_any_state_event_is_declined_past_the_pivot()
    {
        var scenario = new SagaScenario(Approval())
            .Starts()
            .Receives("approve", """{"by":"ann"}""")
            .Completes("pay").Sends("ship").IsIn("shipping", SagaStatus.Running);

        scenario.Receives("cancel", """{"reason":"late"}""");
        Assert.False(scenario.Last.Changed);
        Assert.Equal((ErrorCodes.EventUnwanted, true), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
    }

    [Fact]
    public void A_buffered_event_is_delivered_on_entry_to_its_state_before_the_steps()
    {
        var id = new MessageId(Guid.CreateVersion7());
        var scenario = new SagaScenario(SkippingInSecondState())
            .Starts()
            .Receives("skip", messageId: id).IsIn("first", SagaStatus.Running);
        Assert.Equal([id], scenario.Last.Seen);
        Assert.Equal(scenario.Now + TimeSpan.FromDays(14), Assert.Single(scenario.Saga.BufferedEvents).ExpiresAt);

        scenario.Completes("one").Sends().IsIn("done", SagaStatus.Completed);
        Assert.Empty(scenario.Saga.BufferedEvents);
        Assert.Empty(scenario.Last.Seen);
        Assert.Empty(scenario.Last.Declined);
    }

    [Fact]
    public void A_buffered_event_for_which_no_guard_holds_is_declined_and_removed()
    {
        var scenario = new SagaScenario(SkippingInSecondState(when: "event.sure"))
            .Starts()
            .Receives("skip", """{"sure":false}""")
            .Completes("one").Sends("two");

        Assert.Equal((ErrorCodes.EventRefused, false), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Empty(scenario.Saga.BufferedEvents);
    }

    [Fact]
    public void Buffered_events_are_delivered_oldest_first()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", "second", [TestStates.Effect("one")]),
                TestStates.State(
                    "second",
                    on: [
                        TestStates.On("say", null, null, TestStates.Put("said", "data.said + event.text", TestStates.Text)),
                        TestStates.On("end", "done")]),
                TestStates.End("done", output: TestStates.Map(("said", "data.said"))),
            ],
            data: [TestStates.Field("said", TestStates.Text, Onex.Contracts.Expressions.CelValue.String(""))],
            events: [TestStates.Event("say"), TestStates.Event("end")]);
        var scenario = new SagaScenario(plan).Starts()
            .Receives("say", """{"text":"a"}""")
            .Receives("say", """{"text":"b"}""")
            .Receives("end")
            .Completes("one").IsIn("done", SagaStatus.Completed);

        Assert.Equal("""{"said":"ab"}""", scenario.Answers.Single().Output.ToString());
    }

    [Fact]
    public void A_duplicate_event_is_buffered_once()
    {
        var id = new MessageId(Guid.CreateVersion7());
        var scenario = new SagaScenario(SkippingInSecondState())
            .Starts()
            .Receives("skip", messageId: id)
            .Receives("skip", messageId: id);

        Assert.False(scenario.Last.Changed);
        Assert.Single(scenario.Saga.BufferedEvents);
    }

    [Fact]
    public void A_saga_buffers_at_most_a_hundred_events()
    {
        var scenario = new SagaScenario(SkippingInSecondState()).Starts();
        for (var i = 0; i < 100; i++)
        {
            scenario.Receives("skip");
        }

        Assert.False(scenario.Receives("skip").Last.Changed);
        Assert.Equal((ErrorCodes.EventsTooMany, false), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
    }

    [Fact]
    public void The_limit_of_buffered_events_is_configurable()
    {
        var scenario = new SagaScenario(SagaScenario.Compile("""
            contract: story
            version: 1.0.0
            input: {}
            events: { go: {}, skip: {} }
            initial: first
            states:
              first: { on_event: [{ event: go, next: second }] }
              second: { on_event: [{ event: skip, next: done }] }
              done: { end: completed }
            """, new ContractLimits { BufferedEvents = 1 }).Plans.Single())
                .Starts()
                .Receives("skip");

        Assert.Equal(ErrorCodes.EventsTooMany, scenario.Receives("skip").Declined.Code);
    }

    [Fact]
    public void An_event_that_no_reachable_state_accepts_is_declined_at_once()
    {
        // The state 'first' has no steps, so the saga leaves it at once and cannot return.
        var plan = TestStates.Plan(
            [
                TestStates.State("first", "second", on: [TestStates.On("go", "second")]),
                TestStates.State("second", "done", [TestStates.Effect("two")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")]);
        var scenario = new SagaScenario(plan);
        scenario.Starts()
            .Receives("go");

        Assert.Equal((ErrorCodes.EventUnwanted, true), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Contains("'second'", scenario.Declined.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("catch")]
    [InlineData("timeout")]
    [InlineData("deadline")]
    [InlineData("on_failure")]
    [InlineData("event")]
    public void An_event_is_buffered_if_a_reachable_state_accepts_it(string transition)
    {
        var plan = TestStates.Plan(
            [
                TestStates.State(
                    "first", "done", [TestStates.Effect("one", catches: transition == "catch" ? [new CatchRule([], "second")] : [])],
                    on: transition == "event" ? [TestStates.On("other", "second")] : [],
                    timeout: transition == "timeout" ? TestStates.After(TimeSpan.FromHours(1), "second") : null),
                TestStates.State("second", on: [TestStates.On("go", "done")]),
                TestStates.End("done"),
                TestStates.CompensatingState("unwinding", "unwound"),
                TestStates.End("unwound", EndKind.Failed),
            ],
            onFailure: transition == "on_failure" ? "second" : "unwinding",
            events: [TestStates.Event("go"), TestStates.Event("other")],
            deadline: transition == "deadline" ? TestStates.After(TimeSpan.FromHours(2), "second") : null);

        Assert.Single(new SagaScenario(plan).Starts().Receives("go").Saga.BufferedEvents);
    }

    [Fact]
    public void An_expired_buffered_event_is_declined_and_becomes_a_dead_letter()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", on: [TestStates.On("next", "second")]),
                TestStates.State("second", on: [TestStates.On("skip", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("next"), TestStates.Event("skip")]);
        var scenario = new SagaScenario(plan).Starts()
            .Receives("skip");
        Assert.Equal(scenario.Saga.BufferedEvents[0].ExpiresAt, scenario.Saga.NextWakeupAt);

        scenario.Wakes().IsIn("first", SagaStatus.Waiting);
        Assert.Equal((ErrorCodes.EventExpired, true), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Empty(scenario.Saga.BufferedEvents);
        Assert.True(scenario.Last.Changed);
        Assert.Null(scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void A_buffered_event_of_a_paused_saga_expires_on_time()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("first", on: [TestStates.On("next", "second")]),
                TestStates.State("second", on: [TestStates.On("skip", "done")]),
                TestStates.End("done")],
            events: [TestStates.Event("next"), TestStates.Event("skip")]))
                .Starts()
                .Receives("skip")
                .OperatorSends(OperatorCommand.Pause);
        Assert.Equal(scenario.Saga.BufferedEvents[0].ExpiresAt, scenario.Saga.NextWakeupAt);

        scenario.Wakes().IsIn("first", SagaStatus.Paused);
        Assert.Equal((ErrorCodes.EventExpired, true), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Empty(scenario.Saga.BufferedEvents);
    }

    [Fact]
    public void An_event_with_a_longer_early_duration_is_buffered_beyond_fourteen_days()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("first", "second", [TestStates.Effect("one")]),
                TestStates.State("second", on: [TestStates.On("skip", "done")]),
                TestStates.End("done")],
            events: [TestStates.Event("skip", early: TimeSpan.FromDays(30))]);
        var scenario = new SagaScenario(plan).Starts()
            .Receives("skip");

        Assert.Equal(scenario.Now + TimeSpan.FromDays(30), scenario.Saga.BufferedEvents[0].ExpiresAt);
    }

    [Fact]
    public void The_end_of_a_saga_declines_its_buffered_events()
    {
        var scenario = new SagaScenario(SkippingInSecondState())
            .Starts()
            .Receives("skip")
            .Answered("one", 404);

        scenario.IsIn("failed", SagaStatus.Failed);
        Assert.Equal((ErrorCodes.EventUnclaimed, true), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
        Assert.Empty(scenario.Saga.BufferedEvents);
    }

    [Fact]
    public void An_event_for_an_ended_saga_is_declined()
    {
        var scenario = new SagaScenario(SkippingInSecondState())
            .Starts()
            .Answered("one", 404)
            .Receives("skip");

        Assert.False(scenario.Last.Changed);
        Assert.Equal((ErrorCodes.EventUnwanted, true), (scenario.Declined.Code, scenario.Declined.BecomesDeadLetter));
    }

    [Fact]
    public void An_event_interrupts_the_steps_of_a_state_that_accepts_it()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State(
                    "working", "done", [TestStates.Compute("sum"), TestStates.Compute("more")], on: [TestStates.On("enough", "done")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("enough")]);

        new SagaScenario(plan).Starts().Sends("sum")
            .Receives("enough").Sends().IsIn("done", SagaStatus.Completed);
    }

    private static Plan Approval() => TestStates.Plan(
        [
            TestStates.State("asking", on:
            [
                TestStates.On("approve", "paying", null, TestStates.Put("approver", "event.by", TestStates.Text)),
                TestStates.On("remark", null, null, TestStates.Put("note", "event.text", TestStates.Text)),
            ], timeout: _compensateAfterTwoDays),
            TestStates.State("paying", "shipping", [TestStates.Effect("pay", "data.approver", compensation: "'x'")]),
            TestStates.State("shipping", "done", [TestStates.Effect("ship")], pivot: true),
            TestStates.End("done"),
        ],
        data: [TestStates.Field("approver", TestStates.Text), TestStates.Field("note", TestStates.Text)],
        events: [TestStates.Event("approve"), TestStates.Event("remark"), TestStates.Event("cancel")],
        anyState: [TestStates.On("cancel", "compensating", "event.reason != ''")]);

    private static Plan SkippingInSecondState(string? when = null) => TestStates.Plan(
        [
            TestStates.State("first", "second", [TestStates.Effect("one")]),
            TestStates.State("second", "done", [TestStates.Effect("two")], on: [TestStates.On("skip", "done", when)]),
            TestStates.End("done"),
        ],
        events: [TestStates.Event("skip")]);
}
