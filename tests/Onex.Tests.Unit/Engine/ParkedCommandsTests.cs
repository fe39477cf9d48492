namespace Onex.Tests.Unit.Engine;

/// <summary>Commands that the ledger reports as parked, because their connection does not let them begin.</summary>
public sealed class ParkedCommandsTests
{
    [Fact]
    public void A_parked_command_uses_up_no_attempt_and_leaves_no_history()
    {
        var scenario = Start();
        var parkedAt = scenario.Now;
        var history = scenario.History.Count;

        for (var i = 0; i < 100; i++)
        {
            scenario.Wakes(_ => Parked(parkedAt)).Sends();
        }

        Assert.Equal(history, scenario.History.Count);
        Assert.Equal(1, Assert.Single(scenario.Saga.Outstanding).Attempt);
        scenario.Answered("reserve", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void The_inquiries_about_a_parked_command_become_rare()
    {
        var scenario = Start();
        var parkedAt = scenario.Now;
        var inquiries = 0;
        while (scenario.Now - parkedAt < TimeSpan.FromDays(1))
        {
            scenario.Wakes(_ => Parked(parkedAt));
            inquiries++;
        }

        Assert.InRange(scenario.Saga.NextWakeupAt!.Value - scenario.Now, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(12.5));
        Assert.InRange(inquiries, 100, 170);
    }

    [Fact]
    public void A_parked_command_outlives_the_time_in_which_attempts_may_start()
    {
        var scenario = Start();
        var parkedAt = scenario.Now;
        while (scenario.Now - parkedAt < Outstanding.LifeTime + TimeSpan.FromHours(1))
        {
            scenario.Wakes(_ => Parked(parkedAt)).Sends();
        }

        scenario.Answered("reserve", 200).IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void Within_ends_the_wait_of_a_parked_command()
    {
        var scenario = Start(retry: "retry: { within: 2m }");
        var parkedAt = scenario.Now;
        while (scenario.Saga.NextWakeupAt < parkedAt + TimeSpan.FromMinutes(2))
        {
            scenario.Wakes(_ => Parked(parkedAt)).Sends();
        }

        // At that time the command is cancelled in the ledger before the saga wakes up.
        Assert.Equal(parkedAt + TimeSpan.FromMinutes(2), scenario.Saga.NextWakeupAt);
        var command = Assert.Single(scenario.Saga.Outstanding).CommandId;
        Assert.Empty(Timers.ToCancelIfParked(scenario.Plan, scenario.Saga, scenario.Now));
        Assert.Equal([command], Timers.ToCancelIfParked(scenario.Plan, scenario.Saga, scenario.Saga.NextWakeupAt!.Value));

        scenario.Wakes(_ => new Lease(1, null) { Cancelled = true });

        scenario.IsIn("failed", SagaStatus.Failed);
        Assert.Equal("step_timed_out", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void Without_within_a_parked_command_is_never_cancelled_by_its_retry_policy()
    {
        var scenario = Start();

        Assert.Empty(Timers.ToCancelIfParked(scenario.Plan, scenario.Saga, scenario.Now.AddYears(1)));
    }

    [Theory]
    [InlineData("timeout: { after: 3m, next: late }", "")]
    [InlineData("", "deadline: { after: 3m, next: late }")]
    public void The_timeout_of_the_state_and_the_deadline_cancel_a_parked_command(string timeout, string deadline)
    {
        var scenario = Start(timeout: timeout, deadline: deadline);
        var parkedAt = scenario.Now;
        while (scenario.Saga.Leaving is null)
        {
            scenario.Wakes(_ => Parked(parkedAt)).Sends();
        }

        Assert.Equal(
            [Assert.Single(scenario.Saga.Outstanding).CommandId], Timers.ToCancel(scenario.Plan, scenario.Saga, scenario.Now));
        scenario.Wakes(_ => new Lease(1, null) { Cancelled = true }).IsIn("late", SagaStatus.Completed);
        Assert.Equal(parkedAt + TimeSpan.FromMinutes(3), scenario.Now);
    }

    [Fact]
    public void A_cancel_of_the_saga_cancels_its_parked_command()
    {
        var scenario = Start().Wakes(_ => Parked(DateTimeOffset.UnixEpoch)).OperatorSends(OperatorCommand.Cancel);

        scenario.Wakes(_ => new Lease(1, null) { Cancelled = true }).IsIn("failed", SagaStatus.Cancelled);
    }

    [Fact]
    public void An_interrupted_command_that_may_have_taken_effect_waits_for_its_connection()
    {
        var scenario = Start(compensation: "compensate: { effect: http.post, connection: outside, with: { path: /undo } }");
        scenario.LosesResult("reserve").Wakes().Sends("reserve#2");
        scenario.Wakes(_ => Parked(scenario.Now)).OperatorSends(OperatorCommand.Cancel);

        Assert.Empty(Timers.ToCancel(scenario.Plan, scenario.Saga, scenario.Now));
        Assert.Single(Timers.ToLookUp(scenario.Plan, scenario.Saga, scenario.Now));
        scenario.Wakes(_ => Parked(scenario.Now)).Sends();
        Assert.Equal(2, Assert.Single(scenario.Saga.Outstanding).Attempt);

        scenario.Answered("reserve", 200).Sends("-reserve");
    }

    [Fact]
    public void The_wait_reason_names_why_a_command_is_parked()
    {
        var scenario = Start();
        var command = Assert.Single(scenario.Saga.Outstanding).CommandId;

        var why = Waits.Describe(
            scenario.Plan, scenario.Saga, scenario.Now,
            new Dictionary<CommandId, string> { [command] = "connection 'stock' has been unavailable since noon" });

        Assert.Equal(
            "In state 'start' step 'reserve' is parked (attempt 1 of 5, first sent at 2026-11-24 08:00:00Z): "
            + "connection 'stock' has been unavailable since noon.",
            why.Sentence);
    }

    private static Lease Parked(DateTimeOffset at) => new(1, null) { ParkedAt = at };

    private static SagaScenario Start(
        string retry = "", string timeout = "", string deadline = "", string compensation = "compensate: { none: 'a test' }") =>
        new SagaScenario($$"""
            contract: order
            version: 1.0.0
            input: {}
            initial: start
            {{deadline}}
            states:
              start:
                {{timeout}}
                steps:
                  - id: reserve
                    effect: http.post
                    connection: outside
                    with: { path: /reserve }
                    {{retry}}
                    {{compensation}}
                choose:
                  - { when: 'size(input) == 0', next: done }
                  - { next: late }
              done: { end: completed }
              late: { end: completed }
            """).Starts();
}
