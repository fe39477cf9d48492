namespace Onex.Tests.Unit.Engine;

/// <summary>Interruption and the resolution of what was in flight: docs/contract-language.md#compensation.</summary>
public sealed class InterruptionTests
{
    [Fact]
    public void Steps_not_yet_started_are_dropped() =>
        Charging()
            .Receives("cancel")
            .Wakes(_ => SagaScenario.Cancelled).Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Failed);

    [Fact]
    public void A_compensating_state_is_entered_at_once_but_waits_for_steps_in_flight()
    {
        var scenario = Charging().Receives("cancel").Sends().IsIn("compensating", SagaStatus.Compensating);

        Assert.True(Assert.Single(scenario.Saga.Outstanding).Interrupted);
        Assert.Equal(scenario.Now, scenario.Saga.NextWakeupAt);
        Assert.Equal([scenario.Saga.Outstanding[0].CommandId], Timers.ToCancel(scenario.Plan, scenario.Saga, scenario.Now));
        Assert.Empty(Timers.ToLookUp(scenario.Plan, scenario.Saga, scenario.Now));
    }

    [Fact]
    public void A_command_cancelled_in_the_ledger_needs_no_compensation()
    {
        var scenario = Charging()
            .Receives("cancel")
            .Wakes(_ => SagaScenario.Cancelled).Sends("-reserve");

        Assert.Single(scenario.Saga.Compensables);
        scenario.Completes("reserve").IsIn("failed", SagaStatus.Failed);
        Assert.Equal(["reserve"], Compensated(scenario));
    }

    [Fact]
    public void An_interrupted_command_that_completed_is_compensated_first()
    {
        var scenario = Charging()
            .Receives("cancel")
            .Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
        Assert.Equal("""{"undo":"p-1"}""", scenario.Arguments("charge"));
        Assert.False(scenario.Saga.Data.ContainsKey("payment"));

        scenario.Completes("charge")
                .Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Failed);
        Assert.Equal(["charge", "reserve"], Compensated(scenario));
    }

    [Fact]
    public void A_rejected_command_needs_no_compensation() =>
        Charging()
            .Receives("cancel")
            .Answered("charge", 404).Sends("-reserve");

    [Fact]
    public void A_reject_guard_applies_to_an_interrupted_command() =>
        Charging(reject: "result.code == 402")
            .Receives("cancel")
            .Completes("charge", """{"code":402}""").Sends("-reserve");

    [Fact]
    public void The_outcome_is_awaited_while_the_lease_is_held()
    {
        var scenario = Charging().Receives("cancel");
        var until = scenario.Now + TimeSpan.FromSeconds(30);
        scenario.Wakes(_ => new Lease(1, until)).Sends();
        Assert.Equal(until + TimeSpan.FromSeconds(1), scenario.Saga.NextWakeupAt);

        scenario.Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
    }

    [Fact]
    public void After_the_lease_expires_the_command_is_resent_until_its_outcome_is_known()
    {
        var scenario = Charging();
        var (id, arguments) = (scenario.Saga.Outstanding[0].CommandId, scenario.Arguments("charge"));
        scenario.Receives("cancel")
            .Wakes(_ => new Lease(1, null)).Sends()
            .Wakes().Sends("charge#2");
        Assert.Equal((id, arguments), (scenario.Last.Commands[0].CommandId, scenario.Last.Commands[0].Arguments.ToString()));

        scenario.Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
    }

    [Fact]
    public void A_claimed_command_between_attempts_is_sent_again() =>
        Charging()
            .LosesResult("charge")
            .Wakes().Sends("charge#2")
            .Receives("cancel")
            .Wakes(_ => null).Sends("charge#2");

    [Fact]
    public void A_command_in_backoff_is_sent_again_at_once()
    {
        var scenario = Charging()
            .LosesResult("charge")
            .Receives("cancel");
        Assert.Equal(scenario.Now, scenario.Saga.NextWakeupAt);
        Assert.Empty(Timers.ToCancel(scenario.Plan, scenario.Saga, scenario.Now));

        scenario.Wakes()
                .Sends("charge#2")
            .Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
    }

    [Fact]
    public void A_command_that_stays_unknown_after_its_retry_policy_blocks()
    {
        var scenario = Unknown(Charging()).IsIn("compensating", SagaStatus.Blocked);

        Assert.Equal((BlockedBy.Interrupted, "charge"), (scenario.Saga.Blockage!.Kind, scenario.Saga.Blockage.Step));
        Assert.Contains("'charge'", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains("skip", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Null(scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void A_late_outcome_unblocks() =>
        Unknown(Charging())
            .Completes("charge", """{"ref":"p-1"}""", attempt: 1)
                .Sends("-charge").IsIn("compensating", SagaStatus.Compensating);

    [Fact]
    public void When_unknown_run_compensates_despite_an_unknown_outcome()
    {
        var scenario = Unknown(Charging(compensation: "command_id", whenUnknown: WhenUnknown.Run));
        var id = scenario.Last.Commands.Single(command => command.Step == "charge").CommandId;
        scenario.Sends("-charge").IsIn("compensating", SagaStatus.Compensating);

        var command = scenario.History.Last(note => note.Kind == HistoryKind.CompensationStarted);
        Assert.Equal("charge", command.Step);
        Assert.Equal(Identity.Compensation(new(Guid.Parse(Argument(scenario)))), id);
    }

    [Fact]
    public void When_unknown_run_reads_the_data_from_before_the_step_despite_later_events()
    {
        var scenario = Charging(compensation: "data.note", whenUnknown: WhenUnknown.Run, note: "before");
        scenario.Receives("remark", """{"text":"after"}""");
        Assert.Equal("after", scenario.Saga.Data["note"].AsString());

        Unknown(scenario).Sends("-charge");
        Assert.Equal("before", Argument(scenario));
    }

    [Fact]
    public void Every_attempt_has_the_same_arguments_despite_later_events()
    {
        var scenario = Charging(note: "before");
        var first = scenario.Arguments("charge");
        scenario.Receives("remark", """{"text":"after"}""")
            .LosesResult("charge")
            .Wakes().Sends("charge#2");

        Assert.Equal(first, scenario.Arguments("charge"));
    }

    [Fact]
    public void A_failed_step_that_may_have_happened_is_compensated_with_when_unknown_run()
    {
        var scenario = Charging(compensation: "command_id", whenUnknown: WhenUnknown.Run);
        scenario.LosesResult("charge")
            .Wakes()
            .LosesResult("charge")
            .Wakes()
            .LosesResult("charge").Sends("-charge");

        scenario.Completes("charge")
                .Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Failed);
        Assert.Equal("step_timed_out", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_rejected_step_is_not_compensated_even_with_when_unknown_run() =>
        Charging(compensation: "command_id", whenUnknown: WhenUnknown.Run).Answered("charge", 404).Sends("-reserve");

    [Fact]
    public void A_step_without_compensation_is_cancelled_or_awaited_but_never_resent()
    {
        var scenario = Charging(compensation: null).Receives("cancel").Sends().IsIn("compensating", SagaStatus.Compensating);

        scenario.Wakes(_ => new Lease(1, null)).Sends("-reserve");
    }

    [Fact]
    public void A_computation_in_flight_is_dropped_at_once()
    {
        var plan = TestStates.Plan(
            [TestStates.State("working", "done", [TestStates.Compute("sum")]), TestStates.End("done")],
            events: [TestStates.Event("cancel")],
            anyState: [TestStates.On("cancel", "compensating")]);
        var scenario = new SagaScenario(plan).Starts();
        var late = scenario.Result("sum", StepOutcome.Completed, "{}", null);
        scenario.Receives("cancel").IsIn("failed", SagaStatus.Failed);

        Assert.False(scenario.Handles(late).Last.Changed);
    }

    [Fact]
    public void An_ordinary_state_is_entered_only_after_interrupted_steps_are_resolved()
    {
        var scenario = Leaving().Sends().IsIn("charging", SagaStatus.Running);
        Assert.Equal(new Departure("asking"), scenario.Saga.Leaving);

        scenario.Completes("charge", """{"ref":"p-1"}""").Sends("-charge").IsIn("charging", SagaStatus.Running);
        scenario.Completes("charge").Sends().IsIn("asking", SagaStatus.Waiting);
        Assert.Null(scenario.Saga.Leaving);
        Assert.Equal(["reserve"], scenario.Saga.Compensables.Select(compensable => compensable.Step));
    }

    [Fact]
    public void A_departure_compensates_only_what_happened() =>
        Leaving().Wakes(_ => SagaScenario.Cancelled).Sends().IsIn("asking", SagaStatus.Waiting);

    [Fact]
    public void During_a_departure_events_are_buffered_and_timers_do_not_fire()
    {
        var scenario = Leaving().Receives("card").Sends();
        Assert.Single(scenario.Saga.BufferedEvents);

        scenario.AdvancesTime(TimeSpan.FromHours(100))
            .Wakes(_ => new Lease(1, scenario.Now.AddHours(1)));
        Assert.NotNull(scenario.Saga.Leaving);
        scenario.Answered("charge", 404).Sends("charge").IsIn("charging", SagaStatus.Running);
        Assert.Empty(scenario.Saga.BufferedEvents);
        Assert.Equal(2, scenario.Saga.Visit);
    }

    [Fact]
    public void Cancel_is_allowed_during_a_departure()
    {
        var scenario = Leaving().OperatorSends(OperatorCommand.Cancel).IsIn("compensating", SagaStatus.Compensating);

        scenario.Completes("charge", """{"ref":"p-1"}""")
                .Sends("-charge")
            .Completes("charge").Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void Past_the_pivot_interrupted_steps_are_resolved_before_the_end_and_never_compensated()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State(
                    "sending", "done", [TestStates.Effect("send", compensation: "'x'")],
                    on: [TestStates.On("enough", "done")], pivot: true),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("enough")]);
        var scenario = new SagaScenario(plan).Starts()
            .Receives("enough").Sends().IsIn("sending", SagaStatus.Running);

        scenario.Completes("send").Sends().IsIn("done", SagaStatus.Completed);
        Assert.Empty(scenario.Saga.Outstanding);
    }

    [Fact]
    public void A_deadline_interrupts_and_steps_that_completed_meanwhile_are_compensated()
    {
        var scenario = Charging()
            .AdvancesTime(TimeSpan.FromHours(72))
            .Fires().Sends().IsIn("compensating", SagaStatus.Compensating);

        scenario.Completes("charge", """{"ref":"p-1"}""")
                .Sends("-charge")
            .Completes("charge")
            .Completes("reserve");
        Assert.Equal("deadline_exceeded", scenario.Answers.Single().Fault!.Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_blocked_departure_ignores_events_and_deadlines(bool retried)
    {
        var scenario = Leaving()
            .Completes("charge", """{"ref":"p-1"}""").Sends("-charge")
            .Answered("charge", 409).IsIn("charging", SagaStatus.Blocked);
        StaysBlocked(scenario, "charging");

        // The target state receives the buffered event.
        _ = retried
            ? scenario.OperatorSends(OperatorCommand.Retry).Sends("-charge").Completes("charge")
            : scenario.OperatorSends(OperatorCommand.Skip);
        scenario.Sends("-reserve").IsIn("compensating", SagaStatus.Compensating);
        Assert.Equal("cancel", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_blocked_compensation_ignores_events_and_deadlines()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("charging", "done", [TestStates.Effect("charge", compensation: "'c'"), TestStates.Effect("check")]),
                TestStates.CompensatingState("unwinding", "asking"),
                TestStates.State("asking"),
                TestStates.End("done"),
                TestStates.End("cancelled", EndKind.Failed),
            ],
            onFailure: "unwinding",
            events: [TestStates.Event("cancel")],
            anyState: [TestStates.On("cancel", "cancelled")],
            deadline: TestStates.After(TimeSpan.FromHours(72), "cancelled"))).Starts();
        scenario.Completes("charge")
            .Answered("check", 404).Sends("-charge")
            .Answered("charge", 409).IsIn("unwinding", SagaStatus.Blocked);
        StaysBlocked(scenario, "unwinding");

        scenario.OperatorSends(OperatorCommand.Retry).Sends("-charge").IsIn("unwinding", SagaStatus.Compensating);
        Assert.Single(scenario.Saga.BufferedEvents);
        scenario.Completes("charge").IsIn("cancelled", SagaStatus.Failed);
        Assert.Equal("cancel", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_resend_repeats_the_same_attempt_and_uses_up_none()
    {
        var scenario = Charging()
            .LosesResult("charge")
            .Wakes().Sends("charge#2");
        scenario.LosesMessages().Sends("charge#2");

        Assert.Equal(2, scenario.Saga.Outstanding[0].Attempt);
    }

    [Fact]
    public void A_resend_queries_the_ledger_at_once_about_interrupted_steps()
    {
        var scenario = Charging().Receives("cancel");
        scenario.Wakes(_ => new Lease(1, scenario.Now.AddHours(1)));
        scenario.LosesMessages().Sends();

        Assert.Equal(scenario.Now, scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void A_resend_of_a_saga_with_nothing_in_flight_changes_nothing()
    {
        var scenario = Charging().LosesResult("charge");

        Assert.False(scenario.LosesMessages().Last.Changed);
    }

    private static SagaScenario Charging(
        string? compensation = "result.ref", WhenUnknown whenUnknown = WhenUnknown.Block, string? reject = null, string note = "") =>
            new SagaScenario(TestStates.Plan(
        [
            TestStates.State(
                "reserving",
                "charging",
                [TestStates.Set("begin", TestStates.Put("note", $"'{note}'")), TestStates.Effect("reserve", compensation: "'r'")]),
            TestStates.State("charging", "done",
                [
                    TestStates.Effect(
                        "charge", "data.note", compensation, whenUnknown,
                        reject: reject is null ? [] : [new RejectRule(TestStates.Cel(reject), "declined")],
                        save: whenUnknown == WhenUnknown.Run ? [] : [TestStates.Put("payment", "result.ref")]),
                    TestStates.Effect("notify"),
                ],
                on: [TestStates.On("remark", null, null, TestStates.Put("note", "event.text")), TestStates.On("other_card", "asking")]),
            TestStates.State(
                "asking",
                on: [TestStates.On("card", "charging")],
                timeout: TestStates.After(TimeSpan.FromHours(48), "compensating")),
            TestStates.End("done"),
        ],
        data: [TestStates.Field("note"), TestStates.Field("payment")],
        events: [TestStates.Event("cancel"), TestStates.Event("remark"), TestStates.Event("other_card"), TestStates.Event("card")],
        anyState: [TestStates.On("cancel", "compensating")],
        deadline: TestStates.After(TimeSpan.FromHours(72), "compensating")))
            .Starts()
            .Completes("reserve").Sends("charge");

    private static SagaScenario Leaving() => Charging().Receives("other_card");

    // The step is interrupted, and each attempt to determine its outcome fails.
    private static SagaScenario Unknown(SagaScenario scenario) => scenario
        .Receives("cancel")
        .Wakes(_ => new Lease(1, null))
        .Wakes().Sends("charge#2")
        .LosesResult("charge")
        .Wakes().Sends("charge#3")
        .LosesResult("charge");

    // The event is buffered, the deadline passes, and the compensation still needs an operator.
    private static void StaysBlocked(SagaScenario scenario, string state)
    {
        var blockage = scenario.Saga.Blockage;
        scenario.Receives("cancel").Sends().IsIn(state, SagaStatus.Blocked);
        scenario.AdvancesTime(TimeSpan.FromHours(100))
            .Fires().Sends().IsIn(state, SagaStatus.Blocked);

        Assert.Equal((BlockedBy.Compensation, "charge"), (blockage!.Kind, blockage.Step));
        Assert.Equal([blockage], scenario.Saga.Blockages);
        Assert.Equal(["cancel"], scenario.Saga.BufferedEvents.Select(buffered => buffered.Event));
    }

    private static IEnumerable<string?> Compensated(SagaScenario scenario) =>
        scenario.History.Where(note => note.Kind == HistoryKind.CompensationCompleted).Select(note => note.Step);

    private static string Argument(SagaScenario scenario)
    {
        using var json = System.Text.Json.JsonDocument.Parse(scenario.Arguments("charge"));
        return json.RootElement.GetProperty("undo").GetString()!;
    }
}
