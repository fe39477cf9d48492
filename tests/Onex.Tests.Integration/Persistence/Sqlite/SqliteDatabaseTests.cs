using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Onex.Engine;
using Onex.Persistence;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Schema;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence.Sqlite;

/// <summary>The database file: its schema, its upgrades, its failures and their messages.</summary>
public sealed class SqliteDatabaseTests : IDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-sqlite-").FullName;

    private string Path => System.IO.Path.Combine(_directory, "onex.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Committed_data_survives_a_restart()
    {
        var row = Rows.New();
        await UseAsync(store => store.CommitAsync(new CommitBatch([Rows.Start(row)], []), _none));

        Assert.Equal([row.Id], await UseAsync(async store => (await store.LoadAsync([row.Id], _none)).Keys));
    }

    [Fact]
    public async Task The_file_can_be_queried_while_it_is_in_use()
    {
        var row = Rows.New() with { Data = RawJson.FromText("""{"amount":12.5}""") };
        await UseAsync(async store =>
        {
            await store.CommitAsync(new CommitBatch([Rows.Start(row)], []), _none);
            Assert.Equal(["reserving|1"], await SqliteFile.QueryAsync(Path, "SELECT state, count(*) FROM sagas GROUP BY 1"));
            Assert.Equal([$"{row.Id}|12.5"], await SqliteFile.QueryAsync(Path, "SELECT id, data ->> 'amount' FROM sagas"));
            Assert.Equal(
                ["reserving|reserving"],
                await SqliteFile.QueryAsync(Path, "SELECT s.state, l.state FROM stuck s JOIN live_sagas l USING (id)"));
            Assert.Equal([$"{SqliteSession.Write(row.StartedAt)}"], await SqliteFile.QueryAsync(Path, "SELECT started_at FROM sagas"));
            return true;
        });
    }

    [Fact]
    public async Task The_views_answer_common_questions()
    {
        var failed = Rows.Ended(Rows.New()) with
        {
            Version = 1,
            Status = SagaStatus.Failed,
            Fault = RawJson.FromText("""{"code":"card_declined"}"""),
        };
        var running = Rows.New();
        HistoryEntry At(int second, string kind) => new(1, second, Rows.Now.AddSeconds(second), kind, "charging", "charge", null);
        await UseAsync(async store =>
        {
            await store.CommitAsync(
                new CommitBatch(
                    [Rows.Start(failed), new CommitEntry.Start(running, [At(0, "step_started"), At(2, "step_completed")], [], [])],
                    []), _none);
            Assert.Equal(["card_declined"], await SqliteFile.QueryAsync(Path, "SELECT code FROM failed_today"));
            Assert.Equal(
                ["order|charging|charge|1|2|2"],
                await SqliteFile.QueryAsync(Path, "SELECT contract, state, step, times, p95, slowest FROM slowest_steps"));
            return true;
        });
    }

    [Fact]
    public async Task A_second_process_is_rejected_with_a_remedy()
    {
        using var first = new SqliteDatabase(new SqliteStoreSettings(Path));
        await first.OpenAsync(_none);
        using var second = new SqliteDatabase(new SqliteStoreSettings(Path));

        var rejection = await Assert.ThrowsAsync<StoreSetupException>(() => second.OpenAsync(_none));

        Assert.Contains("Another process uses", rejection.Message);
        Assert.Contains("ONEX_DATA_DIR", rejection.Message);
        first.Dispose();
        await second.OpenAsync(_none);
    }

    [Fact]
    public async Task The_health_probe_fails_while_another_program_locks_the_file()
    {
        using var file = new SqliteDatabase(new SqliteStoreSettings(Path));
        await file.ProbeAsync(_none);
        await using (var other = new SqliteConnection($"Data Source={Path};Pooling=false"))
        {
            await other.OpenAsync(_none);
            await using var begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            await begin.ExecuteNonQueryAsync(_none);

            var rejection = await Assert.ThrowsAsync<StoreUnavailableException>(() => file.ProbeAsync(_none));

            Assert.Contains("is locked by another program", rejection.Message);
            await new SqliteSagaStore(file, TimeProvider.System).LoadPayloadsAsync([Guid.Empty], null, _none);
        }

        await file.ProbeAsync(_none);
    }

    [Fact]
    public async Task The_health_probe_writes_once_after_a_failed_write()
    {
        using var file = new SqliteDatabase(new SqliteStoreSettings(Path));
        await file.ProbeAsync(_none);

        // The page limit holds for this connection only. To SQLite it is the same as a full disk.
        await Assert.ThrowsAsync<StoreUnavailableException>(() => file.WriteAsync(
            session =>
            {
                session.Query("PRAGMA max_page_count = 1", row => row.Bigint(0));
                session.Execute(
                    "CREATE TABLE more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT i, "
                        + "hex(randomblob(4000)) FROM n");
                return true;
            },
            _none));
        var sizeBefore = LogSize();
        await file.ProbeAsync(_none);

        Assert.True(LogSize() > sizeBefore, "the probe has written nothing");
        var sizeAfter = LogSize();
        await file.ProbeAsync(_none);
        Assert.Equal(sizeAfter, LogSize());

        long LogSize() => File.Exists($"{Path}-wal") ? new FileInfo($"{Path}-wal").Length : 0;
    }

    [Fact]
    public async Task A_newer_schema_is_rejected()
    {
        await UseAsync(store => store.NowAsync(_none));
        await SqliteFile.QueryAsync(Path, $"PRAGMA user_version = {SqliteDatabase.SchemaVersion + 1}");

        Assert.Contains("newer than this version of onex", await RejectionAsync());
    }

    [Fact]
    public async Task A_file_of_the_first_version_keeps_its_ledger_and_supports_lapsed_attempts()
    {
        await UseAsync(store => store.NowAsync(_none));
        await SqliteFile.QueryAsync(
            Path,
            """
            DROP TABLE effect_ledger;
            CREATE TABLE effect_ledger (
                command_id TEXT PRIMARY KEY, saga_id TEXT NOT NULL, step TEXT NOT NULL, operation TEXT NOT NULL, attempt INTEGER NOT NULL,
                lease_token TEXT NOT NULL, leased_until TEXT NOT NULL, claimed_at TEXT NOT NULL,
                outcome TEXT CHECK (outcome IN ('completed', 'rejected', 'failed', 'cancelled')), result TEXT, recorded_at TEXT);
            INSERT INTO effect_ledger VALUES ('kept', 's', 'step', 'http.get', 1, 't', '2026-01-01', '2026-01-01', NULL, NULL, NULL);
            PRAGMA user_version = 1;
            """);

        await UseAsync(store => store.NowAsync(_none));

        await SqliteFile.QueryAsync(Path, "UPDATE effect_ledger SET outcome = 'lapsed' WHERE command_id = 'kept'");
        Assert.Equal(["lapsed"], await SqliteFile.QueryAsync(Path, "SELECT outcome FROM effect_ledger"));
    }

    [Fact]
    public async Task A_file_without_request_hashes_gets_their_columns_and_keeps_its_rows()
    {
        var row = Rows.New();
        await UseAsync(store => store.CommitAsync(new CommitBatch([Rows.Start(row)], []), _none));
        foreach (var table in (string[])["sagas", "inbox", "early_events"])
        {
            await SqliteFile.QueryAsync(Path, $"ALTER TABLE {table} DROP COLUMN request_hash");
        }

        var found = await UseAsync(store => store.FindRequestAsync(row.RequestId, _none));

        Assert.Equal(new CommitResult.DuplicateRequest(row.Id, row.Source), found);
    }

    [Fact]
    public async Task A_file_without_decision_columns_gets_them_and_keeps_its_rows()
    {
        await UseAsync(store => store.NowAsync(_none));
        foreach (
            var column in (string[])[
                "key", "headers", "error_type", "retry_count", "redrives", "decision_id", "decided_at", "decided_by", "decision_reason"])
        {
            await SqliteFile.QueryAsync(Path, $"ALTER TABLE dead_letters DROP COLUMN {column}");
        }

        var id = Rows.Id();
        await SqliteFile.QueryAsync(
            Path, $"INSERT INTO dead_letters (id, topic, partition, record_offset, code, reason, at) VALUES ('{id}', 't', 0, 1, 'c', "
                + $"'r', '2026-11-24T09:30:00.000000Z')");
        using var database = new SqliteDatabase(new SqliteStoreSettings(Path));
        var deadLetters = new SqliteDeadLetterIndex(database, TimeProvider.System);

        var found = await deadLetters.DecideAsync(
            new DeadLetterDecision(Rows.Id(), id, DeadLetterStatus.Discarded, "ops", "old", false, null), _none);

        Assert.Equal((DeadLetterStatus.Discarded, "", null), (found!.Status, found.ErrorType, found.Value));
    }

    [Fact]
    public async Task A_file_of_another_program_is_rejected()
    {
        await SqliteFile.QueryAsync(Path, "CREATE TABLE sagas (id TEXT)");

        Assert.Contains("another program", await RejectionAsync());
    }

    [Fact]
    public async Task A_damaged_file_is_reported()
    {
        await File.WriteAllTextAsync(Path, new string('x', 10_000));

        var message = await RejectionAsync();

        Assert.Contains("damaged", message);
        Assert.Contains("backup", message);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_created_is_an_error()
    {
        var file = System.IO.Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(file, "");

        var message = await RejectionAsync(System.IO.Path.Combine(file, "onex.db"));

        Assert.Contains("ONEX_DATA_DIR", message);
        Assert.Contains(file, message);
    }

    [Fact]
    public async Task A_read_only_directory_is_an_error()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has a directory that is read-only to everybody.");

        Assert.Contains("ONEX_DATA_DIR", await RejectionAsync("/proc/onex.db"));
    }

    [Fact]
    public async Task A_full_disk_commits_nothing_and_work_continues_when_space_is_freed()
    {
        var row = Rows.New() with { Data = RawJson.FromText($"\"{new string('x', 1_000_000)}\"") };
        using var database = new SqliteDatabase(new SqliteStoreSettings(Path));
        var store = new SqliteSagaStore(database, TimeProvider.System);
        await database.WriteAsync(
            session =>
            {
                // SQLite reports the same error for its page limit as for a full disk.
                var pages = session.Query("PRAGMA page_count", row => row.Bigint(0))[0];
                return session.Query($"PRAGMA max_page_count = {pages}", row => row.Bigint(0));
            },
            _none);

        var unavailable = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => store.CommitAsync(new CommitBatch([Rows.Start(row)], []), _none));
        Assert.Contains("full: free some space", unavailable.Message);

        // The failed connection was closed, and its limit with it.
        Assert.Empty(await store.LoadAsync([row.Id], null, _none));
        Assert.Equal([CommitResult.Committed.Instance], await store.CommitAsync(new CommitBatch([Rows.Start(row)], []), _none));
    }

    [Fact]
    public async Task A_commit_waits_for_the_lock_of_another_program_and_then_reports_it()
    {
        using var database = new SqliteDatabase(new SqliteStoreSettings(Path));
        var store = new SqliteSagaStore(database, TimeProvider.System);
        await store.NowAsync(_none);
        await using var other = new SqliteConnection($"Data Source={Path};Pooling=false");
        await other.OpenAsync();
        await using var command = other.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        await command.ExecuteNonQueryAsync();

        var unavailable = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => store.CommitAsync(new CommitBatch([Rows.Start(Rows.New())], []), _none));

        Assert.Contains("locked by another program", unavailable.Message);
        command.CommandText = "ROLLBACK";
        await command.ExecuteNonQueryAsync();
        Assert.Equal([CommitResult.Committed.Instance], await store.CommitAsync(new CommitBatch([Rows.Start(Rows.New())], []), _none));
    }

    [Fact]
    public async Task Concurrent_commits_all_succeed()
    {
        using var database = new SqliteDatabase(new SqliteStoreSettings(Path));
        var store = new SqliteSagaStore(database, TimeProvider.System);

        var results = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(_ => store.CommitAsync(new CommitBatch([Rows.Start(Rows.New())], []), _none)));

        Assert.All(results, result => Assert.Equal([CommitResult.Committed.Instance], result));
        Assert.Equal(50, (await store.LiveAsync(_none)).Count);
    }

    [Fact]
    public async Task The_SQLite_schema_has_every_table_and_column_of_the_model()
    {
        await UseAsync(store => store.NowAsync(_none));
        using var dataSource = PostgresDataSource.Create(new StoreSettings { Host = "127.0.0.1", Database = "none", User = "none" });
        using var context = new OnexDbContextFactory(dataSource).CreateDbContext();

        // SQLite has no table of halted sagas but partial indexes, because an update of an indexed row is cheap there.
        var model = context.Model.GetEntityTypes()
            .Where(entity => entity.GetTableName() != "halted_sagas")
            .SelectMany(entity => entity.GetProperties()
                .Select(property => $"{entity.GetTableName() ?? entity.GetViewName()}|{property.GetColumnName()}"))
            .Except(["sagas|input"]);

        Assert.Equal(
            model.Order(StringComparer.Ordinal),
            (await SqliteFile.QueryAsync(
                Path,
                "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE "
                    + "'sqlite_%'"))
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Operating_md_names_every_table_and_view()
    {
        await UseAsync(store => store.NowAsync(_none));
        var sections = (await File.ReadAllTextAsync(Repository.At("docs", "operating.md"), _none)).Split("\n## ");
        var documented = sections.Where(
            section => section.StartsWith("Tables", StringComparison.Ordinal) || section.StartsWith("Views", StringComparison.Ordinal))
            .SelectMany(section => section.Split('\n'))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal) && !line.Contains("` (PostgreSQL)", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]);

        Assert.Equal(
            (await SqliteFile.QueryAsync(Path, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE "
                + "'sqlite_%'"))
                .Order(StringComparer.Ordinal),
            documented.Order(StringComparer.Ordinal));
    }

    private async Task<T> UseAsync<T>(Func<ISagaStore, Task<T>> use)
    {
        await using var services = new ServiceCollection().AddOnexPersistence(new SqliteStoreSettings(Path)).BuildServiceProvider();
        return await use(services.GetRequiredService<ISagaStore>());
    }

    private async Task<string> RejectionAsync(string? path = null)
    {
        using var database = new SqliteDatabase(new SqliteStoreSettings(path ?? Path));
        var rejection = await Assert.ThrowsAsync<StoreSetupException>(() => database.OpenAsync(_none));
        Assert.DoesNotContain('\n', rejection.Message);

        // A caller that uses the database before it is open gets an error that it retries.
        await Assert.ThrowsAsync<StoreUnavailableException>(() => new SqliteSagaStore(database, TimeProvider.System).NowAsync(_none));
        return rejection.Message;
    }
}
