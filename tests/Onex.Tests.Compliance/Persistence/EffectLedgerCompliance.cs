using Onex.Persistence.Ledger;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of effect ledgers, with a subclass per implementation.</summary>
public abstract class EffectLedgerCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    /// <summary>A ledger with its own storage.</summary>
    protected abstract IEffectLedger Ledger { get; }

    /// <summary>Another ledger on the same storage, if several processes can share it.</summary>
    protected virtual IEffectLedger Other => Ledger;

    [Fact]
    public async Task A_command_is_leased_to_one_process_at_a_time()
    {
        var command = Command();

        Assert.IsType<ClaimResult.Granted>(await ClaimAsync(command));
        Assert.Equal(ClaimResult.Leased.Instance, await ClaimAsync(command));
        Assert.Equal(ClaimResult.Leased.Instance, await ClaimAsync(command with { Attempt = 2 }));
    }

    [Theory]
    [InlineData(StepOutcomes.Completed, 1)]
    [InlineData(StepOutcomes.Completed, 2)]
    [InlineData(StepOutcomes.Rejected, 1)]
    [InlineData(StepOutcomes.Rejected, 2)]
    [InlineData(StepOutcomes.Failed, 1)]
    public async Task A_recorded_outcome_answers_the_claim(string outcome, int attempt)
    {
        var command = Command();
        var result = Result(command, outcome) with { Result = RawJson.FromText("""{"text":"nul \u0000 stays as it is"}""") };
        Assert.True(await RecordAsync(await ClaimLeaseAsync(command), result));

        var recorded = Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command with { Attempt = attempt }));

        Assert.Equal(result, recorded.Result);
    }

    [Fact]
    public async Task A_completed_command_runs_again_only_for_a_later_attempt_that_requests_it()
    {
        var command = Command();
        var first = await ClaimLeaseAsync(command);
        await RecordAsync(first, Result(command, StepOutcomes.Completed));
        var later = command with { Attempt = 2, AskAgain = true };

        Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command with { AskAgain = true }));
        Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command with { Attempt = 2 }));
        var second = await ClaimLeaseAsync(later);
        Assert.Equal(ClaimResult.Leased.Instance, await ClaimAsync(later));
        Assert.False(await RecordAsync(first, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(second, Result(later, StepOutcomes.Completed)));

        Assert.Equal(2, Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(later)).Result.Attempt);
    }

    [Fact]
    public async Task A_rejected_command_never_runs_again()
    {
        var command = Command();
        await RecordAsync(await ClaimLeaseAsync(command), Result(command, StepOutcomes.Rejected));

        Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command with { Attempt = 2, AskAgain = true }));
    }

    [Fact]
    public async Task A_claim_reports_an_earlier_lease_that_recorded_no_outcome()
    {
        var command = Command();
        Assert.False(Assert.IsType<ClaimResult.Granted>(await ClaimAsync(command)).FollowsUnrecordedLease);
        await ExpireAsync(command);

        var next = Assert.IsType<ClaimResult.Granted>(await ClaimAsync(command));
        Assert.True(next.FollowsUnrecordedLease);
        await RecordAsync(next.LeaseToken, Result(command, StepOutcomes.Failed));

        Assert.False(Assert.IsType<ClaimResult.Granted>(await ClaimAsync(command with { Attempt = 2 })).FollowsUnrecordedLease);
    }

    [Fact]
    public async Task An_outcome_that_was_recorded_without_a_reach_is_read_without_one()
    {
        var command = Command();
        await RecordAsync(await ClaimLeaseAsync(command), Result(command, StepOutcomes.Failed) with { Code = "step_timed_out" });

        Assert.Null(Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command)).Result.Reach);
    }

    [Fact]
    public async Task A_recorded_outcome_is_returned_even_after_the_not_after_of_its_command()
    {
        var command = Command();
        await RecordAsync(await ClaimLeaseAsync(command), Result(command, StepOutcomes.Completed));

        Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command with { NotAfter = Now().AddMinutes(-1) }));
    }

    [Fact]
    public async Task A_failed_attempt_allows_a_later_one()
    {
        var command = Command();
        var first = await ClaimLeaseAsync(command);
        await RecordAsync(first, Result(command, StepOutcomes.Failed));

        var second = await ClaimLeaseAsync(command with { Attempt = 2 });

        Assert.NotEqual(first, second);
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command));
        Assert.False(await RecordAsync(first, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(second, Result(command with { Attempt = 2 }, StepOutcomes.Failed)));
        Assert.Equal(2, Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command)).Result.Attempt);
    }

    [Fact]
    public async Task An_expired_lease_goes_to_the_next_claim_and_the_late_outcome_is_not_recorded()
    {
        var command = Command();
        var late = await ClaimLeaseAsync(command);
        await ExpireAsync(command);
        var next = await ClaimLeaseAsync(command);

        Assert.False(await RecordAsync(late, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(next, Result(command, StepOutcomes.Rejected)));
    }

    [Fact]
    public async Task An_expired_lease_without_a_later_claim_still_counts()
    {
        var command = Command();
        var token = await ClaimLeaseAsync(command);
        await ExpireAsync(command);

        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Completed)));
    }

    [Fact]
    public async Task A_closed_attempt_is_never_run_by_a_late_copy_of_its_command()
    {
        var command = Command() with { Attempt = 2 };
        var token = await ClaimLeaseAsync(command);
        Assert.True((await Ledger.CloseExpiredAsync([command.CommandId], _none))[command.CommandId].Leased);
        await ExpireAsync(command);

        var state = (await Ledger.CloseExpiredAsync([command.CommandId, Rows.Id()], _none))[command.CommandId];

        Assert.Equal((2, false, false, null), (state.Attempt, state.Leased, state.Cancelled, state.Outcome));
        Assert.Contains("was closed", Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command)).Reason, StringComparison.Ordinal);
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command with { Attempt = 1 }));
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command with { Attempt = 3, NotAfter = Now().AddMinutes(-5) }));
        await ClaimLeaseAsync(command with { Attempt = 3 });
        Assert.False(await RecordAsync(token, Result(command, StepOutcomes.Completed)));
    }

    [Fact]
    public async Task Cancelling_also_closes_an_attempt_whose_lease_expired()
    {
        var command = Command();
        await ClaimLeaseAsync(command);
        await ExpireAsync(command);

        Assert.False((await Ledger.CancelAsync([command.CommandId], _none))[command.CommandId].Cancelled);

        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command));
        await ClaimLeaseAsync(command with { Attempt = 2 });
    }

    [Fact]
    public async Task The_outcome_of_a_closed_attempt_may_still_be_recorded()
    {
        var command = Command();
        var token = await ClaimLeaseAsync(command);
        await ExpireAsync(command);
        await Ledger.CloseExpiredAsync([command.CommandId], _none);

        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Completed)));
        Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command with { Attempt = 2 }));
    }

    [Fact]
    public async Task Recording_twice_under_one_lease_keeps_the_first_outcome()
    {
        var command = Command();
        var token = await ClaimLeaseAsync(command);

        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Failed)));

        Assert.Equal(StepOutcomes.Completed, Assert.IsType<ClaimResult.Recorded>(await ClaimAsync(command)).Result.Outcome);
    }

    [Fact]
    public async Task An_attempt_before_the_latest_is_never_run()
    {
        var command = Command() with { Attempt = 3 };
        await ClaimLeaseAsync(command);
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command with { Attempt = 2 }));
        await ExpireAsync(command);

        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command with { Attempt = 2 }));
        Assert.IsType<ClaimResult.Granted>(await ClaimAsync(command));
    }

    [Fact]
    public async Task An_expired_command_is_never_run()
    {
        var command = Command() with { NotAfter = Now().AddMinutes(-5) };
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command));

        var failed = Command();
        await RecordAsync(await ClaimLeaseAsync(failed), Result(failed, StepOutcomes.Failed));
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(failed with { Attempt = 2, NotAfter = Now().AddMinutes(-5) }));
    }

    [Fact]
    public async Task The_orchestrator_sees_lease_and_outcome()
    {
        var leased = Command();
        var done = Command();
        await ClaimLeaseAsync(leased);
        await RecordAsync(await ClaimLeaseAsync(done), Result(done, StepOutcomes.Completed));

        var states = await Ledger.LookUpAsync([leased.CommandId, done.CommandId, Rows.Id()], _none);

        Assert.Equal(2, states.Count);
        Assert.True(states[leased.CommandId].Leased);
        Assert.Null(states[leased.CommandId].Outcome);
        Assert.InRange(
            states[leased.CommandId].LeasedUntil - Now(),
            TimeSpan.FromSeconds(1),
            TimeSpan.FromMilliseconds(leased.TimeoutMs) + LedgerTimes.LeaseMargin);
        Assert.False(states[done.CommandId].Leased);
        Assert.Equal(StepOutcomes.Completed, states[done.CommandId].Outcome!.Outcome);
    }

    [Fact]
    public async Task Concurrent_claims_of_several_processes_are_each_granted_once()
    {
        StepCommand[] commands = [.. Enumerable.Range(0, 100).Select(_ => Command())];
        var claims = Enumerable.Range(0, 1000).Select(i => (i % 2 == 0 ? Ledger : Other).ClaimAsync(commands[i * 7 % 100], _none));

        var results = await Task.WhenAll(claims);

        Assert.Equal(100, results.Count(result => result is ClaimResult.Granted));
        Assert.Equal(900, results.Count(result => result is ClaimResult.Leased));
    }

    [Fact]
    public async Task An_unclaimed_command_is_cancelled_and_never_claimed_later()
    {
        var command = Command();

        var state = Assert.Single(await Ledger.CancelAsync([command.CommandId, command.CommandId], _none)).Value;

        Assert.True(state.Cancelled);
        Assert.False(state.Leased);
        Assert.Null(state.Outcome);
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command));
        Assert.IsType<ClaimResult.Expired>(await ClaimAsync(command with { Attempt = 2 }));
        Assert.True((await Ledger.LookUpAsync([command.CommandId], _none))[command.CommandId].Cancelled);
        Assert.True((await Ledger.CancelAsync([command.CommandId], _none))[command.CommandId].Cancelled);
        Assert.False(await RecordAsync(Guid.Empty, Result(command, StepOutcomes.Completed)));
    }

    [Fact]
    public async Task A_claimed_command_is_not_cancelled_and_its_state_is_returned()
    {
        var (leased, done, failed) = (Command(), Command(), Command());
        var token = await ClaimLeaseAsync(leased);
        await RecordAsync(await ClaimLeaseAsync(done), Result(done, StepOutcomes.Completed));
        await RecordAsync(await ClaimLeaseAsync(failed), Result(failed, StepOutcomes.Failed));

        var states = await Ledger.CancelAsync([leased.CommandId, done.CommandId, failed.CommandId], _none);

        Assert.All(states.Values, state => Assert.False(state.Cancelled));
        Assert.True(states[leased.CommandId].Leased);
        Assert.Equal(StepOutcomes.Completed, states[done.CommandId].Outcome!.Outcome);
        Assert.Equal(StepOutcomes.Failed, states[failed.CommandId].Outcome!.Outcome);
        Assert.True(await RecordAsync(token, Result(leased, StepOutcomes.Completed)));
        Assert.Empty(await Ledger.CancelAsync([], _none));
    }

    [Fact]
    public async Task A_concurrent_claim_and_cancellation_have_exactly_one_winner()
    {
        StepCommand[] commands = [.. Enumerable.Range(0, 200).Select(_ => Command())];

        var claims = commands.Select(command => Other.ClaimAsync(command, _none)).ToArray();
        var cancellations = commands.Chunk(20)
            .Select(chunk => Ledger.CancelAsync([.. chunk.Select(command => command.CommandId)], _none))
            .ToArray();

        var states = (await Task.WhenAll(cancellations)).SelectMany(state => state).ToDictionary();
        foreach (var (command, result) in commands.Zip(await Task.WhenAll(claims)))
        {
            Assert.Equal(result is ClaimResult.Granted, !states[command.CommandId].Cancelled);
        }
    }

    /// <summary>Makes the command's lease expire.</summary>
    protected abstract Task ExpireAsync(StepCommand command);

    private static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();

    protected static StepCommand Command() => new()
    {
        CommandId = Rows.Id(),
        Attempt = 1,
        SagaId = Rows.Id(),
        CorrelationId = Rows.Id(),
        Contract = "order",
        Step = "charge",
        Direction = StepDirections.Do,
        Operation = "http.post",
        HomePartition = 0,
        TimeoutMs = 30_000,
        NotAfter = Now().AddDays(1),
    };

    protected static StepResult Result(StepCommand command, string outcome) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = command.SagaId,
        CorrelationId = command.CorrelationId,
        Outcome = outcome,
    };

    private Task<ClaimResult> ClaimAsync(StepCommand command) => Ledger.ClaimAsync(command, _none);

    private async Task<Guid> ClaimLeaseAsync(StepCommand command) =>
        Assert.IsType<ClaimResult.Granted>(await ClaimAsync(command)).LeaseToken;

    private Task<bool> RecordAsync(Guid token, StepResult result) => Ledger.RecordAsync(token, result, _none);
}
