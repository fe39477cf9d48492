using Microsoft.Extensions.Logging;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Schema;
using Onex.Persistence.Secrets;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The compliance suite of maintenance with PostgreSQL, and tests of partitions and locks.</summary>
public sealed class PostgresMaintenanceTests : StoreMaintenanceCompliance, IClassFixture<TestDatabase>
{
    private readonly TestDatabase _database;
    private readonly WarningLog _log = new();

    public PostgresMaintenanceTests(TestDatabase database)
    {
        _database = database;
        var ledger = new PostgresEffectLedger(database.DataSource);
        Ledger = ledger;
        Maintenance = new PostgresMaintenance(database.DataSource, _log);
        Store = new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
        DeadLetters = new PostgresDeadLetterIndex(database.DataSource);
        Handles = new PostgresSecretHandles(database.DataSource);
        Queries = new PostgresSagaQueries(database.DataSource);
    }

    protected override ISagaStore Store { get; }

    protected override ISagaQueries Queries { get; }

    protected override IEffectLedger Ledger { get; }

    protected override IDeadLetterIndex DeadLetters { get; }

    protected override IStoreMaintenance Maintenance { get; }

    protected override ISecretHandles Handles { get; }

    [Fact]
    public async Task Expired_history_partitions_are_dropped_and_future_ones_created()
    {
        await _database.Database.ExecuteAsync(
            "CREATE TABLE onex.saga_transitions_20200101 PARTITION OF onex.saga_transitions FOR VALUES FROM ('2020-01-01 00:00+00') TO "
                + "('2020-01-02 00:00+00')");

        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);

        // The other two are that of today and the default one.
        Assert.Equal(
            HistoryPartitions.DaysAhead + 2L,
            await _database.Database.ScalarAsync<long>(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = 'onex.saga_transitions'::regclass"));
    }

    [Fact]
    public async Task A_partition_that_is_being_read_is_dropped_by_a_later_run()
    {
        await _database.Database.ExecuteAsync(
            "CREATE TABLE onex.saga_transitions_20200102 PARTITION OF onex.saga_transitions FOR VALUES FROM ('2020-01-02 00:00+00') TO "
                + "('2020-01-03 00:00+00')");
        await using var reader = await _database.DataSource.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var query = new Npgsql.NpgsqlCommand("SELECT count(*) FROM onex.saga_history", reader))
        {
            await query.ExecuteScalarAsync();
        }

        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);
        Assert.True(await ExistsAsync());

