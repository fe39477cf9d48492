using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Engine;

/// <summary>The sentence that says what a saga waits for.</summary>
public sealed class WaitsTests
{
    [Fact]
    public void A_step_in_flight_is_described_with_its_attempt()
    {
        var scenario = Start()
            .Fails("charge")
            .Wakes();

        IsDescribedAs(
            scenario,
            "In state 'charging' step 'charge' is in flight (attempt 2 of 3, first sent at 2026-11-24 08:00:00Z, next check at "
                + "2026-11-24 08:00:18Z).",
            "cancel",
            "pause");
    }

    [Fact]
    public void A_step_in_backoff_is_described_with_its_time() =>
        IsDescribedAs(
            Start().Fails("charge"),
            "In state 'charging' step 'charge' waits until 2026-11-24 08:00:01Z after attempt 1 of 3 failed.",
            "cancel",
            "pause");

    [Fact]
    public void An_interrupted_step_is_described_as_being_resolved() => IsDescribedAs(
        Start().Receives("cancel"),
        "In state 'compensating' the interrupted step 'charge' is being resolved (attempt 1 of 3, first sent at 2026-11-24 08:00:00Z, "
            + "next check at 2026-11-24 08:00:00Z)."
        + " Older steps are compensated after that is resolved.",
        "skip", "cancel", "pause");

    [Fact]
    public void A_departure_is_described_with_its_target() =>
        Assert.EndsWith(
            "It goes to 'asking' once that is resolved.", Reason(Start().Receives("other_card")).Sentence, StringComparison.Ordinal);

    [Fact]
    public void Awaited_events_are_named_with_the_time_of_the_timeout()
    {
        var scenario = Start().Completes("charge").IsIn("asking", SagaStatus.Waiting);

        IsDescribedAs(
            scenario,
            "It waits in state 'asking' since 2026-11-24 08:00:00Z for one of the events card, cancel; otherwise it goes to "
                + "'compensating' at 2026-11-26 08:00:00Z, "
            + "or goes to 'compensating' at 2026-11-27 08:00:00Z, its deadline.",
            "send card", "send cancel", "cancel", "pause");
        Assert.Equal(["event card", "event cancel", "time 2026-11-26 08:00:00Z"], Reason(scenario).Waits);
    }

    [Fact]
    public void A_wait_is_described_with_its_time()
    {
        var scenario = new SagaScenario(
            TestStates.Plan(
                [TestStates.State("resting", "done", [TestStates.Wait("rest", TimeSpan.FromMinutes(5))]), TestStates.End("done")]))
            .Starts();

        IsDescribedAs(
            scenario, "It waits in state 'resting' since 2026-11-24 08:00:00Z and continues at 2026-11-24 08:05:00Z.", "cancel", "pause");
    }

    [Fact]
    public void A_blocked_saga_is_described_with_its_reason_and_remedies() => IsDescribedAs(
        Start()
            .Receives("cancel")
            .Completes("charge")
            .Answered("charge", 409),
        "It is blocked in state 'compensating' since 2026-11-24 08:00:00Z and waits for an operator: "
        + "Step 'charge' cannot be compensated: the compensation was rejected with http_409: http_409",
        "retry", "skip", "cancel", "terminate");

    [Fact]
    public void A_paused_saga_is_described_with_operator_and_reason() => IsDescribedAs(
        Start()
            .Completes("charge")
            .OperatorSends(OperatorCommand.Pause, "alice", "stocktaking"),
        "alice paused it in state 'asking' at 2026-11-24 08:00:00Z (stocktaking): it sends nothing until it is resumed.",
        "resume", "cancel");

    [Fact]
    public void An_ended_saga_waits_for_nothing() =>
        IsDescribedAs(Start().Answered("charge", 404), "It has ended (failed) and waits for nothing.");

    [Fact]
    public void An_unclaimed_step_is_described_with_its_role()
    {
        var scenario = Start()
            .Wakes()
            .Wakes();

        Assert.Contains(", and no process has claimed it: check that runtime-effects runs.", Reason(scenario).Sentence);
    }

    [Fact]
    public void An_unclaimed_compensation_is_described_with_its_own_role()
    {
        var reserve = TestStates.Effect("reserve", compensation: "'r'", role: CallRole.Compute);
        var scenario = new SagaScenario(TestStates.Plan(
            [TestStates.State("reserving", "asking", [reserve]), TestStates.State("asking"), TestStates.End("done")]))
            .Starts()
            .Completes("reserve")
            .OperatorSends(OperatorCommand.Cancel, "alice")
            .Wakes()
            .Wakes();

        Assert.Contains(", and no process has claimed it: check that runtime-effects runs.", Reason(scenario).Sentence);
    }

    [Fact]
    public void A_proposed_event_command_shows_its_data()
    {
        var card = new DataType.Fields([.. new[] { ("number", "string"), ("limit", "int"), ("note", "string?") }
            .Select(field => KeyValuePair.Create(field.Item1, DataTypeReader.Parse(field.Item2)))]);
        var scenario = new SagaScenario(TestStates.Plan(
            [TestStates.State("asking", on: [TestStates.On("card", "done")]), TestStates.End("done")],
            events: [TestStates.Event("card", card)])).Starts();

        Assert.Contains(
            $$"""sagas send {{scenario.Saga.Facts.SagaId}} card --data '{"number":"...","limit":0}'""", Reason(scenario).Actions);
    }

    [Fact]
    public void Every_proposed_line_is_a_valid_command()
    {
        SagaScenario[] scenarios =
        [
            Start(),
            Start().Completes("charge"),
            Start().Receives("cancel").Completes("charge").Answered("charge", 409),
            Start().Completes("charge").OperatorSends(OperatorCommand.Pause, "alice"),
        ];

        Assert.All(
            scenarios.SelectMany(scenario => Reason(scenario).Actions),
            line => Assert.Empty(Onex.Runtime.Commands.CommandLine.Parse(line.Split(' ')).Errors));
    }

    private static void IsDescribedAs(SagaScenario scenario, string sentence, params string[] actions)
    {
        var reason = Reason(scenario);
        Assert.Equal(sentence, reason.Sentence);
        Assert.Equal(
            actions.Select(action => action.StartsWith("send ", StringComparison.Ordinal)
                ? $"sagas send {scenario.Saga.Facts.SagaId} {action[5..]}"
                : $"sagas {action} {scenario.Saga.Facts.SagaId}"
                    + (action == "terminate" ? $" --confirm {scenario.Saga.Facts.SagaId}" : "")),
            reason.Actions);
        Assert.Equal(scenario.Saga.NextWakeupAt, reason.Until);
    }

    private static Onex.Engine.WaitReason Reason(SagaScenario scenario) => Waits.Describe(scenario.Plan, scenario.Saga, scenario.Now);

    private static SagaScenario Start() => new SagaScenario(TestStates.Plan(
        [
            TestStates.State(
                "charging", "asking", [TestStates.Effect("charge", compensation: "'c'")], on: [TestStates.On("other_card", "asking")]),
            TestStates.State(
                "asking", on: [TestStates.On("card", "done")], timeout: TestStates.After(TimeSpan.FromHours(48), "compensating")),
            TestStates.End("done"),
        ],
        events: [TestStates.Event("card"), TestStates.Event("cancel"), TestStates.Event("other_card")],
        anyState: [TestStates.On("cancel", "compensating")],
        deadline: TestStates.After(TimeSpan.FromHours(72), "compensating"))).Starts();
}
