using Onex.Contracts.Messages;
using Onex.Persistence.Connecting;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Integration.Persistence;

public sealed class EffectLedgerTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly EffectLedger _ledger = new(database.DataSource);

    [Fact]
    public async Task A_command_is_leased_to_one_at_a_time()
    {
        var command = Command();

        Assert.IsType<ClaimVerdict.Granted>(await ClaimAsync(command));
        Assert.Equal(ClaimVerdict.Leased.Instance, await ClaimAsync(command));
        Assert.Equal(ClaimVerdict.Leased.Instance, await ClaimAsync(command with { Attempt = 2 }));
    }

    [Theory]
    [InlineData(StepOutcomes.Completed, 1)]
    [InlineData(StepOutcomes.Completed, 2)]
    [InlineData(StepOutcomes.Rejected, 1)]
    [InlineData(StepOutcomes.Rejected, 2)]
    [InlineData(StepOutcomes.Failed, 1)]
    public async Task A_known_outcome_answers_the_claim(string outcome, int asked)
    {
        var command = Command();
        var result = Result(command, outcome) with { Result = RawJson.FromText("""{"text":"nul \u0000 stays as it is"}""") };
        Assert.True(await RecordAsync(await GrantedAsync(command), result));

        var known = Assert.IsType<ClaimVerdict.Known>(await ClaimAsync(command with { Attempt = asked }));

        Assert.Equal(result, known.Result);
    }

    [Fact]
    public async Task A_known_outcome_answers_after_not_after_too()
    {
        var command = Command();
        await RecordAsync(await GrantedAsync(command), Result(command, StepOutcomes.Completed));

        Assert.IsType<ClaimVerdict.Known>(await ClaimAsync(command with { NotAfter = Now().AddMinutes(-1) }));
    }

    [Fact]
    public async Task A_failed_attempt_makes_way_for_a_later_one()
    {
        var command = Command();
        var first = await GrantedAsync(command);
        await RecordAsync(first, Result(command, StepOutcomes.Failed));

        var second = await GrantedAsync(command with { Attempt = 2 });

        Assert.NotEqual(first, second);
        Assert.IsType<ClaimVerdict.Expired>(await ClaimAsync(command));
        Assert.False(await RecordAsync(first, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(second, Result(command with { Attempt = 2 }, StepOutcomes.Failed)));
        Assert.Equal(2, Assert.IsType<ClaimVerdict.Known>(await ClaimAsync(command)).Result.Attempt);
    }

    [Fact]
    public async Task A_lease_that_ran_out_goes_to_the_next_and_the_late_outcome_is_refused()
    {
        var command = Command();
        var late = await GrantedAsync(command);
        await ExpireAsync(command);
        var next = await GrantedAsync(command);

        Assert.False(await RecordAsync(late, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(next, Result(command, StepOutcomes.Rejected)));
    }

    [Fact]
    public async Task A_lease_that_ran_out_and_that_nobody_took_over_still_counts()
    {
        var command = Command();
        var token = await GrantedAsync(command);
        await ExpireAsync(command);

        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Completed)));
    }

    [Fact]
    public async Task Recording_twice_under_one_lease_keeps_the_first_outcome()
    {
        var command = Command();
        var token = await GrantedAsync(command);

        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Completed)));
        Assert.True(await RecordAsync(token, Result(command, StepOutcomes.Failed)));

        Assert.Equal(StepOutcomes.Completed, Assert.IsType<ClaimVerdict.Known>(await ClaimAsync(command)).Result.Outcome);
    }

    [Fact]
    public async Task An_earlier_attempt_than_the_latest_is_never_run()
    {
        var command = Command() with { Attempt = 3 };
        await GrantedAsync(command);
        Assert.IsType<ClaimVerdict.Expired>(await ClaimAsync(command with { Attempt = 2 }));
        await ExpireAsync(command);

        Assert.IsType<ClaimVerdict.Expired>(await ClaimAsync(command with { Attempt = 2 }));
        Assert.IsType<ClaimVerdict.Granted>(await ClaimAsync(command));
    }

    [Fact]
    public async Task A_command_after_its_time_is_never_run()
    {
        var command = Command() with { NotAfter = Now().AddMinutes(-5) };
        Assert.IsType<ClaimVerdict.Expired>(await ClaimAsync(command));

        var failed = Command();
        await RecordAsync(await GrantedAsync(failed), Result(failed, StepOutcomes.Failed));
        Assert.IsType<ClaimVerdict.Expired>(await ClaimAsync(failed with { Attempt = 2, NotAfter = Now().AddMinutes(-5) }));
    }

    [Fact]
    public async Task Many_claims_at_once_are_each_granted_once_whatever_process_asks()
    {
        await using var otherPool = PostgresDataSource.Create(database.Settings);
        var other = new EffectLedger(otherPool);
        StepCommand[] commands = [.. Enumerable.Range(0, 100).Select(_ => Command())];
        var claims = Enumerable.Range(0, 1000).Select(i => (i % 2 == 0 ? _ledger : other).ClaimAsync(commands[i * 7 % 100], _none));

        var verdicts = await Task.WhenAll(claims);

        Assert.Equal(100, verdicts.Count(verdict => verdict is ClaimVerdict.Granted));
        Assert.Equal(900, verdicts.Count(verdict => verdict is ClaimVerdict.Leased));
    }

    [Fact]
    public async Task Values_that_the_database_refuses_hurt_only_their_own_command()
    {
        StepCommand[] commands = [.. Enumerable.Range(0, 20).Select(i => i == 7 ? Command() with { Step = "nul\0" } : Command())];

        var claims = commands.Select(ClaimAsync).ToArray();

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => claims[7]);
        Assert.All(await Task.WhenAll(claims.Where((_, i) => i != 7)), verdict => Assert.IsType<ClaimVerdict.Granted>(verdict));
    }

    [Fact]
    public async Task Main_sees_lease_and_outcome()
    {
        var leased = Command();
        var done = Command();
        await GrantedAsync(leased);
        await RecordAsync(await GrantedAsync(done), Result(done, StepOutcomes.Completed));

        var states = await _ledger.LookUpAsync([leased.CommandId, done.CommandId, Rows.Id()], _none);

        Assert.Equal(2, states.Count);
        Assert.True(states[leased.CommandId].Leased);
        Assert.Null(states[leased.CommandId].Outcome);
        Assert.InRange(
            states[leased.CommandId].LeasedUntil - Now(), TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(leased.TimeoutMs) + EffectLedger.LeaseMargin);
        Assert.False(states[done.CommandId].Leased);
        Assert.Equal(StepOutcomes.Completed, states[done.CommandId].Outcome!.Outcome);
    }

    [Fact]
    public async Task Old_commands_are_removed_and_others_stay()
    {
        var old = Command();
        var fresh = Command();
        await GrantedAsync(old);
        await GrantedAsync(fresh);
        await database.Database.ExecuteAsync(
            $"UPDATE onex.effect_ledger SET leased_until = now() - interval '20 days' WHERE command_id = '{old.CommandId}'");

        Assert.Equal(1, await _ledger.RemoveOlderThanAsync(TimeSpan.FromDays(15), _none));

        Assert.Equal([fresh.CommandId], (await _ledger.LookUpAsync([old.CommandId, fresh.CommandId], _none)).Keys);
    }

    [Fact]
    public async Task A_claim_whose_answer_was_lost_is_granted_to_the_same_caller()
    {
        var settings = database.Settings;
        await using var proxy = new CuttingProxy(settings.Host, settings.Port);
        await using var pool = PostgresDataSource.Create(settings with { Port = proxy.Port, SslMode = "disable" });
        var ledger = new EffectLedger(pool);
        var command = Command();
        await ledger.LookUpAsync([command.CommandId], _none);
        proxy.NextRequest = Cut.BeforeTheAnswer;

        var granted = Assert.IsType<ClaimVerdict.Granted>(await ledger.ClaimAsync(command, _none));

        proxy.NextRequest = Cut.BeforeTheAnswer;
        Assert.True(await ledger.RecordAsync(granted.LeaseToken, Result(command, StepOutcomes.Completed), _none));
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_said_to_be_unavailable()
    {
        await using var proxy = new CuttingProxy(database.Settings.Host, database.Settings.Port) { Refusing = true };
        await using var pool = PostgresDataSource.Create(database.Settings with { Port = proxy.Port });

        await Assert.ThrowsAsync<StoreUnavailableException>(() => new EffectLedger(pool).ClaimAsync(Command(), _none));
    }

    private static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();

    private static StepCommand Command() => new()
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

    private static StepResult Result(StepCommand command, string outcome) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = command.SagaId,
        CorrelationId = command.CorrelationId,
        Outcome = outcome,
    };

    private Task<ClaimVerdict> ClaimAsync(StepCommand command) => _ledger.ClaimAsync(command, _none);

    private async Task<Guid> GrantedAsync(StepCommand command) =>
        Assert.IsType<ClaimVerdict.Granted>(await ClaimAsync(command)).LeaseToken;

    private Task<bool> RecordAsync(Guid token, StepResult result) => _ledger.RecordAsync(token, result, _none);

    private Task<int> ExpireAsync(StepCommand command) => database.Database.ExecuteAsync(
        $"UPDATE onex.effect_ledger SET leased_until = now() - interval '1 second' WHERE command_id = '{command.CommandId}'");
}
