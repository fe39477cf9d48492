using Npgsql;
using Onex.Persistence;
using Onex.Persistence.Ledger;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The compliance suite of effect ledgers with PostgreSQL, and tests of failures that only PostgreSQL has.</summary>
public sealed class PostgresEffectLedgerTests(TestDatabase database) : EffectLedgerCompliance, IClassFixture<TestDatabase>, IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly NpgsqlDataSource _otherPool = PostgresDataSource.Create(database.Settings);
    private readonly PostgresEffectLedger _ledger = new(database.DataSource);

    protected override IEffectLedger Ledger => _ledger;

    protected override IEffectLedger Other => field ??= new PostgresEffectLedger(_otherPool);

    [Fact]
    public async Task Invalid_values_fail_only_their_own_command()
    {
        StepCommand[] commands = [.. Enumerable.Range(0, 20).Select(i => i == 7 ? Command() with { Step = "nul\0" } : Command())];

        var claims = commands.Select(command => Ledger.ClaimAsync(command, _none)).ToArray();

        await Assert.ThrowsAsync<PostgresException>(() => claims[7]);
        Assert.All(await Task.WhenAll(claims.Where((_, i) => i != 7)), result => Assert.IsType<ClaimResult.Granted>(result));
    }

    [Fact]
    public async Task A_claim_with_a_lost_response_is_granted_to_the_same_caller()
    {
        var settings = database.Settings;
        await using var proxy = new CuttingProxy(settings.Host, settings.Port);
        await using var pool = PostgresDataSource.Create(settings with { Host = "127.0.0.1", Port = proxy.Port, SslMode = "disable" });
        var ledger = new PostgresEffectLedger(pool);
        var command = Command();
        await ledger.LookUpAsync([command.CommandId], _none);
        proxy.NextRequest = Cut.BeforeTheAnswer;

        var granted = Assert.IsType<ClaimResult.Granted>(await ledger.ClaimAsync(command, _none));

        proxy.NextRequest = Cut.BeforeTheAnswer;
        Assert.True(await ledger.RecordAsync(granted.LeaseToken, Result(command, StepOutcomes.Completed), _none));
    }

    [Fact]
    public async Task A_claim_whose_lost_response_was_reported_as_an_outage_is_granted_when_the_caller_repeats_it()
    {
        var settings = database.Settings;
        await using var proxy = new CuttingProxy(settings.Host, settings.Port);
        await using var pool = PostgresDataSource.Create(settings with { Host = "127.0.0.1", Port = proxy.Port, SslMode = "disable" });
        var ledger = new PostgresEffectLedger(pool);
        var command = Command();
        proxy.CutOnly("INSERT INTO onex.effect_ledger", Cut.BeforeTheAnswer, () => proxy.IsRejecting = true);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => ledger.ClaimAsync(command, _none));
        proxy.IsRejecting = false;

        Assert.Equal(ClaimResult.Leased.Instance, await Ledger.ClaimAsync(command, _none));
        var granted = Assert.IsType<ClaimResult.Granted>(await ledger.ClaimAsync(command, _none));
        Assert.Equal(ClaimResult.Leased.Instance, await ledger.ClaimAsync(command, _none));
        Assert.True(await ledger.RecordAsync(granted.LeaseToken, Result(command, StepOutcomes.Completed), _none));
    }

    [Fact]
    public async Task Of_two_copies_of_a_command_whose_claims_ended_in_an_outage_one_is_granted_afterwards()
    {
        var settings = database.Settings;
        await using var proxy = new CuttingProxy(settings.Host, settings.Port);
        await using var pool = PostgresDataSource.Create(settings with { Host = "127.0.0.1", Port = proxy.Port, SslMode = "disable" });
        var ledger = new PostgresEffectLedger(pool);
        var command = Command();
        var second = Task.FromResult<ClaimResult>(ClaimResult.Leased.Instance);
        proxy.CutOnly("INSERT INTO onex.effect_ledger", Cut.BeforeTheAnswer, () =>
        {
            proxy.IsRejecting = true;
            second = ledger.ClaimAsync(command, _none);
        });
        await Assert.ThrowsAsync<StoreUnavailableException>(() => ledger.ClaimAsync(command, _none));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => second);
        proxy.IsRejecting = false;

        var claims = await Task.WhenAll(ledger.ClaimAsync(command, _none), ledger.ClaimAsync(command, _none));

        Assert.Single(claims.OfType<ClaimResult.Granted>());
        Assert.Single(claims.OfType<ClaimResult.Leased>());
    }

    [Fact]
    public async Task A_row_locked_by_a_recording_transaction_is_neither_closed_nor_waited_for()
    {
        var (locked, unlocked) = (Command(), Command());
        var granted = Assert.IsType<ClaimResult.Granted>(await Ledger.ClaimAsync(locked, _none));
        await Ledger.ClaimAsync(unlocked, _none);
        await ExpireAsync(locked);
        await ExpireAsync(unlocked);
        await using var connection = await _otherPool.OpenConnectionAsync(_none);
        await using var transaction = await connection.BeginTransactionAsync(_none);
        Assert.True(await PostgresEffectLedger.RecordAsync(transaction, granted.LeaseToken, Result(locked, StepOutcomes.Completed), _none));

        var states = await Ledger.CloseExpiredAsync([locked.CommandId, unlocked.CommandId], _none)
            .WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System);

        Assert.Equal((true, false), (states[locked.CommandId].Leased, states[unlocked.CommandId].Leased));
        await transaction.CommitAsync(_none);
        Assert.IsType<ClaimResult.Recorded>(await Ledger.ClaimAsync(locked, _none));
    }

    [Fact]
    public async Task An_unreachable_database_is_reported_as_unavailable()
    {
        await using var proxy = new CuttingProxy(database.Settings.Host, database.Settings.Port) { IsRejecting = true };
        await using var pool = PostgresDataSource.Create(database.Settings with { Host = "127.0.0.1", Port = proxy.Port });

        await Assert.ThrowsAsync<StoreUnavailableException>(() => new PostgresEffectLedger(pool).ClaimAsync(Command(), _none));
    }

    public ValueTask DisposeAsync() => _otherPool.DisposeAsync();

    protected override Task ExpireAsync(StepCommand command) => database.Database.ExecuteAsync(
        $"UPDATE onex.effect_ledger SET leased_until = now() - interval '1 second' WHERE command_id = '{command.CommandId}'");
}
