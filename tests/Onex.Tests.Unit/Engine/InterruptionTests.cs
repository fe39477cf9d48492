using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Tests.Unit.Engine;

/// <summary>Interruption and the resolution of what was in flight: docs/contract-language.md#compensation.</summary>
public sealed class InterruptionTests
{
    [Fact]
    public void Steps_that_were_not_started_are_dropped() =>
        Charging().Tells("cancel").Wakes(_ => Story.Cancelled).Sends("-reserve").Completes("reserve").IsIn("failed", SagaStatus.Failed);

    [Fact]
    public void A_compensating_state_is_entered_at_once_but_takes_nothing_back_past_what_is_in_flight()
    {
        var story = Charging().Tells("cancel").Sends().IsIn("compensating", SagaStatus.Compensating);

        Assert.True(Assert.Single(story.Saga.Outstanding).Interrupted);
        Assert.Equal(story.Now, story.Saga.NextWakeupAt);
        Assert.Equal([story.Saga.Outstanding[0].CommandId], Timers.ToCancel(story.Plan, story.Saga, story.Now));
        Assert.Empty(Timers.InNeedOfLedger(story.Plan, story.Saga, story.Now));
    }

    [Fact]
    public void A_command_that_the_ledger_cancelled_has_nothing_to_take_back()
    {
        var story = Charging().Tells("cancel").Wakes(_ => Story.Cancelled).Sends("-reserve");

        Assert.Single(story.Saga.Undo);
        story.Completes("reserve").IsIn("failed", SagaStatus.Failed);
        Assert.Equal(["reserve"], Compensated(story));
    }

    [Fact]
    public void A_command_that_completed_all_the_same_is_taken_back_first()
    {
        var story = Charging().Tells("cancel").Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
        Assert.Equal("""{"undo":"p-1"}""", story.Arguments("charge"));
        Assert.False(story.Saga.Data.ContainsKey("payment"));

        story.Completes("charge").Sends("-reserve").Completes("reserve").IsIn("failed", SagaStatus.Failed);
        Assert.Equal(["charge", "reserve"], Compensated(story));
    }

    [Fact]
    public void A_command_that_was_rejected_has_nothing_to_take_back() =>
        Charging().Tells("cancel").Answered("charge", 404).Sends("-reserve");

    [Fact]
    public void A_reject_guard_counts_for_an_interrupted_command_too() =>
        Charging(reject: "result.code == 402").Tells("cancel").Completes("charge", """{"code":402}""").Sends("-reserve");

    [Fact]
    public void While_someone_has_the_lease_its_outcome_is_awaited()
    {
        var story = Charging().Tells("cancel");
        var until = story.Now + TimeSpan.FromSeconds(30);
        story.Wakes(_ => new Lease(1, until)).Sends();
        Assert.Equal(until + TimeSpan.FromSeconds(1), story.Saga.NextWakeupAt);

        story.Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
    }

    [Fact]
    public void When_the_lease_has_run_out_the_same_command_is_sent_again_until_its_outcome_is_known()
    {
        var story = Charging();
        var (id, arguments) = (story.Saga.Outstanding[0].CommandId, story.Arguments("charge"));
        story.Tells("cancel").Wakes(_ => new Lease(1, null)).Sends().Wakes().Sends("charge#2");
        Assert.Equal((id, arguments), (story.Last.Commands[0].CommandId, story.Last.Commands[0].Arguments.ToString()));

        story.Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
    }

    [Fact]
    public void A_command_that_was_taken_once_and_waits_for_its_next_attempt_is_sent_again() =>
        Charging().Loses("charge").Wakes().Sends("charge#2").Tells("cancel").Wakes(_ => null).Sends("charge#2");

    [Fact]
    public void A_command_that_backs_off_is_sent_again_at_once_to_find_out()
    {
        var story = Charging().Loses("charge").Tells("cancel");
        Assert.Equal(story.Now, story.Saga.NextWakeupAt);
        Assert.Empty(Timers.ToCancel(story.Plan, story.Saga, story.Now));

        story.Wakes().Sends("charge#2").Completes("charge", """{"ref":"p-1"}""").Sends("-charge");
    }