        await transaction.CommitAsync();
        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);
        Assert.False(await ExistsAsync());

        Task<bool> ExistsAsync() =>
            _database.Database.ScalarAsync<bool>("SELECT to_regclass('onex.saga_transitions_20200102') IS NOT NULL");
    }

    [Fact]
    public async Task A_backup_postpones_maintenance_and_blocks_neither_a_start_nor_readers()
    {
        await _database.Database.ExecuteAsync(
            "DO $$ BEGIN EXECUTE 'DROP TABLE onex.saga_transitions_' || to_char((now() AT TIME ZONE 'UTC')::date + 7, 'YYYYMMDD'); END $$");
        var row = Rows.New();
        await Store.CommitAsync(new CommitBatch([Rows.Start(row)], []), CancellationToken.None);
        await using (var backup = await _database.DataSource.OpenConnectionAsync())
        {
            await using var transaction = await backup.BeginTransactionAsync();
            await using (
                var lockTables = new Npgsql.NpgsqlCommand("LOCK TABLE onex.saga_transitions, onex.sagas IN ACCESS SHARE MODE", backup))
            {
                await lockTables.ExecuteNonQueryAsync();
            }

            var migrator = new Migrator(_database.DataSource, _database.Settings, TimeProvider.System, NullLogger<Migrator>.Instance);
            var migration = migrator.MigrateAsync(CancellationToken.None);
            var reads = 0;
            while (!migration.IsCompleted)
            {
                Assert.NotEmpty(await Queries.HistoryAsync(row.Id, 0, -1, 10, CancellationToken.None));
                Assert.Null(await new SchemaState(_database.DataSource, migrator.Expected).FindProblemAsync(CancellationToken.None));
                reads++;
            }

            await migration;
            await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);
            Assert.True(reads > 0);
            Assert.False(await ExistsAsync());
            var line = Assert.Single(_log.Lines);
            Assert.Contains("a lock was not available", line);
            Assert.Contains($"(pid {backup.ProcessID})", line);
        }

        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);
        Assert.True(await ExistsAsync());

        Task<bool> ExistsAsync() => _database.Database.ScalarAsync<bool>(
            "SELECT to_regclass('onex.saga_transitions_' || to_char((now() AT TIME ZONE 'UTC')::date + 7, 'YYYYMMDD')) IS NOT NULL");
    }

    [Fact]
    public async Task A_locked_table_postpones_only_its_own_maintenance()
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var lockTable = new Npgsql.NpgsqlCommand("LOCK TABLE onex.dead_letters IN ACCESS EXCLUSIVE MODE", connection))
        {
            await lockTable.ExecuteNonQueryAsync();
        }

        var old = Rows.Ended(Rows.New()) with { Version = 1, EndedAt = Rows.Now.AddDays(-20) };
        await Store.CommitAsync(new CommitBatch([Rows.Start(old)], []), CancellationToken.None);

        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(15), TimeSpan.FromDays(30), CancellationToken.None);

        Assert.Empty(await Store.LoadAsync([old.Id], CancellationToken.None));
        Assert.Contains("dead letters", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task A_postponed_job_names_the_transaction_of_another_user()
    {
        await using var holder = await _database.DataSource.OpenConnectionAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var lockTable = new Npgsql.NpgsqlCommand("LOCK TABLE onex.dead_letters", holder))
        {
            await lockTable.ExecuteNonQueryAsync();
        }

        // A role that may read, but not see when the transactions of others began.
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(
            $"{_database.Database.ConnectionString};Options=-c role=pg_read_all_data");

        Assert.Null(await MaintenanceCommand.TryAsync(
            dataSource, "A job", new Npgsql.NpgsqlBatchCommand("SELECT FROM onex.dead_letters"), _log, CancellationToken.None));
        Assert.Contains($"(pid {holder.ProcessID})", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task The_history_of_a_live_saga_is_kept_when_its_partition_is_dropped()
    {
        await _database.Database.ExecuteAsync(
            "CREATE TABLE onex.saga_transitions_20200105 PARTITION OF onex.saga_transitions FOR VALUES FROM ('2020-01-05 00:00+00') TO "
                + "('2020-01-06 00:00+00')");
        var at = new DateTimeOffset(2020, 1, 5, 12, 0, 0, TimeSpan.Zero);
        var live = Rows.New() with { StartedAt = at };
        var ended = Rows.Ended(Rows.New()) with { Version = 1, StartedAt = at, EndedAt = at.AddDays(1) };
        await Store.CommitAsync(
            new CommitBatch(
                [.. new[] { live, ended }.Select(row => new CommitEntry.Start(row, [Rows.Happened(row) with { At = at }], [], []))], []),
            CancellationToken.None);

        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(100_000), TimeSpan.FromDays(30), CancellationToken.None);

        Assert.False(await _database.Database.ScalarAsync<bool>("SELECT to_regclass('onex.saga_transitions_20200105') IS NOT NULL"));
        Assert.Single(await Queries.HistoryAsync(live.Id, 0, -1, 10, CancellationToken.None));
        Assert.Empty(await Queries.HistoryAsync(ended.Id, 0, -1, 10, CancellationToken.None));
    }

    protected override Task AgeAsync(CommandId commandId, TimeSpan age) => _database.Database.ExecuteAsync(
        $"""
        UPDATE onex.effect_ledger
        SET leased_until = now() - interval '{age.TotalHours} hours', recorded_at = now() - interval '{age.TotalHours} hours'
        WHERE command_id = '{commandId}'
        """);

    protected override Task AgeDeadLetterAsync(Guid id, TimeSpan age) => _database.Database.ExecuteAsync(
        $"UPDATE onex.dead_letters SET decided_at = now() - interval '{age.TotalHours} hours' WHERE id = '{id}'");

    private sealed class WarningLog : ILogger<PostgresMaintenance>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
