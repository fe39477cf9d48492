namespace Onex.Tests.Unit.Engine;

public sealed class SagaEngineTests
{
    private const string Order = """
        contract: story
        version: 1.0.0
        description: Reserve, charge, confirm.
        input: { type: object, properties: { id: { type: string }, total: { type: number } } }
        data: { reservation: string?, payment: string? }
        retries:
          quick: { attempts: 3, first: 1s, factor: 2, max: 10s, jitter: none }
        initial: reserving
        states:
          reserving:
            steps:
              - id: reserve
                effect: http.post
                connection: outside
                retry: quick
                with: { path: /reservations, body: { order: "${input.id}" } }
                returns: { body: { id: string } }
                save: { reservation: result.body.id }
                compensate: { effect: http.delete, connection: outside, retry: quick, with: { path: "/reservations/${result.body.id}" } }
            next: charging
          charging:
            steps:
              - id: charge
                effect: http.post
                connection: outside
                retry: quick
                timeout: 2s
                with: { path: /charges, body: { amount: "${input.total}", reservation: "${data.reservation}" } }
                returns: { body: { ref: string } }
                reject: [{ when: result.status_code == 402, code: card_declined }]
                save: { payment: result.body.ref }
                compensate: { effect: http.post, connection: outside, retry: quick,
                    with: { path: /refunds, body: { ref: "${result.body.ref}" } } }
            next: sealing
          sealing:
            steps:
              - id: seal
                compute: hash.sha256
                retry: quick
                with: { text: "${input.id}" }
            choose:
              - when: steps.seal.hex == "bad"
                next: unwinding
                fault: seal_broken
              - next: confirming
          confirming:
            pivot: true
            steps:
              - id: confirm
                effect: http.post
                connection: outside
                retry: quick
                with: { path: /confirmations, body: { seal: "${steps.seal.hex}" } }
            next: done
          unwinding: { compensate: all, next: unwound }
          done: { end: completed, output: { payment: "${data.payment}" } }
          unwound: { end: failed, output: { reason: "${fault.code}" } }
        on_failure: unwinding
        """;

    private const string Reserved = """{"status_code":201,"headers":{},"body":{"id":"r 1"}}""";
    private const string Charged = """{"status_code":200,"headers":{},"body":{"ref":"p-1"}}""";