    [Fact]
    public void A_command_that_stays_unknown_after_its_retry_policy_blocks()
    {
        var story = Unknown(Charging()).IsIn("compensating", SagaStatus.Blocked);

        Assert.Equal((BlockedBy.Interrupted, "charge"), (story.Saga.Blockage!.Kind, story.Saga.Blockage.Step));
        Assert.Contains("'charge'", story.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains("skip", story.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Null(story.Saga.NextWakeupAt);
    }

    [Fact]
    public void An_outcome_that_arrives_after_all_unblocks() =>
        Unknown(Charging()).Completes("charge", """{"ref":"p-1"}""", attempt: 1).Sends("-charge").IsIn("compensating", SagaStatus.Compensating);

    [Fact]
    public void With_when_unknown_the_compensation_runs_although_nobody_can_tell()
    {
        var story = Unknown(Charging(undo: "command_id", whenUnknown: WhenUnknown.Run));
        var id = story.Last.Commands.Single(command => command.Step == "charge").CommandId;
        story.Sends("-charge").IsIn("compensating", SagaStatus.Compensating);

        var command = story.History.Last(note => note.Kind == HistoryKinds.CompensationStarted);
        Assert.Equal("charge", command.Step);
        Assert.Equal(Identity.Compensation(new(Guid.Parse(Argument(story)))), id);
    }

    [Fact]
    public void When_unknown_reads_the_data_as_of_before_the_step_although_an_event_has_written_since()
    {
        var story = Charging(undo: "data.note", whenUnknown: WhenUnknown.Run, note: "before");
        story.Tells("remark", """{"text":"after"}""");
        Assert.Equal("after", story.Saga.Data["note"].AsString());

        Unknown(story).Sends("-charge");
        Assert.Equal("before", Argument(story));
    }

    [Fact]
    public void Every_attempt_says_the_same_although_an_event_has_written_since()
    {
        var story = Charging(note: "before");
        var first = story.Arguments("charge");
        story.Tells("remark", """{"text":"after"}""").Loses("charge").Wakes().Sends("charge#2");

        Assert.Equal(first, story.Arguments("charge"));
    }

    [Fact]
    public void A_step_that_finally_failed_and_may_have_happened_is_taken_back_with_when_unknown()
    {
        var story = Charging(undo: "command_id", whenUnknown: WhenUnknown.Run);
        story.Loses("charge").Wakes().Loses("charge").Wakes().Loses("charge").Sends("-charge");

        story.Completes("charge").Sends("-reserve").Completes("reserve").IsIn("failed", SagaStatus.Failed);
        Assert.Equal("step_timed_out", story.Saga.Fault!.Code);
    }

    [Fact]
    public void A_step_that_was_rejected_is_not_taken_back_even_with_when_unknown() =>
        Charging(undo: "command_id", whenUnknown: WhenUnknown.Run).Answered("charge", 404).Sends("-reserve");

    [Fact]
    public void A_step_without_compensation_is_cancelled_or_awaited_but_never_sent_again()
    {
        var story = Charging(undo: null).Tells("cancel").Sends().IsIn("compensating", SagaStatus.Compensating);

        story.Wakes(_ => new Lease(1, null)).Sends("-reserve");
    }

    [Fact]
    public void A_computation_in_flight_is_dropped_at_once()
    {
        var plan = TestStates.Plan(
            [TestStates.State("working", "done", [TestStates.Compute("sum")]), TestStates.End("done")],
            events: [TestStates.Event("cancel")],
            anyState: [TestStates.On("cancel", "compensating")]);
        var story = new Story(plan).Starts();
        var late = story.Result("sum", StepOutcome.Completed, "{}", null);
        story.Tells("cancel").IsIn("failed", SagaStatus.Failed);

        Assert.False(story.Takes(late).Last.Changed);
    }

    [Fact]
    public void Any_other_state_is_entered_only_when_what_was_interrupted_is_resolved_and_taken_back()
    {
        var story = Leaving().Sends().IsIn("charging", SagaStatus.Running);
        Assert.Equal(new Departure("asking"), story.Saga.Leaving);

        story.Completes("charge", """{"ref":"p-1"}""").Sends("-charge").IsIn("charging", SagaStatus.Running);
        story.Completes("charge").Sends().IsIn("asking", SagaStatus.Waiting);
        Assert.Null(story.Saga.Leaving);
        Assert.Equal(["reserve"], story.Saga.Undo.Select(undo => undo.Step));
    }

    [Fact]
    public void A_departure_takes_nothing_back_that_has_not_happened() =>
        Leaving().Wakes(_ => Story.Cancelled).Sends().IsIn("asking", SagaStatus.Waiting);

    [Fact]
    public void During_a_departure_events_are_kept_and_timers_do_not_fire()
    {
        var story = Leaving().Tells("card").Sends();
        Assert.Single(story.Saga.Early);

        story.After(TimeSpan.FromHours(100)).Wakes(_ => new Lease(1, story.Now.AddHours(1)));
        Assert.NotNull(story.Saga.Leaving);
        story.Answered("charge", 404).Sends("charge").IsIn("charging", SagaStatus.Running);
        Assert.Empty(story.Saga.Early);
        Assert.Equal(2, story.Saga.Visit);
    }

    [Fact]
    public void An_operator_may_cancel_during_a_departure()
    {
        var story = Leaving().Asks(OperatorCommand.Cancel).IsIn("compensating", SagaStatus.Compensating);

        story.Completes("charge", """{"ref":"p-1"}""").Sends("-charge").Completes("charge").Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void Past_the_pivot_what_was_interrupted_is_resolved_before_the_end_and_never_taken_back()
    {
        var plan = TestStates.Plan(
            [
                TestStates.State("sending", "done", [TestStates.Effect("send", undo: "'x'")], on: [TestStates.On("enough", "done")], pivot: true),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("enough")]);
        var story = new Story(plan).Starts().Tells("enough").Sends().IsIn("sending", SagaStatus.Running);

        story.Completes("send").Sends().IsIn("done", SagaStatus.Completed);
        Assert.Empty(story.Saga.Outstanding);
    }

    [Fact]
    public void A_deadline_interrupts_and_what_completed_meanwhile_is_taken_back()
    {
        var story = Charging().After(TimeSpan.FromHours(72)).Fires().Sends().IsIn("compensating", SagaStatus.Compensating);

        story.Completes("charge", """{"ref":"p-1"}""").Sends("-charge").Completes("charge").Completes("reserve");
        Assert.Equal("deadline_exceeded", story.Answers.Single().Fault!.Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void While_what_was_interrupted_cannot_be_taken_back_neither_an_event_nor_a_deadline_leads_away(bool retried)
    {
        var story = Leaving().Completes("charge", """{"ref":"p-1"}""").Sends("-charge").Answered("charge", 409).IsIn("charging", SagaStatus.Blocked);
        StaysBlocked(story, "charging");

        // Where it was going it takes what was kept.
        story = retried ? story.Asks(OperatorCommand.Retry).Sends("-charge").Completes("charge") : story.Asks(OperatorCommand.Skip);
        story.Sends("-reserve").IsIn("compensating", SagaStatus.Compensating);
        Assert.Equal("cancel", story.Saga.Fault!.Code);
    }

    [Fact]
    public void While_a_compensation_is_blocked_neither_an_event_nor_a_deadline_leads_away()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("charging", "done", [TestStates.Effect("charge", undo: "'c'"), TestStates.Effect("check")]),
                TestStates.Unwinding("unwinding", "asking"),
                TestStates.State("asking"),
                TestStates.End("done"),
                TestStates.End("cancelled", EndKind.Failed),
            ],
            onFailure: "unwinding",
            events: [TestStates.Event("cancel")],
            anyState: [TestStates.On("cancel", "cancelled")],
            deadline: TestStates.After(TimeSpan.FromHours(72), "cancelled"))).Starts();
        story.Completes("charge").Answered("check", 404).Sends("-charge").Answered("charge", 409).IsIn("unwinding", SagaStatus.Blocked);
        StaysBlocked(story, "unwinding");

        story.Asks(OperatorCommand.Retry).Sends("-charge").IsIn("unwinding", SagaStatus.Compensating);
        Assert.Single(story.Saga.Early);
        story.Completes("charge").IsIn("cancelled", SagaStatus.Failed);
        Assert.Equal("cancel", story.Saga.Fault!.Code);
    }

    [Fact]
    public void A_resend_sends_the_same_attempt_again_and_burns_nothing()
    {
        var story = Charging().Loses("charge").Wakes().Sends("charge#2");
        story.LosesMessages().Sends("charge#2");

        Assert.Equal(2, story.Saga.Outstanding[0].Attempt);
    }

    [Fact]
    public void A_resend_asks_the_ledger_at_once_about_what_is_interrupted()
    {
        var story = Charging().Tells("cancel");
        story.Wakes(_ => new Lease(1, story.Now.AddHours(1)));
        story.LosesMessages().Sends();

        Assert.Equal(story.Now, story.Saga.NextWakeupAt);
    }

    [Fact]
    public void A_resend_of_a_saga_with_nothing_in_flight_changes_nothing()
    {
        var story = Charging().Loses("charge");

        Assert.False(story.LosesMessages().Last.Changed);
    }

    private static Story Charging(
        string? undo = "result.ref", WhenUnknown whenUnknown = WhenUnknown.Block, string? reject = null, string note = "") => new Story(TestStates.Plan(
        [
            TestStates.State("reserving", "charging", [TestStates.Set("begin", TestStates.Put("note", $"'{note}'")), TestStates.Effect("reserve", undo: "'r'")]),
            TestStates.State("charging", "done",
                [
                    TestStates.Effect(
                        "charge", "data.note", undo, whenUnknown,
                        reject: reject is null ? [] : [new RejectRule(TestStates.Cel(reject), "declined")],
                        save: whenUnknown == WhenUnknown.Run ? [] : [TestStates.Put("payment", "result.ref")]),
                    TestStates.Effect("notify"),
                ],
                on: [TestStates.On("remark", null, null, TestStates.Put("note", "event.text")), TestStates.On("other_card", "asking")]),
            TestStates.State("asking", on: [TestStates.On("card", "charging")], timeout: TestStates.After(TimeSpan.FromHours(48), "compensating")),
            TestStates.End("done"),
        ],
        data: [TestStates.Field("note"), TestStates.Field("payment")],
        events: [TestStates.Event("cancel"), TestStates.Event("remark"), TestStates.Event("other_card"), TestStates.Event("card")],
        anyState: [TestStates.On("cancel", "compensating")],
        deadline: TestStates.After(TimeSpan.FromHours(72), "compensating"))).Starts().Completes("reserve").Sends("charge");

    private static Story Leaving() => Charging().Tells("other_card");

    // It is interrupted, and each attempt to find out comes to nothing.
    private static Story Unknown(Story story) => story.Tells("cancel").Wakes(_ => new Lease(1, null))
        .Wakes().Sends("charge#2").Loses("charge").Wakes().Sends("charge#3").Loses("charge");

    // The event is kept, the deadline passes, and what is to be taken back is still an operator's affair.
    private static void StaysBlocked(Story story, string state)
    {
        var blockage = story.Saga.Blockage;
        story.Tells("cancel").Sends().IsIn(state, SagaStatus.Blocked);
        story.After(TimeSpan.FromHours(100)).Fires().Sends().IsIn(state, SagaStatus.Blocked);

        Assert.Equal((BlockedBy.Compensation, "charge"), (blockage!.Kind, blockage.Step));
        Assert.Equal([blockage], story.Saga.Blockages);
        Assert.Equal(["cancel"], story.Saga.Early.Select(kept => kept.Event));
    }

    private static IEnumerable<string?> Compensated(Story story) =>
        story.History.Where(note => note.Kind == HistoryKinds.CompensationCompleted).Select(note => note.Step);

    private static string Argument(Story story)
    {
        using var json = System.Text.Json.JsonDocument.Parse(story.Arguments("charge"));
        return json.RootElement.GetProperty("undo").GetString()!;
    }
}
