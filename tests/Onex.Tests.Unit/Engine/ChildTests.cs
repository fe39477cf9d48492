using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Tests.Unit.Engine;

/// <summary>Sagas that are steps of others: what the calling one does, and what the called one does.</summary>
public sealed class ChildTests
{
    [Fact]
    public void A_step_may_be_another_contracts_saga_whose_output_is_its_result()
    {
        var story = Calling().Sends("ship");
        var call = story.Last.Commands[0];
        Assert.Equal((StepKind.Saga, "shipment", """{"order":"o-1"}"""), (call.Kind, call.Operation, call.Arguments.ToString()));

        story.Completes("ship", """{"tracking":"t-7"}""").IsIn("done", SagaStatus.Completed);
        Assert.Equal("""{"tracking":"t-7"}""", story.Saga.Output.ToString());
    }

    [Fact]
    public void The_failed_end_of_a_child_is_a_final_no_with_its_code()
    {
        var story = Calling();
        story.Takes(story.Result("ship", StepOutcome.Rejected, null, "no_carrier")).IsIn("failed", SagaStatus.Failed);
        Assert.Equal("no_carrier", story.Saga.Fault!.Code);
    }

    [Fact]
    public void A_child_takes_as_long_as_it_takes()
    {
        var story = Calling();
        for (var time = 0; time < 400; time++)
        {
            story.Wakes();
        }

        Assert.True(story.Now - story.Saga.Facts.StartedAt > Outstanding.LifeTime);
        story.IsIn("shipping", SagaStatus.Running).Completes("ship", """{"tracking":"t"}""").IsIn("done", SagaStatus.Completed);
        Assert.DoesNotContain(story.History, note => note.Kind == HistoryKinds.StepResent);
    }

