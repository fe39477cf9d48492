using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>
/// Sagas that repeat states in a cycle: without progress they are slowed down, then blocked; with progress they continue.
/// </summary>
public sealed class CycleTests
{
    private static int EntriesMax => ContractLimits.Default.IdleEntries;

    // One in 'working', and one for each entry of 'calming', the last of them beyond the limit.
    private static int CallsMax => 1 + EntriesMax + 1;

    [Fact]
    public void A_failure_cycle_is_slowed_down_and_then_blocked_with_the_reason()
    {
        var scenario = Failing().Starts();
        var began = scenario.Now;
        var calls = RejectUntilBlocked(scenario, max: 3_000);

        scenario.IsIn("calming", SagaStatus.Blocked);
        Assert.Equal(CallsMax, calls);
        Assert.InRange(scenario.Now - began, TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(2));
        Assert.Contains($"state 'calming' {EntriesMax + 1} times", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains("ONEX_MAX_IDLE_ENTRIES", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains("http_404", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Contains(scenario.History, note => note.Kind == HistoryKind.SlowedDown);
    }

    [Fact]
    public void The_entries_are_counted_across_restarts()
    {
        var scenario = Failing().Starts();
        var calls = RejectUntilBlocked(scenario, max: 3_000, () => scenario.Reloads(SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga)));

        Assert.Equal((CallsMax, SagaStatus.Blocked), (calls, scenario.Saga.Status));
    }

    [Fact]
    public void Retry_restores_the_limit_of_a_blocked_cycle_and_cancel_ends_it()
    {
        var scenario = Failing().Starts();
        RejectUntilBlocked(scenario, max: 3_000);
        scenario.OperatorSends(OperatorCommand.Retry).Sends("calm");
        Assert.Equal(EntriesMax, RejectUntilBlocked(scenario, max: 3_000));

        scenario.IsIn("calming", SagaStatus.Blocked).OperatorSends(OperatorCommand.Cancel).IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void A_failure_cycle_that_changes_data_is_blocked_after_a_higher_limit()
    {
        var scenario = Failing(counting: true).Starts();
        var calls = RejectUntilBlocked(scenario, max: 3_000);

        scenario.IsIn("calming", SagaStatus.Blocked);
        Assert.Equal((EntriesMax * Cycles.FailuresPerIdleEntry) + 2, calls);
        Assert.Contains("after 1001 failures", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cycle_with_a_wait_is_not_blocked()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("calling", "done", [TestStates.Effect("call", catches: [new CatchRule([], "resting")])]),
                TestStates.State("resting", "calling", [TestStates.Wait("rest", TimeSpan.FromMilliseconds(1))]),
                TestStates.End("done"),
            ])).Starts();
        for (var round = 0; round < EntriesMax * Cycles.FailuresPerIdleEntry * 2; round++)
        {
            scenario.Answered("call", 404)
                    .IsIn("resting", SagaStatus.Waiting)
                .Wakes().Sends("call");
        }

        Assert.DoesNotContain(scenario.History, note => note.Kind == HistoryKind.SlowedDown);
    }

    [Fact]
    public void A_cycle_with_an_event_is_not_blocked()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State("calling", "done", [TestStates.Effect("call", catches: [new CatchRule([], "asking")])]),
                TestStates.State("asking", on: [TestStates.On("go", "calling")]),
                TestStates.End("done"),
            ],
            events: [TestStates.Event("go")])).Starts();
        for (var round = 0; round < EntriesMax * 3; round++)
        {
            scenario.Answered("call", 404)
                .Receives("go").Sends("call");
        }
    }

    [Fact]
    public void A_cycle_that_counts_is_not_blocked()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "counting", steps: [
                        TestStates.Effect("page", "data.n"),
                        TestStates.Set("count", TestStates.Put("n", "data.n + 1", TestStates.Number)),
                    ],
                    choose: [new Choice(TestStates.Cel("data.n < 5000"), "counting", null), new Choice(null, "done", null)]),
                TestStates.End("done"),
            ],
            data: [TestStates.Field("n", TestStates.Number, Onex.Contracts.Expressions.CelValue.Int(0))])).Starts();
        for (var page = 0; page < 4999; page++)
        {
            scenario.Completes("page").Sends("page");
        }

        scenario.Completes("page").IsIn("done", SagaStatus.Completed);
        Assert.DoesNotContain(scenario.History, note => note.Kind == HistoryKind.SlowedDown);
    }

    [Fact]
    public void A_cycle_without_progress_is_blocked_even_without_failures()
    {
        var scenario = new SagaScenario(TestStates.Plan(
            [
                TestStates.State(
                    "asking",
                    steps: [TestStates.Effect("poll")],
                    choose: [new Choice(TestStates.Cel("false"), "done", null), new Choice(null, "asking", null)]),
                TestStates.End("done"),
            ])).Starts();
        for (var round = 0; round < 10_000 && scenario.Saga.Blockage is null; round++)
        {
            _ = scenario.Saga.Outstanding.IsEmpty ? scenario.Wakes() : scenario.Completes("poll");
        }

        scenario.IsIn("asking", SagaStatus.Blocked);
    }

    [Fact]
    public void A_cycle_within_one_decision_is_blocked_in_that_decision() =>
        new SagaScenario(TestStates.Plan([TestStates.State("one", "two"), TestStates.State("two", "one")]))
            .Starts().IsIn("two", SagaStatus.Blocked);

    [Fact]
    public void A_slowed_cycle_can_be_cancelled_and_its_reason_is_shown()
    {
        var scenario = Failing().Starts();
        for (var round = 0; round < EntriesMax && scenario.Saga.Leaving is null; round++)
        {
            scenario.Answered(scenario.Last.Commands[0].Step, 404);
        }

        Assert.Contains(
            "is in a cycle without progress",
            Waits.Describe(scenario.Plan, scenario.Saga, scenario.Now).Sentence,
            StringComparison.Ordinal);
        scenario.OperatorSends(OperatorCommand.Cancel).IsIn("cancelled", SagaStatus.Cancelled);
    }

    [Fact]
    public void The_limit_of_idle_entries_is_configurable()
    {
        var plan = SagaScenario.Compile("""
            contract: story
            version: 1.0.0
            input: {}
            initial: done
            states:
              done: { end: completed }
            """, new ContractLimits { IdleEntries = 3 }).Plans.Single();

        Assert.Equal(3, plan.IdleEntriesMax);
    }

    // Rejects every call until the saga is blocked, and returns the number of calls.
    private static int RejectUntilBlocked(SagaScenario scenario, int max, Action? beforeEachTurn = null)
    {
        var calls = 0;
        for (var turn = 0; scenario.Saga.Blockage is null && calls < max && turn < max * 2; turn++)
        {
            beforeEachTurn?.Invoke();
            if (scenario.Saga.Outstanding.IsEmpty)
            {
                scenario.Wakes();
                continue;
            }

            calls++;
            scenario.Answered(scenario.Saga.Outstanding[0].Step, 404);
        }

        return calls;
    }

    // A contract that the compiler rejects today but that may be registered already.
    private static SagaScenario Failing(bool counting = false) => new(TestStates.Plan(
        [
            TestStates.State("working", "done", [TestStates.Effect("work")]),
            TestStates.State("calming", "done",
            [
                .. counting ? new StepPlan[] { TestStates.Set("count", TestStates.Put("n", "data.n + 1", TestStates.Number)) } : [],
                TestStates.Effect("calm"),
            ]),
            TestStates.End("done"),
        ],
        onFailure: "calming",
        data: [TestStates.Field("n", TestStates.Number, Onex.Contracts.Expressions.CelValue.Int(0))]));
}
