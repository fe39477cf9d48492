using Onex.Engine;

namespace Onex.Tests.Unit.Engine;

/// <summary>What operators may ask of a saga: docs/operating.md#operators-commands.</summary>
public sealed class OperatorTests
{
    [Fact]
    public void Cancel_takes_back_what_was_done_and_ends_cancelled()
    {
        var story = Start().Completes("reserve").Asks(OperatorCommand.Cancel, "alice", "wrong address").Wakes(_ => Story.Cancelled).Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);

        var fault = story.Answers.Single().Fault!;
        Assert.Equal(("cancelled", "The saga was cancelled."), (fault.Code, fault.Message));
        Assert.Contains("""{"by":"alice","reason":"wrong address"}""", story.History.Select(note => note.Detail.ToString()));
    }

    [Fact]
    public void Cancel_of_a_saga_that_takes_back_already_only_marks_it()
    {
        var story = Start().Completes("reserve").Answered("charge", 404).Sends("-reserve").Asks(OperatorCommand.Cancel).Sends()
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);

        Assert.Equal(("cancelled", "http_404"), (story.Answers.Single().Fault!.Code, story.Saga.Fault!.Code));
    }

    [Fact]
    public void Cancel_is_not_done_past_the_pivot() => Refuses(Confirming(), OperatorCommand.Cancel, "past the pivot");

    [Fact]
    public void Cancel_is_not_done_twice() =>
        Refuses(Start().Asks(OperatorCommand.Cancel, "bob"), OperatorCommand.Cancel, "bob has cancelled it already");

    [Fact]
    public void Nothing_is_done_after_the_end() =>
        Refuses(Start().Answered("reserve", 404), OperatorCommand.Cancel, "has ended");

    [Fact]
    public void Cancel_of_a_blocked_step_interrupts_it()
    {
        var story = Start().Takes_Undeliverable().IsIn("reserving", SagaStatus.Blocked);
        story.Asks(OperatorCommand.Cancel).Sends().IsIn("compensating", SagaStatus.Compensating);

        story.Wakes(_ => Story.Cancelled).IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_blocked_step_does_not_pass_over_a_compensation_that_is_blocked_too()
    {
        var story = new Story("""
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
            """).Starts().Answered("first", 200).Answered("winner", 200).Answered("loser", 200).Sends("-loser");
        story.Takes(story.Result("other", StepOutcome.Undeliverable, null, "too_large"));
        story.Takes(story.Result("loser", StepOutcome.Rejected, null, "http_409")).IsIn("working", SagaStatus.Blocked);
        Assert.Equal([BlockedBy.Step, BlockedBy.Compensation], story.Saga.Blockages.Select(blockage => blockage.Kind));

        story.Asks(OperatorCommand.Cancel).Sends().IsIn("compensating", SagaStatus.Blocked);
        Assert.Equal("loser", Assert.Single(story.Saga.Blockages).Step);
        story.Wakes(_ => Story.Cancelled).Sends().IsIn("compensating", SagaStatus.Blocked);
        story.Asks(OperatorCommand.Retry).Sends("-loser").Completes("loser").Sends("-first").Completes("first").IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void Retry_is_done_only_when_blocked() => Refuses(Start(), OperatorCommand.Retry, "not blocked");

    [Fact]
    public void Retry_of_a_rejected_compensation_is_a_new_command()
    {
        var story = BlockedCompensation();
        var first = story.Saga.Blockage!.CommandId;
        story.Asks(OperatorCommand.Retry).Sends("-reserve").IsIn("compensating", SagaStatus.Compensating);
        Assert.NotEqual(first, story.Last.Commands[0].CommandId);
        Assert.Null(story.Saga.BlockedBecause);

        story.Answered("reserve", 409).IsIn("compensating", SagaStatus.Blocked).Asks(OperatorCommand.Retry);
        story.Completes("reserve").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void Retry_of_a_compensation_that_failed_is_the_same_command_with_attempts_of_its_own()
    {
        var story = Start().Completes("reserve").Answered("charge", 404);
        var first = story.Last.Commands[0].CommandId;
        story.Fails("reserve").Wakes().Fails("reserve").Wakes().Fails("reserve").IsIn("compensating", SagaStatus.Blocked);

        story.Asks(OperatorCommand.Retry).Sends("-reserve#4");
        Assert.Equal(first, story.Last.Commands[0].CommandId);
        story.Fails("reserve").Wakes().Sends("-reserve#5").Fails("reserve").Wakes().Fails("reserve").IsIn("compensating", SagaStatus.Blocked);
    }

    [Fact]
    public void Skip_of_a_compensation_goes_on_without_it()
    {
        var story = BlockedCompensation().Asks(OperatorCommand.Skip, reason: "refunded by hand").Sends().IsIn("failed", SagaStatus.Failed);

        var note = story.History.Single(note => note.Kind == HistoryKinds.SkippedByOperator);
        Assert.Equal(("reserve", """{"by":"alice","reason":"refunded by hand"}"""), (note.Step, note.Detail.ToString()));
    }

    [Fact]
    public void Retry_of_a_step_past_the_pivot_that_was_rejected_is_a_new_command()
    {
        var story = Confirming();
        var first = story.Saga.Outstanding[0].CommandId;
        story.Answered("confirm", 409).IsIn("confirming", SagaStatus.Blocked).Asks(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(first, story.Last.Commands[0].CommandId);

        var second = story.Last.Commands[0].CommandId;
        story.Answered("confirm", 409).Asks(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(second, story.Last.Commands[0].CommandId);
        story.Completes("confirm").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Skip_of_a_step_counts_it_as_completed_with_an_empty_result() =>
        Confirming().Answered("confirm", 409).Asks(OperatorCommand.Skip).Sends().IsIn("done", SagaStatus.Completed);

    [Fact]
    public void Retry_of_a_command_that_the_broker_refused_sends_it_again()
    {
        var story = Start();
        var id = story.Saga.Outstanding[0].CommandId;
        story.Takes_Undeliverable().Asks(OperatorCommand.Retry).Sends("reserve#2");

        Assert.Equal(id, story.Last.Commands[0].CommandId);
        story.Completes("reserve").Sends("charge");
    }

    [Fact]
    public void A_command_whose_key_is_too_old_is_not_tried_for_ever_even_past_the_pivot()
    {
        var story = Confirming().Answered("confirm", 503).After(Outstanding.LifeTime).Wakes().Answered("confirm", 503);

        story.IsIn("confirming", SagaStatus.Blocked);
        Assert.Contains("older than 14 days", story.Saga.BlockedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public void Retry_of_a_command_whose_key_is_too_old_asks_the_ledger_before_it_makes_a_new_command()
    {
        var story = Confirming().Answered("confirm", 503).After(Outstanding.LifeTime).Wakes().Answered("confirm", 503);
        var old = story.Saga.Outstanding[0].CommandId;
        story.Asks(OperatorCommand.Retry).Sends().IsIn("confirming", SagaStatus.Running);
        Assert.Equal([old], Timers.InNeedOfLedger(story.Plan, story.Saga, story.Now));

        story.Wakes(_ => new Lease(2, null)).IsIn("confirming", SagaStatus.Blocked).Asks(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(old, story.Last.Commands[0].CommandId);
    }

    [Fact]
    public void An_old_copy_that_the_broker_refuses_meanwhile_does_not_pass_for_the_ledgers_word()
    {
        var story = Confirming().Answered("confirm", 503).After(Outstanding.LifeTime).Wakes().Answered("confirm", 503);
        var old = story.Saga.Outstanding[0].CommandId;
        story.Asks(OperatorCommand.Retry).Takes(story.Result("confirm", StepOutcome.Undeliverable, null, "too_large"));

        Assert.False(story.Last.Changed);
        Assert.Equal([old], Timers.InNeedOfLedger(story.Plan, story.Saga, story.Now));
    }

    [Fact]
    public void Retry_of_an_interrupted_step_that_stayed_unknown_asks_again()
    {
        var story = Unknown().Asks(OperatorCommand.Retry).Sends("reserve#4").IsIn("compensating", SagaStatus.Compensating);

        story.Completes("reserve").Sends("-reserve");
    }

    [Fact]
    public void Skip_of_an_interrupted_step_that_stayed_unknown_takes_it_as_not_done() =>
        Unknown().Asks(OperatorCommand.Skip).Sends().IsIn("failed", SagaStatus.Cancelled);

    [Fact]
    public void Skip_is_not_done_when_there_is_nothing_to_pass_over() =>
        Refuses(new Story(TestStates.Plan([TestStates.State("one", "one")])).Starts(), OperatorCommand.Skip, "nothing to pass over");

    [Fact]
    public void A_paused_saga_sends_nothing_but_results_count()
    {
        var story = Start().Asks(OperatorCommand.Pause, "alice", "stocktaking").IsIn("reserving", SagaStatus.Paused);
        story.Completes("reserve").Sends().IsIn("reserving", SagaStatus.Paused);
        Assert.Empty(story.Saga.Outstanding);
        Assert.Null(story.Saga.NextWakeupAt);

        story.After(TimeSpan.FromDays(1)).Asks(OperatorCommand.Resume).Sends("charge").IsIn("charging", SagaStatus.Running);
        Assert.Equal((1, story.Now), (story.Saga.Outstanding.Single().Attempt, story.Saga.Outstanding.Single().FirstSentAt));
    }

    [Fact]
    public void A_paused_saga_takes_nothing_back_until_it_is_resumed() =>
        Start().Completes("reserve").Asks(OperatorCommand.Pause).Answered("charge", 404).Sends().IsIn("compensating", SagaStatus.Paused)
            .Asks(OperatorCommand.Resume).Sends("-reserve").IsIn("compensating", SagaStatus.Compensating);

    [Fact]
    public void While_paused_commands_in_flight_are_asked_after_but_not_sent_again()
    {
        var story = Start().Asks(OperatorCommand.Pause);
        Assert.Equal(story.Saga.Outstanding[0].DueAt, story.Saga.NextWakeupAt);
        story.Wakes().Sends();
        Assert.Equal(AttemptPhase.Held, story.Saga.Outstanding[0].Phase);

        var id = story.Saga.Outstanding[0].CommandId;
        story.Asks(OperatorCommand.Resume).Sends("reserve");
        Assert.Equal((id, 1), (story.Last.Commands[0].CommandId, story.Last.Commands[0].Attempt));
    }

    [Fact]
    public void While_paused_no_timer_fires_and_one_that_is_overdue_fires_afterwards()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("asking", on: [TestStates.On("go", "done")], timeout: TestStates.After(TimeSpan.FromHours(1), "compensating")), TestStates.End("done")],
            events: [TestStates.Event("go")])).Starts().Asks(OperatorCommand.Pause).IsIn("asking", SagaStatus.Paused);
        Assert.Null(story.Saga.NextWakeupAt);
        Assert.False(story.After(TimeSpan.FromHours(2)).Fires().Last.Changed);

        story.Asks(OperatorCommand.Resume).IsIn("asking", SagaStatus.Waiting);
        Assert.True(story.Saga.NextWakeupAt < story.Now);
        story.Wakes().IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void While_paused_events_are_kept_and_taken_when_it_is_resumed()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("working", "done", [TestStates.Compute("sum"), TestStates.Effect("call")], on: [TestStates.On("stop", "done")]), TestStates.End("done")],
            events: [TestStates.Event("stop")])).Starts().Asks(OperatorCommand.Pause).Tells("stop").IsIn("working", SagaStatus.Paused);
        Assert.Single(story.Saga.Early);

        story.Completes("sum").Sends().Asks(OperatorCommand.Resume).Sends().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_blocked_saga_keeps_events_until_it_goes_on()
    {
        var story = new Story(TestStates.Plan(
            [TestStates.State("sending", "done", [TestStates.Effect("send")], on: [TestStates.On("enough", "done")], pivot: true), TestStates.End("done")],
            events: [TestStates.Event("enough")])).Starts().Answered("send", 409).Tells("enough").IsIn("sending", SagaStatus.Blocked);
        Assert.Single(story.Saga.Early);

        story.Asks(OperatorCommand.Retry).Sends().IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Pause_is_not_done_when_blocked_or_paused()
    {
        Refuses(BlockedCompensation(), OperatorCommand.Pause, "blocked");
        Refuses(Start().Asks(OperatorCommand.Pause, "bob"), OperatorCommand.Pause, "bob has paused it already");
    }

    [Fact]
    public void Resume_is_done_only_when_paused() => Refuses(Start(), OperatorCommand.Resume, "not paused");

    [Fact]
    public void Cancel_of_a_paused_saga_lets_it_go_on_to_its_end() =>
        Start().Completes("reserve").Asks(OperatorCommand.Pause).Asks(OperatorCommand.Cancel).Wakes(_ => Story.Cancelled).Sends("-reserve")
            .Completes("reserve").IsIn("failed", SagaStatus.Cancelled);

    private static Story Start() => new Story(TestStates.Plan(
    [
        TestStates.State("reserving", "charging", [TestStates.Effect("reserve", undo: "'r'")]),
        TestStates.State("charging", "confirming", [TestStates.Effect("charge", undo: "'c'")]),
        TestStates.State("confirming", "done", [TestStates.Effect("confirm")], pivot: true),
        TestStates.End("done"),
    ])).Starts();

    private static Story Confirming() => Start().Completes("reserve").Completes("charge").Sends("confirm");

    private static Story BlockedCompensation() =>
        Start().Completes("reserve").Answered("charge", 404).Answered("reserve", 409).IsIn("compensating", SagaStatus.Blocked);

    private static Story Unknown() => Start().Asks(OperatorCommand.Cancel, reason: "x").Wakes(_ => new Lease(1, null))
        .Wakes().Fails("reserve").Wakes().Fails("reserve").IsIn("compensating", SagaStatus.Blocked);

    private static void Refuses(Story story, OperatorCommand command, string because)
    {
        var before = story.Saga;
        story.Asks(command, "alice");

        Assert.False(story.Last.Changed);
        Assert.Same(before, story.Saga);
        Assert.Contains(because, story.Last.NotDone, StringComparison.Ordinal);
    }
}
