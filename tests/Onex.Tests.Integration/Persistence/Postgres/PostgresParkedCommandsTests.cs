using Npgsql;
using Onex.Persistence;
using Onex.Persistence.Ledger;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The compliance suite of parked commands with PostgreSQL, and tests of failures that only PostgreSQL has.</summary>
public sealed class PostgresParkedCommandsTests(TestDatabase database)
    : ParkedCommandsCompliance, IClassFixture<TestDatabase>, IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly NpgsqlDataSource _otherPool = PostgresDataSource.Create(database.Settings);

    protected override IParkedCommands Parked => field ??= new PostgresEffectLedger(database.DataSource);

    protected override IParkedCommands Other => field ??= new PostgresEffectLedger(_otherPool);

    protected override IEffectLedger Ledger => (IEffectLedger)Parked;

    [Fact]
    public async Task A_command_that_another_process_is_taking_is_skipped_without_waiting()
    {
        var (first, second) = (Command("skipped"), Command("skipped"));
        await Parked.ParkAsync(first with { Age = TimeSpan.FromMinutes(1) }, _none);
        await Parked.ParkAsync(second, _none);
        await using var connection = await _otherPool.OpenConnectionAsync(_none);
        await using var transaction = await connection.BeginTransactionAsync(_none);
        await using var lockRow = new NpgsqlCommand(
            $"SELECT 1 FROM onex.effect_ledger WHERE command_id = '{first.Command.CommandId}' FOR UPDATE", connection, transaction);
        await lockRow.ExecuteScalarAsync(_none);

        var taken = await Parked.TakeAsync([new TakeLimit("skipped", 2)], _none).WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System);

        Assert.Equal(second.Command.CommandId, Assert.Single(taken).Command.CommandId);
        await transaction.RollbackAsync(_none);
        Assert.Single(await Parked.TakeAsync([new TakeLimit("skipped", 2)], _none));
    }

    [Fact]
    public async Task Parking_with_a_lost_response_parks_once()
    {
        await using var proxied = Proxied();
        var (proxy, ledger) = (proxied.Proxy, proxied.Ledger);
        var command = Command("lost");
        await ledger.LookUpAsync([command.Command.CommandId], _none);
        proxy.NextRequest = Cut.BeforeTheAnswer;

        Assert.IsType<ClaimResult.Parked>(await ledger.ParkAsync(command, _none));

        Assert.Single(await Parked.TakeAsync([new TakeLimit("lost", 10)], _none));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Parking_again_with_a_lost_response_is_recognized_when_it_is_repeated(bool isOutage)
    {
        await using var proxied = Proxied();
        var (proxy, ledger) = (proxied.Proxy, proxied.Ledger);
        var command = Command($"again-{isOutage}");
        await Parked.ParkAsync(command, _none);
        var lease = Assert.Single(await Parked.TakeAsync([new TakeLimit(command.Connection, 1)], _none)).Lease.LeaseToken;
        proxy.CutOnly("SET outcome = 'parked'", Cut.BeforeTheAnswer, () => proxy.IsRejecting = isOutage);
        if (isOutage)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => ledger.ParkAgainAsync(lease, command, maySent: true, _none));
            proxy.IsRejecting = false;
        }

        Assert.True(await ledger.ParkAgainAsync(lease, command, maySent: true, _none));

        Assert.Single(await Parked.TakeAsync([new TakeLimit(command.Connection, 10)], _none));
    }

    [Theory]
    [InlineData("WITH taken", false)]
    [InlineData("WITH taken", true)]
    [InlineData("COMMIT\0", false)]
    [InlineData("COMMIT\0", true)]
    public async Task Commands_whose_taking_had_a_lost_response_are_taken_again(string lostStatement, bool isOutage)
    {
        await using var proxied = Proxied();
        var (proxy, ledger) = (proxied.Proxy, proxied.Ledger);
        var command = Command($"taken-{Rows.Id()}");
        var limit = new TakeLimit(command.Connection, 10);
        await ledger.ParkAsync(command, _none);
        proxy.CutOnly(lostStatement, Cut.BeforeTheAnswer, () => proxy.IsRejecting = isOutage);
        if (isOutage)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => ledger.TakeAsync([limit], _none));
            proxy.IsRejecting = false;
        }

        // The server may still lock the row until it notices that the connection has ended.
        IReadOnlyList<TakenCommand> taken = [];
        await Eventually.Async(
            async () => (taken = await ledger.TakeAsync([limit], _none)).Count > 0, TimeSpan.FromSeconds(10), () => "nothing was taken");

        Assert.Equal(command.Command, Assert.Single(taken).Command);
        Assert.True(await Ledger.RecordAsync(taken[0].Lease.LeaseToken, Result(command.Command), _none));
    }

    [Fact]
    public async Task Commands_that_a_process_was_taking_when_it_froze_are_taken_by_another()
    {
        await using var proxied = Proxied();
        var command = Command("frozen");
        var limit = new TakeLimit(command.Connection, 10);
        await Parked.ParkAsync(command, _none);
        proxied.Proxy.CutOnly("COMMIT\0", Cut.Frozen);
        _ = proxied.Ledger.TakeAsync([limit], _none);
        await Eventually.Async(
            async () => await database.Database.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'") > 0,
            TimeSpan.FromSeconds(20),
            () => "no transaction is open");
        Assert.Empty(await Other.TakeAsync([limit], _none));

        await Eventually.Async(
            async () => (await Other.TakeAsync([limit], _none)).Count > 0, TimeSpan.FromSeconds(20), () => "nothing was taken");
    }

    [Fact]
    public async Task The_report_of_a_process_that_died_expires_and_is_deleted()
    {
        await Parked.ReportAsync(Rows.Id(), [new UnavailableConnection("dead", TimeSpan.Zero, TimeSpan.Zero, null)], _none);
        Assert.NotEmpty(await Parked.DescribeAsync(["dead"], _none));
        await database.Database.ExecuteAsync("UPDATE onex.connection_states SET valid_until = now() - interval '1 second'");

        Assert.Empty(await Parked.DescribeAsync(["dead"], _none));
        await Parked.ReportAsync(Rows.Id(), [], _none);

        await using var count = _otherPool.CreateCommand("SELECT count(*) FROM onex.connection_states");
        Assert.Equal(0L, await count.ExecuteScalarAsync(_none));
    }

    public ValueTask DisposeAsync() => _otherPool.DisposeAsync();

    protected override Task ExpireAsync(StepCommand command) => database.Database.ExecuteAsync(
        $"UPDATE onex.effect_ledger SET leased_until = now() - interval '1 second' WHERE command_id = '{command.CommandId}'");

    private static CommandToPark Command(string connection) => new(Command(), connection, TimeSpan.Zero);

    private ProxiedLedger Proxied()
    {
        var settings = database.Settings;
        var proxy = new CuttingProxy(settings.Host, settings.Port);
        var pool = PostgresDataSource.Create(settings with { Host = "127.0.0.1", Port = proxy.Port, SslMode = "disable" });
        return new ProxiedLedger(proxy, pool, new PostgresEffectLedger(pool));
    }

    private sealed record ProxiedLedger(CuttingProxy Proxy, NpgsqlDataSource Pool, PostgresEffectLedger Ledger) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Pool.DisposeAsync();
            await Proxy.DisposeAsync();
        }
    }
}
