using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Tests.Unit.Engine;

/// <summary>A cancel compensates and ends as cancelled, wherever the saga is and whatever its contract does about failures.</summary>
public sealed class CancelTests
{
    // A failure is calmed down and goes back to work: what a cancel must not do.
    private const string Calming = """
        contract: story
        version: 1.0.0
        input: {}
        events: { go: {}, away: {} }
        on_failure: calming
        initial: reserving
        states:
          reserving:
            steps:
              - id: reserve
                effect: http.post
                connection: outside
                with: { path: /reserve }
                compensate: { effect: http.delete, connection: outside, with: { path: /reserve } }
            next: waiting
          waiting:
            on_event: [{ event: go, next: working }]
          working:
            steps:
              - id: work
                effect: http.post
                connection: outside
                with: { path: /work }
                compensate: { effect: http.delete, connection: outside, with: { path: /work } }
            on_event: [{ event: away, next: waiting }]
            next: unwinding
            fault: too_late
          calming:
            steps: [{ wait: 2s }]
            next: waiting
          unwinding: { compensate: all, next: telling }
          telling:
            steps: [{ id: tell, effect: http.get, connection: outside, with: { path: /tell }, catch: [{ next: done }] }]
            next: done
          done: { end: completed }
        """;

    [Fact]
    public void Cancel_compensates_and_ends_cancelled_although_on_failure_leads_to_an_ordinary_state() =>
        Waiting().Asks(OperatorCommand.Cancel).Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_of_a_state_that_a_failure_has_led_to_compensates_and_ends_cancelled() =>
        Waiting().Tells("go").Answered("work", 404).IsIn("calming", SagaStatus.Waiting)
            .Asks(OperatorCommand.Cancel).Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_resolves_what_is_in_flight_before_it_compensates() =>
        Waiting().Tells("go").Sends("work").Asks(OperatorCommand.Cancel).Sends().IsIn("cancelling", SagaStatus.Compensating)
            .Answered("work", 200).Sends("-work").Completes("work").Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_of_a_compensating_state_ends_cancelled_instead_of_going_on() =>
        Unwinding().Asks(OperatorCommand.Cancel).Sends().Completes("work").Sends("-reserve").Completes("reserve").Sends()
            .IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_behind_a_compensating_state_ends_cancelled_and_does_not_complete() =>
        Unwinding().Completes("work").Completes("reserve").IsIn("telling", SagaStatus.Running).Asks(OperatorCommand.Cancel)
            .Wakes(_ => Story.Cancelled).IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_while_the_saga_waits_to_leave_compensates_and_ends_cancelled()
    {
        var story = Waiting().Tells("go").Tells("away").Sends().IsIn("working", SagaStatus.Running);
        Assert.Equal("waiting", story.Saga.Leaving?.Next);

        story.Asks(OperatorCommand.Cancel).Sends().IsIn("cancelling", SagaStatus.Compensating);
        story.Answered("work", 200).Sends("-work").Completes("work").Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_saga_whose_pending_departure_is_blocked_is_done_once_that_is_decided()
    {
        var story = Waiting().Tells("go").Tells("away").Answered("work", 200).Sends("-work");
        story.Answered("work", 409).IsIn("working", SagaStatus.Blocked).Asks(OperatorCommand.Cancel).Sends().IsIn("cancelling", SagaStatus.Blocked);

        story.Asks(OperatorCommand.Skip).Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_blocked_compensation_passes_over_nothing_and_ends_cancelled_once_that_is_decided()
    {
        var story = Unwinding().Answered("work", 409).IsIn("unwinding", SagaStatus.Blocked);
        story.Asks(OperatorCommand.Cancel).Sends().IsIn("unwinding", SagaStatus.Blocked);

        story.Asks(OperatorCommand.Retry).Sends("-work").Completes("work").Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_saga_whose_way_is_blocked_compensates_and_ends_cancelled()
    {
        var story = new Story(TestStates.Plan(
            [
                TestStates.State("working", "round", [TestStates.Effect("work", undo: "'w'")]),
                TestStates.State("round", "round", [TestStates.Set("nothing")]),
                TestStates.State("calming", on: [TestStates.On("go", "working")]),
            ],
            onFailure: "calming",
            events: [TestStates.Event("go")])).Starts().Completes("work").IsIn("round", SagaStatus.Blocked);

        story.Asks(OperatorCommand.Cancel).Sends("-work").Completes("work").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cancel_of_a_paused_saga_compensates_and_ends_cancelled(bool isCompensating)
    {
        var story = (isCompensating ? Unwinding() : Waiting()).Asks(OperatorCommand.Pause).Asks(OperatorCommand.Cancel);
        if (isCompensating)
        {
            story.Completes("work");
        }

        story.Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_compensates_every_branch_and_every_item()
    {
        var story = new Story("""
            contract: story
            version: 1.0.0
            input: { type: object, properties: { items: { type: array, maxItems: 9, items: { type: string } } }, required: [items] }
            on_failure: calming
            events: { go: {} }
            initial: working
            states:
              working:
                steps:
                  - parallel:
                      branches:
                        - id: one
                          effect: http.post
                          connection: outside
                          with: { path: /one }
                          compensate: { effect: http.delete, connection: outside, with: { path: /one } }
                        - id: many
                          each: { item: input.items }
                          effect: http.post
                          connection: outside
                          with: { path: "/many/${item}" }
                          compensate: { effect: http.delete, connection: outside, with: { path: "/many/${item}" } }
                next: done
              calming: { on_event: [{ event: go, next: working }] }
              done: { end: completed }
            """).Starts("""{"items":["a","b"]}""").Answered("one", 200).CompletesItem("many", 0, """{"status_code":200,"headers":{},"body":null}""");

        story.Asks(OperatorCommand.Cancel).CompletesItem("many", 1, """{"status_code":200,"headers":{},"body":null}""").Sends("-many", "-one");
        story.Completes("one").CompletesItem("many", 1).Wakes().CompletesItem("many", 0).IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_parent_cancels_its_child_which_compensates_and_tells_it_so()
    {
        var child = Waiting(Calming);
        var parent = new Story(TestStates.Plan([TestStates.State("calling", "done", [TestStates.Effect("call", kind: StepKind.Saga)]), TestStates.End("done")])).Starts()
            .Asks(OperatorCommand.Cancel).Wakes();
        Assert.True(Assert.Single(parent.Last.Commands).Cancels);

        var link = new ParentLink(parent.Saga.Facts.SagaId, parent.Last.Commands[0].CommandId, 1, 3, Awaits: true);
        child.Takes(new RequestJoined
        {
            SagaId = child.Saga.Facts.SagaId,
            CausedBy = new(Identity.OfRequest(default, "cancel")),
            Waiter = new Waiter(child.Saga.Facts.Requester with { Parent = link }, IsDuplicate: false),
            Cancels = true,
        }).Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
        Assert.Equal("cancelled", child.Answers[^1].Fault?.Code);
    }

    [Fact]
    public void An_event_is_refused_while_a_cancel_compensates()
    {
        var story = Waiting().Asks(OperatorCommand.Cancel).Tells("go");

        Assert.False(story.Last.Changed);
        Assert.True(story.Rejection.IsDead);
    }

    [Fact]
    public void A_child_that_is_cancelled_before_it_began_is_in_the_end_of_a_cancel()
    {
        var plan = new Story(Calming).Plan;
        var started = new SagaStarted
        {
            SagaId = new(Identity.OfRequest(default, "child")),
            CausedBy = new(Identity.OfRequest(default, "start")),
            Facts = Waiting().Saga.Facts,
            CancelledBeforeStart = true,
        };

        Assert.Equal(("cancelled", SagaStatus.Cancelled), (SagaEngine.Decide(plan, null, started, started.Facts.StartedAt).State is var saga ? saga.State : "", saga.Status));
    }

    [Fact]
    public void Terminate_ends_at_once_compensates_nothing_and_says_in_the_history_what_was_left()
    {
        var story = Waiting().Tells("go").Asks(OperatorCommand.Terminate, "alice", "payments are gone").Sends().IsIn("cancelled", SagaStatus.Failed);

        Assert.Equal(("terminated", "An operator terminated the saga."), (story.Answers.Single().Fault!.Code, story.Answers.Single().Fault!.Message));
        var note = story.History.Single(note => note.Kind == HistoryKinds.Terminated);
        Assert.Equal(
            ("working", """{"by":"alice","reason":"payments are gone","in_flight":"work","not_compensated":"reserve"}"""),
            (note.State, note.Detail.ToString()));
        Assert.False(story.Answered("work", 200).Last.Changed);
    }

    [Theory]
    [InlineData("waiting")]
    [InlineData("calming")]
    [InlineData("leaving")]
    [InlineData("compensating")]
    [InlineData("blocked")]
    [InlineData("cancelled and blocked")]
    [InlineData("paused")]
    public void Terminate_is_done_wherever_the_saga_is(string where)
    {
        var story = where switch
        {
            "waiting" => Waiting(),
            "calming" => Waiting().Tells("go").Answered("work", 404),
            "leaving" => Waiting().Tells("go").Tells("away"),
            "compensating" => Unwinding(),
            "blocked" => Unwinding().Answered("work", 409),
            "cancelled and blocked" => Unwinding().Answered("work", 409).Asks(OperatorCommand.Cancel),
            _ => Waiting().Tells("go").Asks(OperatorCommand.Pause),
        };

        story.Asks(OperatorCommand.Terminate).Sends().IsIn("cancelled", SagaStatus.Failed);
        Assert.Equal("terminated", story.Answers.Single().Fault!.Code);
        Assert.Null(story.Saga.NextWakeupAt);
        story.Asks(OperatorCommand.Terminate);
        Assert.Contains("has ended", story.Last.NotDone, StringComparison.Ordinal);
    }

    [Fact]
    public void Terminate_is_done_past_the_pivot() => new Story(TestStates.Plan([TestStates.State("confirming", "done", [TestStates.Effect("confirm")], pivot: true), TestStates.End("done")]))
        .Starts().Answered("confirm", 409).Asks(OperatorCommand.Terminate).IsIn("failed", SagaStatus.Failed);

    [Fact]
    public void Terminate_names_no_step_as_in_flight_that_was_answered() => Assert.Contains(
        "\"in_flight\":\"\"",
        Unwinding().Answered("work", 409).Asks(OperatorCommand.Terminate).History.Single(note => note.Kind == HistoryKinds.Terminated).Detail.ToString(),
        StringComparison.Ordinal);

    [Fact]
    public void Terminate_tells_the_children_to_cancel()
    {
        var story = new Story(TestStates.Plan([TestStates.State("calling", "done", [TestStates.Effect("call", kind: StepKind.Saga)]), TestStates.End("done")])).Starts();

        story.Asks(OperatorCommand.Terminate).Sends("call").IsIn("failed", SagaStatus.Failed);
        Assert.True(story.Last.Commands.Single().Cancels);
    }

    private static Story Waiting(string contract = Calming) => new Story(contract).Starts().Answered("reserve", 200).IsIn("waiting", SagaStatus.Waiting);

    private static Story Unwinding() => Waiting().Tells("go").Answered("work", 200).Sends("-work").IsIn("unwinding", SagaStatus.Compensating);
}
