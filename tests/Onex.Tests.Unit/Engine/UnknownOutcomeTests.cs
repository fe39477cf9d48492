using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>
/// Steps with an unknown outcome are compensated, blocked or assumed not done, as the contract says:
/// docs/contract-language.md#compensation.
/// </summary>
public sealed class UnknownOutcomeTests
{
    private const string ByKey = "with: { path: /refunds, body: { by: \"${command_id}\" } }, when_unknown: run";
    private const string ByAnswer = "with: { path: \"/charges/${result.body.id}\" }";
    private const string ByInput = "with: { path: /charges/mine }";

    [Fact]
    public void A_step_that_times_out_on_every_attempt_blocks_because_its_outcome_is_unknown()
    {
        var scenario = LosesEveryResult(Charging(ByAnswer)).IsIn("charging", SagaStatus.Blocked);

        Assert.Equal((BlockedBy.Unknown, "charge"), (scenario.Saga.Blockage!.Kind, scenario.Saga.Blockage.Step));
        Assert.Contains("It is unknown whether the step 'charge' took effect", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Null(scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void When_unknown_block_blocks_the_saga() =>
        LosesEveryResult(Charging(ByAnswer + ", when_unknown: block")).IsIn("charging", SagaStatus.Blocked);

    [Fact]
    public void When_unknown_run_compensates_a_step_that_may_have_happened()
    {
        var scenario = LosesEveryResult(Charging(ByKey))
            .Sends("-charge")
            .Completes("charge").Sends("-reserve")
            .Completes("reserve").IsIn("unwound", SagaStatus.Failed);

        Assert.Equal("step_timed_out", scenario.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void When_unknown_assume_not_done_compensates_only_earlier_steps() =>
        LosesEveryResult(Charging(ByAnswer + ", when_unknown: assume_not_done"))
            .Sends("-reserve")
            .Completes("reserve").IsIn("unwound", SagaStatus.Failed);

    [Fact]
    public void A_step_that_never_connected_did_not_happen() =>
        Charging(ByAnswer)
            .Fails("charge")
            .Wakes()
            .Fails("charge").Sends("-reserve")
            .Completes("reserve").IsIn("unwound", SagaStatus.Failed);

    [Theory]
    [InlineData(503, false)]
    [InlineData(429, false)]
    [InlineData(500, true)]
    [InlineData(502, true)]
    [InlineData(504, true)]
    public void A_status_determines_whether_a_step_happened(int status, bool unknown)
    {
        var scenario = Charging(ByAnswer)
            .Answered("charge", status)
            .Wakes()
            .Answered("charge", status);

        scenario.IsIn(unknown ? "charging" : "unwinding", unknown ? SagaStatus.Blocked : SagaStatus.Compensating);
    }

    [Fact]
    public void An_unsent_attempt_does_not_resolve_an_earlier_attempt_that_was_sent() =>
        Charging(ByAnswer)
            .LosesResult("charge")
            .Wakes()
            .Fails("charge").IsIn("charging", SagaStatus.Blocked);

    [Fact]
    public void A_rejection_resolves_every_attempt_under_its_key() =>
        Charging(ByAnswer)
            .LosesResult("charge")
            .Wakes()
            .Answered("charge", 404).Sends("-reserve");

    [Fact]
    public void An_unsent_rejection_leaves_an_earlier_attempt_unknown()
    {
        var scenario = Charging(ByAnswer)
            .LosesResult("charge")
            .Wakes();
        scenario.Handles(scenario.Result("charge", StepOutcome.Rejected, null, "address_refused") with { Reach = AttemptReach.NotSent })
            .IsIn("charging", SagaStatus.Blocked);

        scenario.OperatorSends(OperatorCommand.Skip).Sends("-reserve");
        Assert.Equal("address_refused", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_failure_without_a_reach_has_an_unknown_outcome()
    {
        var scenario = Charging(ByAnswer, attempts: 1);
        scenario.Handles(scenario.Result("charge", StepOutcome.Failed, null, "connection_failed")).IsIn("charging", SagaStatus.Blocked);
        Assert.Contains("it failed once, with connection_failed", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_2xx_with_an_invalid_body_happened_and_is_compensated_if_its_arguments_can_be_evaluated()
    {
        var scenario = Charging(ByAnswer).Answered("charge", 201, """{"id":"c-1"}""").Sends("-charge");

        Assert.Equal("""{"path":"/charges/c-1"}""", scenario.Arguments("charge"));
        scenario.Completes("charge").Sends("-reserve");
        Assert.Equal("result_invalid", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_2xx_with_an_invalid_body_blocks_if_its_compensation_arguments_cannot_be_evaluated()
    {
        var scenario = Charging(ByAnswer).Answered("charge", 200, "\"<html>\"").IsIn("charging", SagaStatus.Blocked);
        Assert.Contains("Step 'charge' took effect", scenario.Saga.BlockedBecause, StringComparison.Ordinal);

        scenario.OperatorSends(OperatorCommand.Skip).Sends("-reserve");
        Assert.Equal("result_invalid", scenario.Saga.Fault!.Code);
    }

    [Theory]
    [InlineData(ByKey, "-charge")]
    [InlineData(ByAnswer + ", when_unknown: assume_not_done", "-reserve")]
    [InlineData(ByInput, "-charge")]
    public void When_unknown_applies_to_a_2xx_with_an_invalid_body(string compensate, string sent) =>
        Charging(compensate).Answered("charge", 200, "\"<html>\"").Sends(sent);

    [Fact]
    public void A_2xx_without_its_body_happened()
    {
        var scenario = Charging(ByInput);
        var unread = scenario.Result("charge", StepOutcome.Failed, """{"status_code":201,"headers":{},"body":null}""", "answer_unreadable");
        scenario.Handles(unread with { Reach = AttemptReach.Done }).Sends("-charge");

        Assert.Equal("result_invalid", scenario.Saga.Fault!.Code);
    }

    [Theory]
    [InlineData(", save: { name: result.body }")]
    [InlineData(", save: { name: result.body.name }")]
    [InlineData(", returns: { body: { name: string } }")]
    [InlineData(", reject: [{ when: result.body.stopped, code: stopped }]")]
    public void An_unparsed_JSON_body_is_invalid_where_the_contract_reads_it(string options)
    {
        var scenario = Getting(options);
        scenario.Handles(Unparsed(scenario));

        var failed = Assert.Single(scenario.History, note => note.Kind == HistoryKind.AttemptFailed);
        Assert.Contains("declared as application/json", failed.Detail.ToString(), StringComparison.Ordinal);
        Assert.Contains("result_invalid", failed.Detail.ToString(), StringComparison.Ordinal);
        scenario.Wakes()
            .Answered("read", 200, """{"name":"a","stopped":false}""").IsIn("done", SagaStatus.Completed);
    }

    [Theory]
    [InlineData("")]
    [InlineData(", save: { name: string(result.status_code) }")]
    [InlineData(", save: { name: result.body }, returns: { body: string }")]
    [InlineData(", reject: [{ when: result.status_code == 202, code: stopped }]")]
    public void An_unparsed_JSON_body_is_ignored_by_a_contract_that_does_not_read_it_or_accepts_text(string options)
    {
        var scenario = Getting(options);

        scenario.Handles(Unparsed(scenario)).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void An_unparsed_body_of_an_error_response_is_classified_by_its_status()
    {
        var scenario = Getting(", reject: [{ when: result.body.stopped, code: stopped }], retry: { attempts: 1 }");

        scenario.Handles(Unparsed(scenario) with { Outcome = StepOutcome.Failed, Code = "http_503", Reach = AttemptReach.Answered });

        Assert.Equal("step_failed", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_step_whose_save_fails_after_a_2xx_is_compensated() =>
        Charging(ByAnswer, save: "number: int(result.body.ref)").Answered("charge", 201, """{"id":"c-1","ref":"x"}""").Sends("-charge");

    [Fact]
    public void A_2xx_whose_reject_guard_cannot_be_evaluated_happened() =>
        Charging(ByInput, reject: "int(result.body.ref) == 402").Answered("charge", 201, """{"id":"c-1","ref":"x"}""").Sends("-charge");

    [Fact]
    public void Retry_of_an_unknown_step_uses_the_same_key()
    {
        var scenario = LosesEveryResult(Charging(ByAnswer));
        var id = scenario.Saga.Outstanding[0].CommandId;
        scenario.OperatorSends(OperatorCommand.Retry).Sends("charge#3");
        Assert.Equal(id, scenario.Last.Commands[0].CommandId);

        scenario.Answered("charge", 201, """{"id":"c-1","ref":"r"}""").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Skip_of_an_unknown_step_fails_it_as_not_done()
    {
        var scenario = LosesEveryResult(Charging(ByAnswer))
            .OperatorSends(OperatorCommand.Skip).Sends("-reserve")
            .Completes("reserve").IsIn("unwound", SagaStatus.Failed);

        Assert.Equal("step_timed_out", scenario.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void Cancel_of_an_unknown_step_resolves_it_and_compensates()
    {
        var scenario = LosesEveryResult(Charging(ByAnswer))
            .OperatorSends(OperatorCommand.Cancel).IsIn("unwinding", SagaStatus.Compensating);

        scenario.Wakes()
                .Sends("charge#3")
            .Answered("charge", 201, """{"id":"c-1","ref":"r"}""").Sends("-charge");
    }

    [Fact]
    public void A_late_result_unblocks_a_step() =>
        LosesEveryResult(Charging(ByAnswer)).Answered("charge", 201, """{"id":"c-1","ref":"r"}""").IsIn("done", SagaStatus.Completed);

    [Fact]
    public void An_unknown_step_survives_a_round_trip_of_its_row()
    {
        var scenario = Charging(ByAnswer).LosesResult("charge");
        Reload(scenario)
            .Wakes()
            .Fails("charge").IsIn("charging", SagaStatus.Blocked);
        Reload(scenario).OperatorSends(OperatorCommand.Skip).Sends("-reserve");
        Assert.Equal("step_failed", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void An_unknown_item_blocks_and_the_others_continue()
    {
        var scenario = Packing();
        scenario.Handles(scenario.ItemLosesResult("pack", 0)).IsIn("packing", SagaStatus.Blocked);
        Assert.Equal((BlockedBy.Unknown, 0), (scenario.Saga.Blockage!.Kind, scenario.Saga.Blockage.Item));
        scenario.CompletesItem("pack", 1);

        scenario.OperatorSends(OperatorCommand.Skip)
            .Wakes().Sends("-pack");
        Assert.Equal("""{"path":"/b"}""", scenario.Arguments("pack"));
    }

    [Fact]
    public void An_invalid_result_is_requested_again_if_the_operation_is_idempotent()
    {
        var scenario = Reading()
            .Answered("read", 200, "\"<html>\"")
            .Wakes().Sends("read#2");
        Assert.True(scenario.Last.Commands[0].CallsAgain);

        scenario.Answered("read", 200, """{"name":"a"}""").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void A_repeated_invalid_result_changes_nothing()
    {
        var scenario = Reading();
        var html = scenario.Result("read", StepOutcome.Completed, """{"status_code":200,"headers":{},"body":"<html>"}""", null);
        scenario.Handles(html)
            .Handles(html);
        Assert.False(scenario.Last.Changed);

        scenario.Wakes()
                .Sends("read#2")
            .Handles(html);
        Assert.False(scenario.Last.Changed);
    }

    [Fact]
    public void An_operation_that_is_not_idempotent_is_not_requested_again()
    {
        var scenario = Charging(ByInput).Answered("charge", 200, "\"<html>\"").Sends("-charge");

        Assert.DoesNotContain(scenario.History, note => note.Kind == HistoryKind.StepRetried);
    }

    [Theory]
    [InlineData("http.post", 1)]
    [InlineData("http.put", 3)]
    public void Past_the_pivot_an_invalid_result_blocks_for_an_operator(string operation, int attempts)
    {
        var scenario = Confirming(operation);
        for (var attempt = 1; attempt <= attempts; attempt++)
        {
            scenario.Answered("confirm", 200, "\"<html>\"");
            if (attempt < attempts)
            {
                scenario.Wakes().Sends($"confirm#{attempt + 1}");
            }
        }

        scenario.IsIn("confirming", SagaStatus.Blocked);
        scenario.OperatorSends(OperatorCommand.Retry).Sends($"confirm#{attempts + 1}");
        Assert.True(scenario.Last.Commands[0].CallsAgain);
        scenario.Answered("confirm", 200, """{"name":"a"}""").IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Past_the_pivot_an_invalid_result_can_be_skipped() =>
        Confirming("http.post")
            .Answered("confirm", 200, "\"<html>\"")
            .OperatorSends(OperatorCommand.Skip).IsIn("done", SagaStatus.Completed);

    [Fact]
    public void An_interrupted_step_that_was_never_sent_ends_at_once() =>
        Charging(ByAnswer, attempts: 9)
            .Fails("charge")
            .OperatorSends(OperatorCommand.Cancel).Sends("-reserve")
            .Completes("reserve")
            .IsIn("unwound", SagaStatus.Cancelled);

    [Fact]
    public void An_interrupted_step_ends_when_its_attempt_in_flight_proves_unsent() =>
        Charging(ByAnswer, attempts: 9)
            .OperatorSends(OperatorCommand.Cancel)
            .Fails("charge").Sends("-reserve");

    [Fact]
    public void An_interrupted_step_is_sent_at_most_three_times_and_then_blocks()
    {
        var scenario = Charging(ByAnswer, attempts: 50)
            .LosesResult("charge")
            .Wakes()
            .LosesResult("charge")
            .OperatorSends(OperatorCommand.Cancel);
        for (var attempt = 3; attempt < 3 + Interruption.AttemptsMax; attempt++)
        {
            scenario.IsIn("unwinding", SagaStatus.Compensating)
                .Wakes().Sends($"charge#{attempt}")
                .LosesResult("charge");
        }

        Assert.Equal(3, Interruption.AttemptsMax);
        scenario.IsIn("unwinding", SagaStatus.Blocked);
        Assert.Equal(BlockedBy.Interrupted, scenario.Saga.Blockage!.Kind);
    }

    [Fact]
    public void Skip_assumes_that_an_interrupted_step_did_not_happen()
    {
        var scenario = Charging(ByAnswer)
            .LosesResult("charge")
            .OperatorSends(OperatorCommand.Cancel)
            .Wakes().Sends("charge#2");
        scenario.OperatorSends(OperatorCommand.Skip)
                .Sends("-reserve")
            .Completes("reserve").IsIn("unwound", SagaStatus.Cancelled);

        Assert.Contains(scenario.History, note => note is { Kind: HistoryKind.SkippedByOperator, Step: "charge" });
    }

    [Fact]
    public void A_deadline_ends_a_step_that_was_never_sent() =>
        Charging(ByAnswer, attempts: 9)
            .Fails("charge")
            .AdvancesTime(TimeSpan.FromHours(2))
            .Fires().Sends("-reserve");

    private static SagaScenario Reload(SagaScenario scenario)
    {
        scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga));
        return scenario;
    }

    private static SagaScenario LosesEveryResult(SagaScenario scenario) => scenario
        .LosesResult("charge")
        .Wakes().Sends("charge#2")
        .LosesResult("charge");

    private static SagaScenario Charging(string compensate, int attempts = 2,
        string save = "", string reject = "false") => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: {}
        data: { number: int? }
        deadline: { after: 1h, next: unwinding }
        initial: reserving
        states:
          reserving:
            steps:
              - id: reserve
                effect: http.post
                connection: outside
                with: { path: /reservations }
                compensate: { effect: http.delete, connection: outside, with: { path: /reservations }, when_unknown: block }
            next: charging
          charging:
            steps:
              - id: charge
                effect: http.post
                connection: outside
                with: { path: /charges }
                returns: { body: { id: string, ref: string } }
                reject: [{ when: "{{reject}}", code: declined }]
                save: { {{save}} }
                timeout: 1s
                retry: { attempts: {{attempts}}, first: 1s, jitter: none }
                compensate: { effect: http.post, connection: outside, {{compensate}} }
            next: done
          unwinding: { compensate: all, next: unwound }
          done: { end: completed }
          unwound: { end: failed }
        on_failure: unwinding
        """).Starts()
            .Answered("reserve", 200).Sends("charge");

    private static SagaScenario Packing() => new SagaScenario("""
        contract: story
        version: 1.0.0
        input: {}
        data: { names: { type: list(string), initial: [a, b] } }
        initial: packing
        states:
          packing:
            steps:
              - id: pack
                each: { item: data.names, at_most: 9, at_once: 2, on_item_failure: stop }
                retry: { attempts: 1 }
                effect: http.post
                connection: outside
                with: { path: "/${item}" }
                compensate: { effect: http.delete, connection: outside, with: { path: "/${item}" }, when_unknown: block }
            next: done
          done: { end: completed }
        """).Starts();

    private static SagaScenario Reading() => new SagaScenario("""
        contract: story
        version: 1.0.0
        input: {}
        initial: reading
        states:
          reading:
            steps:
              - { id: read, effect: http.get, connection: outside, with: { path: /a }, returns: { body: { name: string } } }
            next: done
          done: { end: completed }
        """).Starts();

    private static SagaScenario Getting(string options) => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: {}
        data: { name: any }
        initial: reading
        states:
          reading:
            steps:
              - { id: read, effect: http.get, connection: outside, with: { path: /a }{{options}} }
            next: done
          done: { end: completed }
        """).Starts();

    private static StepResultArrived Unparsed(SagaScenario scenario) =>
        scenario.Result("read", StepOutcome.Completed, """{"status_code":200,"headers":{},"body":"{\"name\":"}""", null) with
        {
            Unparsed = "stock:80 answered 200: the body is declared as application/json and is no JSON that can be read.",
        };

    private static SagaScenario Confirming(string operation) => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: {}
        initial: confirming
        states:
          confirming:
            pivot: true
            steps:
              - id: confirm
                effect: {{operation}}
                connection: outside
                with: { path: /a }
                returns: { body: { name: string } }
                retry: { attempts: 3, first: 1s, jitter: none }
            next: done
          done: { end: completed }
        """).Starts();
}
