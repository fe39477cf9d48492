namespace Onex.Tests.Unit.Engine;

/// <summary>Operator commands: docs/operating.md#operators-commands.</summary>
public sealed class OperatorTests
{
    [Fact]
    public void Cancel_compensates_completed_steps_and_ends_cancelled()
    {
        var scenario = Start()
            .Completes("reserve")
            .OperatorSends(OperatorCommand.Cancel, "alice", "wrong address")
            .Wakes(_ => SagaScenario.Cancelled).Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);

        var fault = scenario.Answers.Single().Fault!;
        Assert.Equal(("cancelled", "The saga was cancelled."), (fault.Code, fault.Message));
        Assert.Contains("""{"by":"alice","reason":"wrong address"}""", scenario.History.Select(note => note.Detail.ToString()));
    }

    [Fact]
    public void Cancel_of_a_compensating_saga_makes_it_end_as_cancelled()
    {
        var scenario = Start()
            .Completes("reserve")
            .Answered("charge", 404).Sends("-reserve")
            .OperatorSends(OperatorCommand.Cancel).Sends()
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);

        Assert.Equal(("cancelled", "http_404"), (scenario.Answers.Single().Fault!.Code, scenario.Saga.Fault!.Code));
    }

    [Fact]
    public void Cancel_is_not_allowed_past_the_pivot() => IsNotAllowed(Confirming(), OperatorCommand.Cancel, "past the pivot");

    [Fact]
    public void Cancel_is_not_allowed_twice() =>
        IsNotAllowed(Start().OperatorSends(OperatorCommand.Cancel, "bob"), OperatorCommand.Cancel, "bob has cancelled it already");

    [Fact]
    public void No_command_is_allowed_after_the_end() => Assert.All(
        Enum.GetValues<OperatorCommand>(), command => IsNotAllowed(Start().Answered("reserve", 404), command, "has ended"));

    [Fact]
    public void Cancel_of_a_blocked_step_interrupts_it()
    {
        var scenario = Start().IsUndeliverable().IsIn("reserving", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Cancel).Sends().IsIn("compensating", SagaStatus.Compensating);

        scenario.Wakes(_ => SagaScenario.Cancelled).IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_blocked_step_does_not_skip_a_blocked_compensation()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                steps:
                  - id: first
                    effect: http.post
                    connection: outside
                    with: { path: /first }
                    compensate: { effect: http.delete, connection: outside, with: { path: /first } }
                  - parallel:
                      branches:
                        - parallel:
                            join: any
                            branches:
                              - id: loser
                                effect: http.post
                                connection: outside
                                with: { path: /loser }
                                compensate: { effect: http.delete, connection: outside, with: { path: /loser } }
                              - { id: winner, effect: http.get, connection: outside, with: { path: /winner } }
                        - { id: other, effect: http.get, connection: outside, with: { path: /other } }
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("first", 200)
                .Answered("winner", 200)
                .Answered("loser", 200).Sends("-loser");
        scenario.Handles(scenario.Result("other", StepOutcome.Undeliverable, null, "too_large"));
        scenario.Handles(scenario.Result("loser", StepOutcome.Rejected, null, "http_409")).IsIn("working", SagaStatus.Blocked);
        Assert.Equal([BlockedBy.Step, BlockedBy.Compensation], scenario.Saga.Blockages.Select(blockage => blockage.Kind));

        scenario.OperatorSends(OperatorCommand.Cancel).Sends().IsIn("compensating", SagaStatus.Blocked);
        Assert.Equal("loser", Assert.Single(scenario.Saga.Blockages).Step);
        scenario.Wakes(_ => SagaScenario.Cancelled).Sends().IsIn("compensating", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Retry)
                .Sends("-loser")
            .Completes("loser").Sends("-first")
            .Completes("first").IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void Retry_is_allowed_only_when_blocked() => IsNotAllowed(Start(), OperatorCommand.Retry, "not blocked");

    [Fact]
    public void Retry_of_a_rejected_compensation_is_a_new_command()
    {
        var scenario = BlockedCompensation();
        var first = scenario.Saga.Blockage!.CommandId;
        scenario.OperatorSends(OperatorCommand.Retry).Sends("-reserve").IsIn("compensating", SagaStatus.Compensating);
        Assert.NotEqual(first, scenario.Last.Commands[0].CommandId);
        Assert.Null(scenario.Saga.BlockedBecause);

        scenario.Answered("reserve", 409)
                .IsIn("compensating", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Retry);
        scenario.Completes("reserve").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void Retry_of_a_failed_compensation_is_the_same_command_with_new_attempts()
    {
        var scenario = Start()
            .Completes("reserve")
            .Answered("charge", 404);
        var first = scenario.Last.Commands[0].CommandId;
        scenario.Fails("reserve")
            .Wakes()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve").IsIn("compensating", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Retry).Sends("-reserve#4");
        Assert.Equal(first, scenario.Last.Commands[0].CommandId);
        scenario.Fails("reserve")
            .Wakes().Sends("-reserve#5")
            .Fails("reserve")
            .Wakes()
            .Fails("reserve").IsIn("compensating", SagaStatus.Blocked);
    }

    [Fact]
    public void Skip_of_a_compensation_continues_without_it()
    {
        var scenario = BlockedCompensation()
            .OperatorSends(OperatorCommand.Skip, reason: "refunded by hand")
                .Sends().IsIn("failed", SagaStatus.Failed);

        var note = scenario.History.Single(note => note.Kind == HistoryKind.SkippedByOperator);
        Assert.Equal(("reserve", """{"by":"alice","reason":"refunded by hand"}"""), (note.Step, note.Detail.ToString()));
    }

    [Fact]
    public void Retry_of_a_rejected_step_past_the_pivot_is_a_new_command()
    {
        var scenario = Confirming();
        var first = scenario.Saga.Outstanding[0].CommandId;
        scenario.Answered("confirm", 409)
                .IsIn("confirming", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(first, scenario.Last.Commands[0].CommandId);

        var second = scenario.Last.Commands[0].CommandId;
        scenario.Answered("confirm", 409)
            .OperatorSends(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(second, scenario.Last.Commands[0].CommandId);
        scenario.Completes("confirm").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Skip_of_a_step_continues_without_its_result() =>
        Confirming()
            .Answered("confirm", 409)
            .OperatorSends(OperatorCommand.Skip).Sends().IsIn("done", SagaStatus.Completed);

    [Fact]
    public void Retry_sends_an_undeliverable_command_again()
    {
        var scenario = Start();
        var id = scenario.Saga.Outstanding[0].CommandId;
        scenario.IsUndeliverable().OperatorSends(OperatorCommand.Retry).Sends("reserve#2");

        Assert.Equal(id, scenario.Last.Commands[0].CommandId);
        scenario.Completes("reserve").Sends("charge");
    }

    [Fact]
    public void A_command_with_an_expired_key_is_not_retried_for_ever_even_past_the_pivot()
    {
        var scenario = Confirming()
            .Answered("confirm", 503)
            .AdvancesTime(Outstanding.LifeTime)
            .Wakes()
            .Answered("confirm", 503);

        scenario.IsIn("confirming", SagaStatus.Blocked);
        Assert.Contains("its key is valid for 14 days", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public void Retry_of_a_command_with_an_expired_key_queries_the_ledger_first()
    {
        var scenario = Confirming()
            .Answered("confirm", 503)
            .AdvancesTime(Outstanding.LifeTime)
            .Wakes()
            .Answered("confirm", 503);
        var old = scenario.Saga.Outstanding[0].CommandId;
        scenario.OperatorSends(OperatorCommand.Retry).Sends().IsIn("confirming", SagaStatus.Running);
        Assert.Equal([old], Timers.ToLookUp(scenario.Plan, scenario.Saga, scenario.Now));

        scenario.Wakes(_ => new Lease(2, null))
                .IsIn("confirming", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(old, scenario.Last.Commands[0].CommandId);
    }

    [Fact]
    public void An_undeliverable_old_copy_does_not_count_as_a_ledger_outcome()
    {
        var scenario = Confirming()
            .Answered("confirm", 503)
            .AdvancesTime(Outstanding.LifeTime)
            .Wakes()
            .Answered("confirm", 503);
        var old = scenario.Saga.Outstanding[0].CommandId;
        scenario.OperatorSends(OperatorCommand.Retry)
            .Handles(scenario.Result("confirm", StepOutcome.Undeliverable, null, "too_large"));

        Assert.False(scenario.Last.Changed);
        Assert.Equal([old], Timers.ToLookUp(scenario.Plan, scenario.Saga, scenario.Now));
    }

    [Fact]
    public void Retry_of_an_unknown_interrupted_step_sends_it_again()
    {
        var scenario = UnknownInterrupted()
            .OperatorSends(OperatorCommand.Retry).Sends("reserve#4").IsIn("compensating", SagaStatus.Compensating);

        scenario.Completes("reserve").Sends("-reserve");
    }

    [Fact]
    public void Skip_of_an_unknown_interrupted_step_assumes_that_it_did_not_happen() =>
        UnknownInterrupted().OperatorSends(OperatorCommand.Skip).Sends().IsIn("failed", SagaStatus.Cancelled);

    [Fact]
    public void Skip_is_not_allowed_without_a_blockage() =>
        IsNotAllowed(new SagaScenario(TestStates.Plan([TestStates.State("one", "one")])).Starts(), OperatorCommand.Skip, "nothing to skip");

    [Fact]
    public void A_paused_saga_sends_nothing_but_accepts_results()
    {
        var scenario = Start().OperatorSends(OperatorCommand.Pause, "alice", "stocktaking").IsIn("reserving", SagaStatus.Paused);
        scenario.Completes("reserve").Sends().IsIn("reserving", SagaStatus.Paused);
        Assert.Empty(scenario.Saga.Outstanding);
        Assert.Null(scenario.Saga.NextWakeupAt);

        scenario.AdvancesTime(TimeSpan.FromDays(1))
            .OperatorSends(OperatorCommand.Resume).Sends("charge").IsIn("charging", SagaStatus.Running);
        Assert.Equal((1, scenario.Now), (scenario.Saga.Outstanding.Single().Attempt, scenario.Saga.Outstanding.Single().FirstSentAt));
    }

    [Fact]
    public void A_paused_saga_compensates_nothing_until_it_is_resumed() =>
        Start()
            .Completes("reserve")
            .OperatorSends(OperatorCommand.Pause)
            .Answered("charge", 404).Sends().IsIn("compensating", SagaStatus.Paused)
            .OperatorSends(OperatorCommand.Resume)
                .Sends("-reserve").IsIn("compensating", SagaStatus.Compensating);

    [Fact]
    public void A_paused_saga_queries_commands_in_flight_but_resends_none()
    {
        var scenario = Start().OperatorSends(OperatorCommand.Pause);
        Assert.Equal(scenario.Saga.Outstanding[0].DueAt, scenario.Saga.NextWakeupAt);
        scenario.Wakes().Sends();
        Assert.Equal(AttemptPhase.Held, scenario.Saga.Outstanding[0].Phase);

        var id = scenario.Saga.Outstanding[0].CommandId;
        scenario.OperatorSends(OperatorCommand.Resume).Sends("reserve");
        Assert.Equal((id, 1), (scenario.Last.Commands[0].CommandId, scenario.Last.Commands[0].Attempt));
    }

    [Fact]
    public void A_paused_saga_fires_no_timer_and_fires_overdue_ones_on_resume()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "asking", on: [TestStates.On("go", "done")], timeout: TestStates.After(TimeSpan.FromHours(1), "compensating")),
                TestStates.End("done")],
            events: [TestStates.Event("go")]))
                .Starts()
                .OperatorSends(OperatorCommand.Pause).IsIn("asking", SagaStatus.Paused);
        Assert.Null(scenario.Saga.NextWakeupAt);
        Assert.False(scenario.AdvancesTime(TimeSpan.FromHours(2)).Fires().Last.Changed);

        scenario.OperatorSends(OperatorCommand.Resume).IsIn("asking", SagaStatus.Waiting);
        Assert.True(scenario.Saga.NextWakeupAt < scenario.Now);
        scenario.Wakes().IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_paused_saga_buffers_events_and_applies_them_on_resume()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "working", "done", [TestStates.Compute("sum"), TestStates.Effect("call")], on: [TestStates.On("stop", "done")]),
                TestStates.End("done")],
            events: [TestStates.Event("stop")]))
                .Starts()
                .OperatorSends(OperatorCommand.Pause)
                .Receives("stop").IsIn("working", SagaStatus.Paused);
        Assert.Single(scenario.Saga.BufferedEvents);

        scenario.Completes("sum")
                .Sends()
            .OperatorSends(OperatorCommand.Resume).Sends().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_blocked_saga_buffers_events_until_it_continues()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("sending", "done", [TestStates.Effect("send")], on: [TestStates.On("enough", "done")], pivot: true),
                TestStates.End("done")],
            events: [TestStates.Event("enough")]))
                .Starts()
                .Answered("send", 409)
                .Receives("enough").IsIn("sending", SagaStatus.Blocked);
        Assert.Single(scenario.Saga.BufferedEvents);

        scenario.OperatorSends(OperatorCommand.Retry).Sends().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Pause_is_not_allowed_when_blocked_or_paused()
    {
        IsNotAllowed(BlockedCompensation(), OperatorCommand.Pause, "blocked");
        IsNotAllowed(Start().OperatorSends(OperatorCommand.Pause, "bob"), OperatorCommand.Pause, "bob has paused it already");
    }

    [Fact]
    public void Resume_is_allowed_only_when_paused() => IsNotAllowed(Start(), OperatorCommand.Resume, "not paused");

    [Fact]
    public void Cancel_of_a_paused_saga_runs_it_to_its_end() =>
        Start()
            .Completes("reserve")
            .OperatorSends(OperatorCommand.Pause)
            .OperatorSends(OperatorCommand.Cancel)
            .Wakes(_ => SagaScenario.Cancelled).Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);

    private static SagaScenario Start() => new SagaScenario(TestStates.Plan(
    [
        TestStates.State("reserving", "charging", [TestStates.Effect("reserve", compensation: "'r'")]),
        TestStates.State("charging", "confirming", [TestStates.Effect("charge", compensation: "'c'")]),
        TestStates.State("confirming", "done", [TestStates.Effect("confirm")], pivot: true),
        TestStates.End("done"),
    ])).Starts();

    private static SagaScenario Confirming() => Start()
        .Completes("reserve")
        .Completes("charge").Sends("confirm");

    private static SagaScenario BlockedCompensation() =>
        Start()
            .Completes("reserve")
            .Answered("charge", 404)
            .Answered("reserve", 409).IsIn("compensating", SagaStatus.Blocked);

    private static SagaScenario UnknownInterrupted() => Start()
        .OperatorSends(OperatorCommand.Cancel, reason: "x")
        .Wakes(_ => new Lease(1, null))
        .Wakes()
        .Fails("reserve")
        .Wakes()
        .Fails("reserve").IsIn("compensating", SagaStatus.Blocked);

    private static void IsNotAllowed(SagaScenario scenario, OperatorCommand command, string because)
    {
        var before = scenario.Saga;
        scenario.OperatorSends(command, "alice");

        Assert.False(scenario.Last.Changed);
        Assert.Same(before, scenario.Saga);
        Assert.Contains(because, scenario.Last.WhyNotDone, StringComparison.Ordinal);
    }
}
