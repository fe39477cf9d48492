using Microsoft.Extensions.Logging.Abstractions;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schema;
using Onex.Persistence.Upkeep;

namespace Onex.Tests.Integration.Persistence;

/// <summary>The compliance suite of the upkeep against PostgreSQL.</summary>
public sealed class PostgresUpkeepTests : StoreUpkeepCompliance, IClassFixture<TestDatabase>
{
    private readonly TestDatabase _database;

    public PostgresUpkeepTests(TestDatabase database)
    {
        _database = database;
        var ledger = new EffectLedger(database.DataSource);
        Ledger = ledger;
        Upkeep = new PostgresUpkeep(database.DataSource, ledger);
        Store = new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
        DeadLetters = new DeadLetterIndex(database.DataSource);
        Queries = new PostgresSagaQueries(database.DataSource);
    }

    protected override ISagaStore Store { get; }

    protected override ISagaQueries Queries { get; }

    protected override IEffectLedger Ledger { get; }

    protected override IDeadLetterIndex DeadLetters { get; }

    protected override IStoreUpkeep Upkeep { get; }

    [Fact]
    public async Task Old_partitions_of_history_are_dropped_and_coming_ones_made()
    {
        await _database.Database.ExecuteAsync(
            "CREATE TABLE onex.saga_history_20200101 PARTITION OF onex.saga_history FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')");

        await Upkeep.TidyAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);

        Assert.Equal(
            HistoryPartitions.DaysAhead + 2L,
            await _database.Database.ScalarAsync<long>("SELECT count(*) FROM pg_inherits WHERE inhparent = 'onex.saga_history'::regclass"));
    }

    [Fact]
    public async Task A_partition_that_is_in_use_holds_nobody_up()
    {
        await _database.Database.ExecuteAsync(
            "CREATE TABLE onex.saga_history_20200102 PARTITION OF onex.saga_history FOR VALUES FROM ('2020-01-02 00:00+00') TO ('2020-01-03 00:00+00')");
        await using var reader = await _database.DataSource.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var reading = new Npgsql.NpgsqlCommand("SELECT count(*) FROM onex.saga_history", reader))
        {
            await reading.ExecuteScalarAsync();
        }

        await Upkeep.TidyAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);
        Assert.True(await ExistsAsync());

        await transaction.CommitAsync();
        await Upkeep.TidyAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);
        Assert.False(await ExistsAsync());

        Task<bool> ExistsAsync() => _database.Database.ScalarAsync<bool>("SELECT to_regclass('onex.saga_history_20200102') IS NOT NULL");
    }

    protected override Task AgeAsync(Guid commandId, TimeSpan age) => _database.Database.ExecuteAsync(
        $"""
        UPDATE onex.effect_ledger SET leased_until = now() - interval '{age.TotalHours} hours', recorded_at = now() - interval '{age.TotalHours} hours'
        WHERE command_id = '{commandId}'
        """);

    protected override Task AgeLetterAsync(Guid id, TimeSpan age) => _database.Database.ExecuteAsync(
        $"UPDATE onex.dead_letters SET decided_at = now() - interval '{age.TotalHours} hours' WHERE id = '{id}'");
}