    [Fact]
    public void A_parent_that_leaves_cancels_its_child_until_it_has_ended()
    {
        var story = Calling().Tells("stop").IsIn("unwinding", SagaStatus.Compensating);
        story.Wakes().Sends("ship");
        Assert.True(story.Last.Commands[0].Cancels);
        story.Wakes();
        Assert.True(Assert.Single(story.Last.Commands).Cancels);

        story.Takes(story.Result("ship", StepOutcome.Rejected, null, "cancelled")).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_child_whose_end_is_not_known_is_cancelled_again_however_long_that_takes()
    {
        var story = Calling().Tells("stop");
        var child = story.Saga.Outstanding[0].CommandId;
        for (var time = 0; time < 400; time++)
        {
            var call = Assert.Single(story.Wakes().Last.Commands);
            Assert.Equal((child, true), (call.CommandId, call.Cancels));
        }

        Assert.True(story.Now - story.Saga.Facts.StartedAt > Outstanding.LifeTime);
        story.IsIn("unwinding", SagaStatus.Compensating).Completes("ship", """{"tracking":"t-7"}""").Sends("-ship");
    }

    [Fact]
    public void A_child_that_may_not_have_heard_of_it_is_cancelled_again_at_once()
    {
        var story = Calling().Tells("stop").Wakes().Sends("ship");
        var child = story.Last.Commands[0].CommandId;
        Assert.True(story.Saga.NextWakeupAt > story.Now);

        story.LosesMessages();
        Assert.Equal(story.Now, story.Saga.NextWakeupAt);
        var call = Assert.Single(story.Fires().Last.Commands);
        Assert.Equal((child, true), (call.CommandId, call.Cancels));
    }

    [Fact]
    public void A_parent_that_is_paused_cancels_its_child_when_it_is_resumed()
    {
        var story = Calling().Tells("stop").Asks(OperatorCommand.Pause).Wakes().Sends();

        story.Asks(OperatorCommand.Resume).Sends("ship");
        Assert.True(story.Last.Commands[0].Cancels);
    }

    [Fact]
    public void A_child_that_had_completed_all_the_same_is_taken_back_by_the_contract_that_says_how()
    {
        var story = Calling().Tells("stop").Wakes().Completes("ship", """{"tracking":"t-7"}""").Sends("-ship");
        var call = story.Last.Commands[0];
        Assert.Equal((StepKind.Saga, "return-shipment", """{"tracking":"t-7"}"""), (call.Kind, call.Operation, call.Arguments.ToString()));
        story.Completes("ship").IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public void A_detached_child_is_started_and_not_waited_for()
    {
        var story = new Story(Head + """
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

        var call = Assert.Single(story.Last.Commands);
        Assert.Equal((true, "audit", """{"order":"o-1"}"""), (call.Detached, call.Operation, call.Arguments.ToString()));
    }

    [Fact]
    public void A_called_saga_answers_its_parent_and_a_detached_one_nobody()
    {
        Assert.Equal(_parent, Assert.Single(Called(_parent).Answers).To.Parent);
        Assert.Empty(Called(_parent with { Awaits = false }).Answers);
    }

    [Fact]
    public void A_child_that_is_cancelled_before_it_began_never_begins()
    {
        var story = Called(_parent, stillborn: true);

        Assert.Equal(SagaStatus.Cancelled, story.Saga.Status);
        Assert.Empty(story.Last.Commands);
        Assert.Equal(("cancelled", _parent), (Assert.Single(story.Answers).Fault!.Code, story.Answers[0].To.Parent));
    }

    [Fact]
    public void A_parent_that_asks_once_more_gets_the_answer_once_more_and_none_while_there_is_none()
    {
        var story = Called(_parent, waits: true);
        story.Takes(Asked(story));
        Assert.False(story.Last.Changed);

        story.Answered("look", 200).IsIn("done", SagaStatus.Completed);
        story.Takes(Asked(story));
        Assert.Single(story.Last.Answers);
    }

    [Fact]
    public void A_child_that_is_cancelled_while_it_runs_takes_back_and_answers_cancelled()
    {
        var story = Called(_parent, waits: true);
        story.Takes(Asked(story) with { Cancels = true }).IsIn("compensating", SagaStatus.Compensating).Wakes(_ => Story.Cancelled);
        Assert.Equal((SagaStatus.Cancelled, "cancelled"), (story.Saga.Status, Assert.Single(story.Answers).Fault!.Code));
    }

    private static readonly ParentLink _parent = new(
        new(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff1")), new(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff2")), 1, 5, Awaits: true);

    private const string Head = """
        contract: story
        version: 1.0.0
        input: { type: object, properties: { order: { type: string } }, required: [order] }

        """;

    private static RequestJoined Asked(Story story) => new()
    {
        SagaId = story.Saga.Facts.SagaId,
        CausedBy = new(_parent.CommandId.Value),
        Waiter = new Waiter(story.Saga.Facts.Requester with { Source = "saga-events/1/99" }, IsDuplicate: true),
    };

    private static Story Called(ParentLink parent, bool stillborn = false, bool waits = false)
    {
        var story = new Story($$"""
            contract: story
            version: 1.0.0
            input: {}
            initial: {{(waits || stillborn ? "looking" : "done")}}
            states:
            {{(waits || stillborn ? "  looking: { steps: [{ id: look, effect: http.get, connection: outside, with: { path: / } }], next: done }" : "")}}
              done: { end: completed }
            """);
        var id = SagaId.Create(story.Now);
        return story.Takes(new SagaStarted
        {
            SagaId = id,
            CausedBy = new(id.Value),
            CancelledBeforeStart = stillborn,
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = "story",
                ContractVersion = "1.0.0",
                ContractHash = story.Plan.Hash,
                HomePartition = 3,
                StartedAt = story.Now,
                Input = Onex.Contracts.Expressions.CelValue.Map([]),
                Requester = Story.Requester("saga-events/1/17") with { RequestId = new(parent.CommandId.Value), Parent = parent },
            },
        });
    }

    private static Story Calling() => new Story(Head + """
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
