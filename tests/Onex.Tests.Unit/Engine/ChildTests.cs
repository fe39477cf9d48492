namespace Onex.Tests.Unit.Engine;

/// <summary>Child sagas as steps of a parent, from the side of the parent and of the child.</summary>
public sealed class ChildTests
{
    [Fact]
    public void The_output_of_a_child_is_the_result_of_its_step()
    {
        var scenario = Calling().Sends("ship");
        var call = scenario.Last.Commands[0];
        Assert.Equal((CallRole.Saga, "shipment", """{"order":"o-1"}"""), (call.Role, call.Operation, call.Arguments.ToString()));

        scenario.Completes("ship", """{"tracking":"t-7"}""").IsIn("done", SagaStatus.Completed);
        Assert.Equal("""{"tracking":"t-7"}""", scenario.Saga.Output.ToString());
    }

    [Fact]
    public void A_failed_child_rejects_its_step_with_its_code()
    {
        var scenario = Calling();
        scenario.Handles(scenario.Result("ship", StepOutcome.Rejected, null, "no_carrier")).IsIn("failed", SagaStatus.Failed);
        Assert.Equal("no_carrier", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_child_has_no_timeout_by_default()
    {
        var scenario = Calling();
        for (var wakeUp = 0; wakeUp < 400; wakeUp++)
        {
            scenario.Wakes();
        }

        Assert.True(scenario.Now - scenario.Saga.Facts.StartedAt > Outstanding.LifeTime);
        scenario.IsIn("shipping", SagaStatus.Running).Completes("ship", """{"tracking":"t"}""").IsIn("done", SagaStatus.Completed);
        Assert.DoesNotContain(scenario.History, note => note.Kind == HistoryKind.StepResent);
    }

    [Fact]
    public void A_parent_that_leaves_its_state_cancels_its_child_and_awaits_the_end()
    {
        var scenario = Calling().Receives("stop").IsIn("unwinding", SagaStatus.Compensating);
        scenario.Wakes().Sends("ship");
        Assert.True(scenario.Last.Commands[0].Cancels);
        scenario.Wakes();
        Assert.True(Assert.Single(scenario.Last.Commands).Cancels);

        scenario.Handles(scenario.Result("ship", StepOutcome.Rejected, null, "cancelled")).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_child_without_a_known_end_is_cancelled_repeatedly()
    {
        var scenario = Calling().Receives("stop");
        var child = scenario.Saga.Outstanding[0].CommandId;
        for (var wakeUp = 0; wakeUp < 400; wakeUp++)
        {
            var call = Assert.Single(scenario.Wakes().Last.Commands);
            Assert.Equal((child, true), (call.CommandId, call.Cancels));
        }

        Assert.True(scenario.Now - scenario.Saga.Facts.StartedAt > Outstanding.LifeTime);
        scenario.IsIn("unwinding", SagaStatus.Compensating).Completes("ship", """{"tracking":"t-7"}""").Sends("-ship");
    }

    [Fact]
    public void A_resend_repeats_the_cancellation_of_a_child_at_once()
    {
        var scenario = Calling()
            .Receives("stop")
            .Wakes().Sends("ship");
        var child = scenario.Last.Commands[0].CommandId;
        Assert.True(scenario.Saga.NextWakeupAt > scenario.Now);

        scenario.LosesMessages();
        Assert.Equal(scenario.Now, scenario.Saga.NextWakeupAt);
        var call = Assert.Single(scenario.Fires().Last.Commands);
        Assert.Equal((child, true), (call.CommandId, call.Cancels));
    }

    [Fact]
    public void A_parent_that_is_paused_cancels_its_child_when_it_is_resumed()
    {
        var scenario = Calling()
            .Receives("stop")
            .OperatorSends(OperatorCommand.Pause)
            .Wakes().Sends();

        scenario.OperatorSends(OperatorCommand.Resume).Sends("ship");
        Assert.True(scenario.Last.Commands[0].Cancels);
    }

    [Fact]
    public void A_child_that_completed_before_its_cancellation_is_compensated()
    {
        var scenario = Calling()
            .Receives("stop")
            .Wakes()
            .Completes("ship", """{"tracking":"t-7"}""").Sends("-ship");
        var call = scenario.Last.Commands[0];
        Assert.Equal((CallRole.Saga, "return-shipment", """{"tracking":"t-7"}"""), (call.Role, call.Operation, call.Arguments.ToString()));
        scenario.Completes("ship").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_detached_child_is_started_and_not_awaited()
    {
        var scenario = new SagaScenario(Head + """
            initial: working
            states:
              working:
                steps:
                  - saga: audit
                    detached: true
                    with: { order: "${input.order}" }
                next: done
              done: { end: completed }
            """).Starts("""{"order":"o-1"}""").IsIn("done", SagaStatus.Completed);

        var call = Assert.Single(scenario.Last.Commands);
        Assert.Equal((true, "audit", """{"order":"o-1"}"""), (call.Detached, call.Operation, call.Arguments.ToString()));
    }

    [Fact]
    public void A_child_responds_to_its_parent_and_a_detached_one_to_nobody()
    {
        Assert.Equal(_parent, Assert.Single(ChildOf(_parent).Answers).To.Parent);
        Assert.Empty(ChildOf(_parent with { Awaits = false }).Answers);
    }

    [Fact]
    public void A_child_cancelled_before_its_start_never_starts()
    {
        var scenario = ChildOf(_parent, cancelledBeforeStart: true);

        Assert.Equal(SagaStatus.Cancelled, scenario.Saga.Status);
        Assert.Empty(scenario.Last.Commands);
        Assert.Equal(("cancelled", _parent), (Assert.Single(scenario.Answers).Fault!.Code, scenario.Answers[0].To.Parent));
    }

    [Fact]
    public void A_repeated_child_command_is_answered_only_after_the_child_ended()
    {
        var scenario = ChildOf(_parent, waits: true);
        scenario.Handles(RepeatedRequest(scenario));
        Assert.False(scenario.Last.Changed);

        scenario.Answered("look", 200).IsIn("done", SagaStatus.Completed);
        scenario.Handles(RepeatedRequest(scenario));
        Assert.Single(scenario.Last.Answers);
    }

    [Fact]
    public void A_child_cancelled_while_running_compensates_and_responds_cancelled()
    {
        var scenario = ChildOf(_parent, waits: true);
        scenario.Handles(RepeatedRequest(scenario) with { Cancels = true })
                .IsIn("compensating", SagaStatus.Compensating)
            .Wakes(_ => SagaScenario.Cancelled);
        Assert.Equal((SagaStatus.Cancelled, "cancelled"), (scenario.Saga.Status, Assert.Single(scenario.Answers).Fault!.Code));
    }

    private static readonly ParentLink _parent = new(
        new(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff1")),
        new(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff2")),
        1,
        5,
        Awaits: true);

    private const string Head = """
        contract: story
        version: 1.0.0
        input: { type: object, properties: { order: { type: string } }, required: [order] }

        """;

    private static RequestJoined RepeatedRequest(SagaScenario scenario) => new()
    {
        SagaId = scenario.Saga.Facts.SagaId,
        CausedBy = new(_parent.CommandId.Value),
        Waiter = new Waiter(scenario.Saga.Facts.Requester with { Source = "saga-events/1/99" }, IsDuplicate: true),
    };

    private const string Looking =
        "  looking: { steps: [{ id: look, effect: http.get, connection: outside, with: { path: / } }], next: done }";

    private static SagaScenario ChildOf(ParentLink parent, bool cancelledBeforeStart = false, bool waits = false)
    {
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            initial: {{(waits || cancelledBeforeStart ? "looking" : "done")}}
            states:
            {{(waits || cancelledBeforeStart ? Looking : "")}}
              done: { end: completed }
            """);
        var id = SagaId.Create(scenario.Now);
        return scenario.Handles(new SagaStarted
        {
            SagaId = id,
            CausedBy = new(id.Value),
            CancelledBeforeStart = cancelledBeforeStart,
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = "story",
                ContractVersion = "1.0.0",
                ContractHash = scenario.Plan.Hash,
                HomePartition = 3,
                StartedAt = scenario.Now,
                Input = Onex.Contracts.Expressions.CelValue.Map([]),
                Requester = SagaScenario.Requester("saga-events/1/17") with { RequestId = new(parent.CommandId.Value), Parent = parent },
            },
        });
    }

    private static SagaScenario Calling() => new SagaScenario(Head + """
        events: { stop: {} }
        initial: shipping
        states:
          shipping:
            steps:
              - id: ship
                saga: shipment
                with: { order: "${input.order}" }
                returns: { tracking: string }
                compensate: { saga: return-shipment, with: { tracking: "${result.tracking}" } }
            on_event: [{ event: stop, next: unwinding }]
            next: done
          unwinding: { compensate: all, next: failed }
          done: { end: completed, output: { tracking: "${steps.ship.tracking}" } }
          failed: { end: failed }
        on_failure: unwinding
        """).Starts("""{"order":"o-1"}""");
}
