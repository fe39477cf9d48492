namespace Onex.Tests.Unit.Engine;

/// <summary>A cancel before the pivot compensates, and ends as cancelled wherever the failures of the contract lead.</summary>
public sealed class CancelTests
{
    // A failure leads through a wait back to work. A cancel must not.
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
    public void Cancel_compensates_and_ends_cancelled_even_if_on_failure_leads_to_an_ordinary_state() =>
        Waiting()
            .OperatorSends(OperatorCommand.Cancel).Sends("-reserve")
            .Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_in_a_state_entered_by_a_failure_compensates_and_ends_cancelled() =>
        Waiting()
            .Receives("go")
            .Answered("work", 404).IsIn("calming", SagaStatus.Waiting)
            .OperatorSends(OperatorCommand.Cancel).Sends("-reserve")
            .Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_resolves_what_is_in_flight_before_it_compensates() =>
        Waiting()
            .Receives("go").Sends("work")
            .OperatorSends(OperatorCommand.Cancel).Sends().IsIn("cancelling", SagaStatus.Compensating)
            .Answered("work", 200).Sends("-work")
            .Completes("work").Sends("-reserve")
            .Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_in_a_compensating_state_ends_cancelled() =>
        CompensatingState()
            .OperatorSends(OperatorCommand.Cancel).Sends()
            .Completes("work").Sends("-reserve")
            .Completes("reserve").Sends()
            .IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_after_a_compensating_state_ends_cancelled() =>
        CompensatingState()
            .Completes("work")
            .Completes("reserve").IsIn("telling", SagaStatus.Running)
            .OperatorSends(OperatorCommand.Cancel)
            .Wakes(_ => SagaScenario.Cancelled).IsIn("cancelled", SagaStatus.Cancelled);