    [Fact]
    public void Steps_run_in_order_and_the_end_answers_with_the_output()
    {
        var scenario = Start().Sends("reserve").IsIn("reserving", SagaStatus.Running);

        scenario.Completes("reserve", Reserved).Sends("charge");
        Assert.Equal("""{"path":"/charges","body":{"amount":10.5,"reservation":"r 1"}}""", scenario.Arguments("charge"));
        scenario.Completes("charge", Charged).Sends("seal")
            .Completes("seal", """{"hex":"ab"}""").Sends("confirm")
            .Answered("confirm", 200).Sends().IsIn("done", SagaStatus.Completed);

        var answer = Assert.Single(scenario.Answers);
        Assert.Equal(ResponseStatus.Success, answer.Status);
        Assert.Equal("""{"payment":"p-1"}""", answer.Output.ToString());
        Assert.NotNull(scenario.Saga.EndedAt);
        Assert.Null(scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void The_history_is_in_order()
    {
        var scenario = Start()
            .Completes("reserve", Reserved)
            .Answered("charge", 402)
            .Answered("reserve", 204);

        Assert.Equal(
            [
                "started", "state_entered", "step_started", "step_completed", "state_entered", "step_started", "step_rejected", "faulted",
                "state_entered", "compensation_started", "compensation_completed", "state_entered", "ended",
            ],
            scenario.History.Select(note => note.Kind.ToText()));
    }

    [Fact]
    public void A_compensating_state_compensates_completed_steps_once_in_reverse_order()
    {
        var scenario = Start()
            .Completes("reserve", Reserved)
            .Completes("charge", Charged)
            .Completes("seal", """{"hex":"bad"}""")
                .Sends("-charge").IsIn("unwinding", SagaStatus.Compensating);

        scenario.Answered("charge", 200).Sends("-reserve");
        Assert.Equal("""{"path":"/reservations/r%201"}""", scenario.Arguments("reserve"));
        scenario.Answered("reserve", 204).Sends().IsIn("unwound", SagaStatus.Failed);

        var answer = Assert.Single(scenario.Answers);
        Assert.Equal((ResponseStatus.Error, "seal_broken"), (answer.Status, answer.Fault!.Code));
        Assert.Equal("""{"reason":"seal_broken"}""", answer.Output.ToString());
    }

    [Fact]
    public void A_reject_guard_names_the_rejection_and_a_rejection_is_never_retried()
    {
        var scenario = Start()
            .Completes("reserve", Reserved)
            .Answered("charge", 402).Sends("-reserve");

        Assert.Equal(("card_declined", "charge"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Step));
    }

    [Fact]
    public void A_rejection_without_a_matching_guard_has_the_code_of_the_role()
    {
        var scenario = Start()
            .Completes("reserve", Reserved)
            .Answered("charge", 404);

        Assert.Equal("http_404", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_duplicate_result_changes_nothing()
    {
        var scenario = Start();
        var result = scenario.Result("reserve", StepOutcome.Completed, Reserved, null);
        scenario.Handles(result).Sends("charge");

        Assert.False(scenario.Handles(result).Last.Changed);
    }

    [Fact]
    public void A_failed_attempt_is_retried_after_its_delay_with_the_same_command()
    {
        var scenario = Start();
        var first = scenario.Last.Commands[0];
        scenario.Fails("reserve").Sends();
        Assert.Equal(scenario.Now + TimeSpan.FromSeconds(1), scenario.Saga.NextWakeupAt);

        scenario.Wakes().Sends("reserve#2");
        Assert.Equal((first.CommandId, first.Arguments), (scenario.Last.Commands[0].CommandId, scenario.Last.Commands[0].Arguments));
        scenario.Fails("reserve");
        Assert.Equal(scenario.Now + TimeSpan.FromSeconds(2), scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void A_step_without_remaining_attempts_fails_and_leads_to_on_failure()
    {
        var scenario = Start()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve");

        scenario.IsIn("unwound", SagaStatus.Failed);
        Assert.Equal("step_failed", scenario.Answers.Single().Fault!.Code);
    }

    [Fact]
    public void Three_503_responses_are_retried_until_the_step_completes() =>
        Start("attempts: 3", "attempts: 5").Completes("reserve", Reserved)
            .Answered("charge", 503)
            .Wakes()
            .Answered("charge", 503)
            .Wakes()
            .Answered("charge", 503)
            .Wakes()
            .Sends("charge#4")
            .Completes("charge", Charged).Sends("seal");

    [Fact]
    public void A_failure_of_an_earlier_attempt_does_not_affect_the_one_in_flight()
    {
        var scenario = Start()
            .Fails("reserve")
            .Wakes();

        Assert.False(scenario.Fails("reserve", attempt: 1).Last.Changed);
    }

    [Fact]
    public void A_completion_of_any_attempt_counts()
    {
        var scenario = Start()
            .Fails("reserve")
            .Wakes();

        scenario.Completes("reserve", Reserved, attempt: 1).Sends("charge");
    }

    [Fact]
    public void A_completion_counts_during_a_backoff() =>
        Start()
            .Fails("reserve")
            .Completes("reserve", Reserved, attempt: 1).Sends("charge");

    [Fact]
    public void An_unclaimed_command_is_resent_as_the_same_attempt()
    {
        var scenario = Start()
            .Wakes().Sends("reserve")
            .Wakes().Sends("reserve");

        Assert.Equal(1, scenario.Last.Commands[0].Attempt);
    }

    [Fact]
    public void The_delay_before_a_resend_grows()
    {
        var scenario = Start();
        var first = scenario.Saga.NextWakeupAt!.Value - scenario.Now;
        scenario.Wakes();
        var second = scenario.Saga.NextWakeupAt!.Value - scenario.Now;

        Assert.Equal(first * 2, second);
    }

    [Fact]
    public void A_running_command_is_queried_when_its_lease_expires()
    {
        var scenario = Start();
        var until = scenario.Now + TimeSpan.FromMinutes(2);
        scenario.Wakes(_ => new Lease(1, until)).Sends();

        Assert.Equal(until + TimeSpan.FromSeconds(1), scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void An_attempt_whose_lease_expires_without_an_outcome_fails()
    {
        var scenario = Start().Wakes(_ => new Lease(1, null)).Sends();

        Assert.Equal("step_timed_out", Detail(scenario, HistoryKind.AttemptFailed, "code"));
        scenario.Wakes().Sends("reserve#2");
    }

    [Fact]
    public void A_result_of_the_wrong_type_is_a_failure()
    {
        var scenario = Start().Completes("reserve", """{"status_code":200,"headers":{},"body":{"id":7}}""");

        Assert.Equal("result_invalid", Detail(scenario, HistoryKind.AttemptFailed, "code"));
    }

    [Fact]
    public void A_failed_expression_fails_the_step_at_once()
    {
        var scenario = Start("reservation: result.body.id", "reservation: result.headers.missing").Completes("reserve", Reserved);

        Assert.Equal("expression_failed", scenario.Saga.Fault!.Code);
        scenario.Sends("-reserve");
    }

    [Fact]
    public void Past_the_pivot_a_failure_is_retried_without_end()
    {
        var scenario = Confirming();
        for (var i = 0; i < 10; i++)
        {
            scenario.Answered("confirm", 503)
                .Wakes();
        }

        scenario.Sends("confirm#11").Answered("confirm", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Past_the_pivot_a_rejection_blocks_and_compensates_nothing()
    {
        var scenario = Confirming().Answered("confirm", 409).Sends().IsIn("confirming", SagaStatus.Blocked);

        Assert.Empty(scenario.Answers);
        Assert.Contains("http_409", scenario.Saga.Fault!.Code, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compensation_that_is_rejected_blocks()
    {
        var scenario = Start()
            .Completes("reserve", Reserved)
            .Answered("charge", 402)
            .Answered("reserve", 409);

        scenario.IsIn("unwinding", SagaStatus.Blocked);
        Assert.Contains("reserve", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compensation_whose_attempts_are_used_up_blocks()
    {
        var scenario = Start()
            .Completes("reserve", Reserved)
            .Answered("charge", 402);
        scenario.Fails("reserve")
            .Wakes()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve");

        scenario.IsIn("unwinding", SagaStatus.Blocked);
    }

    [Fact]
    public void A_catch_leads_to_its_target()
    {
        var scenario = Start(
            "        reject: [{ when: result.status_code == 402, code: card_declined }]",
            "        reject: [{ when: result.status_code == 402, code: card_declined }]\n        catch: [{ error: [card_declined], next: "
                + "sealing }]");

        scenario.Completes("reserve", Reserved)
            .Answered("charge", 402).Sends("seal").IsIn("sealing", SagaStatus.Running);
        Assert.Null(scenario.Saga.Fault);
    }

    [Fact]
    public void A_state_that_is_entered_again_makes_new_commands()
    {
        var scenario = Start("- next: confirming", "- when: saga.version == \"x\"\n        next: confirming\n      - next: reserving");
        var first = scenario.Last.Commands[0].CommandId;
        scenario.Completes("reserve", Reserved)
            .Completes("charge", Charged)
            .Completes("seal", """{"hex":"ab"}""").Sends("reserve");

        Assert.NotEqual(first, scenario.Last.Commands[0].CommandId);
    }

    [Fact]
    public void A_request_that_joins_a_live_saga_is_answered_when_it_ends()
    {
        var scenario = Start().Handles(Joining("requests/5/1", isDuplicate: false));
        Assert.Empty(scenario.Answers);

        scenario.Fails("reserve")
            .Wakes()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve");
        Assert.Equal([false, false], scenario.Answers.Select(answer => answer.IsDuplicate));
    }

    [Fact]
    public void A_duplicate_request_of_an_ended_saga_gets_the_first_response_again()
    {
        var scenario = Start()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve")
            .Wakes()
            .Fails("reserve");
        var first = scenario.Answers.Single();
        scenario.Handles(Joining("requests/3/99", isDuplicate: true) with { SagaId = scenario.Saga.Facts.SagaId });

        Assert.Equal(2, scenario.Answers.Count);
        Assert.Equal(
            (true, first.Status, first.Output), (scenario.Answers[1].IsDuplicate, scenario.Answers[1].Status, scenario.Answers[1].Output));
    }

    [Fact]
    public void A_redelivered_join_sends_no_response()
    {
        var scenario = Start().Handles(Joining("requests/5/1", isDuplicate: false));

        Assert.False(scenario.Handles(Joining("requests/5/1", isDuplicate: false)).Last.Changed);
    }

    [Fact]
    public void Time_is_monotonic_within_a_saga()
    {
        var scenario = Start();
        var decision = SagaEngine.Decide(
            scenario.Plan, scenario.Saga, scenario.Result("reserve", StepOutcome.Completed, Reserved, null), scenario.Now.AddHours(-1));

        Assert.Equal(scenario.Now, decision.State.UpdatedAt);
    }

    [Fact]
    public void An_undeliverable_command_blocks_if_an_earlier_copy_may_have_run() =>
        Start().IsUndeliverable().IsIn("reserving", SagaStatus.Blocked);

    [Fact]
    public void An_unclaimed_undeliverable_command_fails_its_step_and_earlier_steps_are_compensated()
    {
        var scenario = Start().Completes("reserve", Reserved).Sends("charge");
        scenario.Handles(Closed(scenario, "charge"))
                .Sends("-reserve")
            .Completes("reserve").IsIn("unwound", SagaStatus.Failed);

        Assert.Equal(StepCodes.Undeliverable, scenario.Saga.Fault!.Code);
        Assert.Equal(StepCodes.Undeliverable, Detail(scenario, HistoryKind.StepFailed, "code"));
    }

    [Fact]
    public void A_contract_can_catch_an_undeliverable_command()
    {
        var scenario = Start("    next: charging\n", "    catch: [{ error: undeliverable, next: done }]\n    next: charging\n");
        scenario.Handles(Closed(scenario, "reserve")).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Past_the_pivot_an_undeliverable_command_blocks_and_is_retried_under_a_new_key()
    {
        var scenario = Confirming();
        var closed = scenario.Saga.Outstanding[0].CommandId;
        scenario.Handles(Closed(scenario, "confirm")).IsIn("confirming", SagaStatus.Blocked);
        Assert.Equal("Step 'confirm' cannot be sent: too large", scenario.Saga.BlockedBecause);

        scenario.OperatorSends(OperatorCommand.Retry).Sends("confirm");
        Assert.NotEqual(closed, scenario.Last.Commands[0].CommandId);
    }

    [Fact]
    public void A_closed_undeliverable_command_fails_its_step_even_without_a_notification()
    {
        var scenario = Start().Wakes(_ => SagaScenario.Cancelled).IsIn("unwound", SagaStatus.Failed);

        Assert.Equal(StepCodes.Undeliverable, scenario.Saga.Fault!.Code);
    }

    private static StepResultArrived Closed(SagaScenario scenario, string step) =>
        scenario.Result(step, StepOutcome.Undeliverable, null, ErrorCodes.DeliveryRefused) with { IsClosed = true, Message = "too large" };

    private static SagaScenario Start(string text = "", string replacement = "") =>
        new SagaScenario(text.Length == 0 ? Order : Order.Replace(text, replacement, StringComparison.Ordinal))
            .Starts("""{"id":"o1","total":10.5}""");

    private static SagaScenario Confirming() => Start()
        .Completes("reserve", Reserved)
        .Completes("charge", Charged)
        .Completes("seal", """{"hex":"ab"}""").Sends("confirm");

    private static RequestJoined Joining(string source, bool isDuplicate) => new()
    {
        SagaId = default,
        CausedBy = default,
        Waiter = new Waiter(SagaScenario.Requester(source), isDuplicate),
    };

    private static string? Detail(SagaScenario scenario, HistoryKind kind, string name)
    {
        var note = scenario.History.Last(note => note.Kind == kind);
        using var json = System.Text.Json.JsonDocument.Parse(note.Detail!.Value.Utf8);
        return json.RootElement.GetProperty(name).GetString();
    }
}

internal static class SagaScenarioExtensions
{
    public static SagaScenario IsUndeliverable(this SagaScenario scenario) =>
        scenario.Handles(scenario.Result("reserve", StepOutcome.Undeliverable, null, ErrorCodes.DeliveryRefused));
}