    [Fact]
    public void Cancel_during_a_pending_departure_compensates_and_ends_cancelled()
    {
        var scenario = Waiting()
            .Receives("go")
            .Receives("away").Sends().IsIn("working", SagaStatus.Running);
        Assert.Equal("waiting", scenario.Saga.Leaving?.Next);

        scenario.OperatorSends(OperatorCommand.Cancel).Sends().IsIn("cancelling", SagaStatus.Compensating);
        scenario.Answered("work", 200)
                .Sends("-work")
            .Completes("work").Sends("-reserve")
            .Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_with_a_blocked_departure_completes_after_the_operator_decides()
    {
        var scenario = Waiting()
            .Receives("go")
            .Receives("away")
            .Answered("work", 200).Sends("-work");
        scenario.Answered("work", 409)
                .IsIn("working", SagaStatus.Blocked)
            .OperatorSends(OperatorCommand.Cancel).Sends().IsIn("cancelling", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Skip)
                .Sends("-reserve")
            .Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_with_a_blocked_compensation_completes_after_the_operator_decides()
    {
        var scenario = CompensatingState().Answered("work", 409).IsIn("unwinding", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Cancel).Sends().IsIn("unwinding", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Retry)
                .Sends("-work")
            .Completes("work").Sends("-reserve")
            .Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_with_a_blocked_transition_compensates_and_ends_cancelled()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("working", "round", [TestStates.Effect("work", compensation: "'w'")]),
                TestStates.State("round", "round", [TestStates.Set("nothing")]),
                TestStates.State("calming", on: [TestStates.On("go", "working")]),
            ],
            onFailure: "calming",
            events: [TestStates.Event("go")]))
                .Starts()
                .Completes("work").IsIn("round", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Cancel)
                .Sends("-work")
            .Completes("work").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cancel_of_a_paused_saga_compensates_and_ends_cancelled(bool isCompensating)
    {
        var scenario = (isCompensating ? CompensatingState() : Waiting())
            .OperatorSends(OperatorCommand.Pause)
            .OperatorSends(OperatorCommand.Cancel);
        if (isCompensating)
        {
            scenario.Completes("work");
        }

        scenario.Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_compensates_every_branch_and_every_item()
    {
        var scenario = new SagaScenario("""
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
            """).Starts("""{"items":["a","b"]}""")
                .Answered("one", 200)
                .CompletesItem("many", 0, """{"status_code":200,"headers":{},"body":null}""");

        scenario.OperatorSends(OperatorCommand.Cancel)
            .CompletesItem("many", 1, """{"status_code":200,"headers":{},"body":null}""")
                .Sends("-many", "-one");
        scenario.Completes("one")
            .CompletesItem("many", 1)
            .Wakes()
            .CompletesItem("many", 0).IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void Cancel_of_a_parent_cancels_its_child_which_compensates_and_responds()
    {
        var child = Waiting(Calming);
        var parent = new SagaScenario(
            TestStates.Plan(
                [TestStates.State("calling", "done", [TestStates.Effect("call", role: CallRole.Saga)]), TestStates.End("done")]))
            .Starts()
            .OperatorSends(OperatorCommand.Cancel)
            .Wakes();
        Assert.True(Assert.Single(parent.Last.Commands).Cancels);

        var link = new ParentLink(parent.Saga.Facts.SagaId, parent.Last.Commands[0].CommandId, 1, 3, Awaits: true);
        child.Handles(new RequestJoined
        {
            SagaId = child.Saga.Facts.SagaId,
            CausedBy = new(Identity.OfRequest(default, "cancel")),
            Waiter = new Waiter(child.Saga.Facts.Requester with { Parent = link }, IsDuplicate: false),
            Cancels = true,
        }).Sends("-reserve").Completes("reserve").IsIn("cancelled", SagaStatus.Cancelled);
        Assert.Equal("cancelled", child.Answers[^1].Fault?.Code);
    }

    [Fact]
    public void An_event_is_declined_while_a_cancel_compensates()
    {
        var scenario = Waiting()
            .OperatorSends(OperatorCommand.Cancel)
            .Receives("go");

        Assert.False(scenario.Last.Changed);
        Assert.True(scenario.Declined.BecomesDeadLetter);
    }

    [Fact]
    public void A_child_cancelled_before_its_start_completes_the_cancel_of_its_parent()
    {
        var plan = new SagaScenario(Calming).Plan;
        var started = new SagaStarted
        {
            SagaId = new(Identity.OfRequest(default, "child")),
            CausedBy = new(Identity.OfRequest(default, "start")),
            Facts = Waiting().Saga.Facts,
            CancelledBeforeStart = true,
        };

        var saga = SagaEngine.Decide(plan, null, started, started.Facts.StartedAt).State;
        Assert.Equal(("cancelled", SagaStatus.Cancelled), (saga.State, saga.Status));
    }

    [Fact]
    public void Terminate_ends_at_once_without_compensation_and_records_what_was_left()
    {
        var scenario = Waiting()
            .Receives("go")
            .OperatorSends(OperatorCommand.Terminate, "alice", "payments are gone")
                .Sends().IsIn("cancelled", SagaStatus.Failed);

        Assert.Equal(
            ("terminated", "An operator terminated the saga."),
            (scenario.Answers.Single().Fault!.Code, scenario.Answers.Single().Fault!.Message));
        var note = scenario.History.Single(note => note.Kind == HistoryKind.Terminated);
        Assert.Equal(
            ("working", """{"by":"alice","reason":"payments are gone","in_flight":"work","not_compensated":"reserve"}"""),
            (note.State, note.Detail.ToString()));
        Assert.False(scenario.Answered("work", 200).Last.Changed);
    }

    [Theory]
    [InlineData("waiting")]
    [InlineData("calming")]
    [InlineData("leaving")]
    [InlineData("compensating")]
    [InlineData("blocked")]
    [InlineData("cancelled and blocked")]
    [InlineData("paused")]
    public void Terminate_is_allowed_in_every_state(string where)
    {
        var scenario = where switch
        {
            "waiting" => Waiting(),
            "calming" => Waiting()
                .Receives("go")
                .Answered("work", 404),
            "leaving" => Waiting()
                .Receives("go")
                .Receives("away"),
            "compensating" => CompensatingState(),
            "blocked" => CompensatingState().Answered("work", 409),
            "cancelled and blocked" => CompensatingState()
                .Answered("work", 409)
                .OperatorSends(OperatorCommand.Cancel),
            _ => Waiting()
                .Receives("go")
                .OperatorSends(OperatorCommand.Pause),
        };

        scenario.OperatorSends(OperatorCommand.Terminate).Sends().IsIn("cancelled", SagaStatus.Failed);
        Assert.Equal("terminated", scenario.Answers.Single().Fault!.Code);
        Assert.Null(scenario.Saga.NextWakeupAt);
        scenario.OperatorSends(OperatorCommand.Terminate);
        Assert.Contains("has ended", scenario.Last.WhyNotDone, StringComparison.Ordinal);
    }

    [Fact]
    public void Terminate_is_allowed_past_the_pivot() =>
        new SagaScenario(
            TestStates.Plan([TestStates.State("confirming", "done", [TestStates.Effect("confirm")], pivot: true), TestStates.End("done")]))
        .Starts()
        .Answered("confirm", 409)
        .OperatorSends(OperatorCommand.Terminate).IsIn("failed", SagaStatus.Failed);

    [Fact]
    public void Terminate_does_not_list_an_answered_step_as_in_flight() => Assert.Contains(
        "\"in_flight\":\"\"",
        CompensatingState()
            .Answered("work", 409)
            .OperatorSends(OperatorCommand.Terminate).History.Single(note => note.Kind == HistoryKind.Terminated).Detail.ToString(),
        StringComparison.Ordinal);

    [Fact]
    public void Terminate_cancels_the_children()
    {
        var scenario = new SagaScenario(
            TestStates.Plan(
                [TestStates.State("calling", "done", [TestStates.Effect("call", role: CallRole.Saga)]), TestStates.End("done")]))
            .Starts();

        scenario.OperatorSends(OperatorCommand.Terminate).Sends("call").IsIn("failed", SagaStatus.Failed);
        Assert.True(scenario.Last.Commands.Single().Cancels);
    }

    private static SagaScenario Waiting(string contract = Calming) => new SagaScenario(contract).Starts()
        .Answered("reserve", 200).IsIn("waiting", SagaStatus.Waiting);

    private static SagaScenario CompensatingState() => Waiting()
        .Receives("go")
        .Answered("work", 200).Sends("-work").IsIn("unwinding", SagaStatus.Compensating);
}
