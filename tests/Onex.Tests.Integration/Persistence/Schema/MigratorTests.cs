using Microsoft.EntityFrameworkCore;
using Onex.Persistence.Schema;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Persistence.Schema;

public sealed class MigratorTests
{
    private const string LastIndex = "onex.ix_early_events_address";

    private const string MarkLastAsPending =
        """DELETE FROM onex.schema_migrations WHERE "MigrationId" = (SELECT max("MigrationId") FROM onex.schema_migrations)""";

    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task One_of_two_concurrently_starting_orchestrators_migrates_and_the_other_waits()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();

        var applied = await Task.WhenAll(MigrateAsync(Settings(database)), MigrateAsync(Settings(database)));

        Assert.Single(applied, migrations => migrations.Count > 0);
        Assert.Single(applied, migrations => migrations.Count == 0);
        var status = await UseAsync(Settings(database), migrator => migrator.StatusAsync(_none));
        Assert.NotEmpty(status.Applied);
        Assert.Empty(status.Pending);
        Assert.Empty(status.Unknown);
        await UseAsync(Settings(database), async migrator =>
        {
            await migrator.CheckAsync(_none);
            return true;
        });
    }

    [Fact]
    public async Task An_empty_database_is_pending_and_a_start_without_migration_reports_the_remedy()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();

        var status = await UseAsync(Settings(database), migrator => migrator.StatusAsync(_none));

        Assert.Empty(status.Applied);
        Assert.NotEmpty(status.Pending);
        Assert.Contains("onex db migrate", await RejectionAsync(Settings(database), migrator => migrator.CheckAsync(_none)));
    }

    [Fact]
    public async Task A_newer_schema_is_rejected()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync("INSERT INTO onex.schema_migrations VALUES ('29991231235959_Future', '10.0.0')");

        var message = await RejectionAsync(Settings(database), migrator => migrator.MigrateAsync(_none));

        Assert.Contains("newer than this version of onex", message);
        Assert.Contains("29991231235959_Future", message);
    }

    [Fact]
    public void The_migrations_contain_the_whole_model()
    {
        using var dataSource = PostgresDataSource.Create(new StoreSettings { Host = "127.0.0.1", Database = "none", User = "none" });
        using var context = new OnexDbContextFactory(dataSource).CreateDbContext();

        Assert.False(context.Database.HasPendingModelChanges(), "Run: dotnet ef migrations add NAME --project migrations/Onex.Migrations");
    }

    [Fact]
    public async Task At_run_time_a_missing_or_older_schema_is_a_problem_and_a_newer_one_is_not()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var state = new SchemaState(database.Source, await UseAsync(Settings(database), migrator => Task.FromResult(migrator.Expected)));

        Assert.Contains("onex db migrate", await state.FindProblemAsync(_none), StringComparison.Ordinal);
        await MigrateAsync(Settings(database));
        Assert.Null(await state.FindProblemAsync(_none));
        await database.ExecuteAsync("""INSERT INTO onex.schema_migrations VALUES ('99990101000000_Later', '10.0.0')""");
        Assert.Null(await state.FindProblemAsync(_none));
        await database.ExecuteAsync(
            """
            DELETE FROM onex.schema_migrations
            WHERE "MigrationId" IN (SELECT "MigrationId" FROM onex.schema_migrations ORDER BY 1 DESC LIMIT 2)
            """);
        Assert.Contains("onex db migrate", await state.FindProblemAsync(_none), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_missing_table_or_column_is_named()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        var expected = await UseAsync(Settings(database), migrator => Task.FromResult(migrator.Expected));
        var state = new SchemaState(database.Source, expected);
        var tables = expected.Columns.Select(column => column.Table).Distinct().ToList();
        Assert.Contains("secret_handles", tables);
        Assert.Contains("effect_ledger", tables);
        Assert.Contains("schedules", tables);

        foreach (var table in tables)
        {
            await database.ExecuteAsync($"ALTER TABLE onex.{table} RENAME TO renamed");
            Assert.Contains($"lacks {table}: ", await state.FindProblemAsync(_none), StringComparison.Ordinal);
            await database.ExecuteAsync($"ALTER TABLE onex.renamed RENAME TO {table}");
        }

        await database.ExecuteAsync("ALTER TABLE onex.sagas RENAME parked TO renamed");
        Assert.Contains("lacks sagas.parked: ", await state.FindProblemAsync(_none), StringComparison.Ordinal);
        await database.ExecuteAsync("ALTER TABLE onex.sagas RENAME renamed TO parked");
        Assert.Null(await state.FindProblemAsync(_none));
    }

    [Fact]
    public async Task A_read_only_database_is_detected_and_so_is_its_end()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync($"ALTER DATABASE \"{database.Name}\" SET default_transaction_read_only = on");
        await using var dataSource = PostgresDataSource.Create(Settings(database));
        var state = new SchemaState(dataSource, await UseAsync(Settings(database), migrator => Task.FromResult(migrator.Expected)));

        Assert.Contains("does not accept writes", await state.FindProblemAsync(_none), StringComparison.Ordinal);

        await database.ExecuteAsync(
            $"BEGIN READ WRITE; ALTER DATABASE \"{database.Name}\" RESET default_transaction_read_only; COMMIT");
        Assert.Null(await state.FindProblemAsync(_none));
    }

    [Fact]
    public async Task A_migration_that_gets_no_lock_fails_with_an_error_that_may_pass()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync(MarkLastAsPending);
        await using var backup = await database.Source.OpenConnectionAsync();
        await using var transaction = await backup.BeginTransactionAsync();
        await using (var lockTable = new Npgsql.NpgsqlCommand("LOCK TABLE onex.schema_migrations IN ACCESS SHARE MODE", backup))
        {
            await lockTable.ExecuteNonQueryAsync(_none);
        }

        var rejection = await Assert.ThrowsAsync<StoreSetupException>(() => MigrateAsync(Settings(database)));

        Assert.True(rejection.MayPass);
        Assert.Contains("a lock", rejection.Message);
    }

    [Fact]
    public async Task An_invalid_index_of_an_interrupted_migration_is_built_again()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync(
            $"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{LastIndex}'::regclass; {MarkLastAsPending}");

        Assert.Single(await MigrateAsync(Settings(database)));

        Assert.True(await database.ScalarAsync<bool>($"SELECT indisvalid FROM pg_index WHERE indexrelid = '{LastIndex}'::regclass"));
    }

    [Fact]
    public async Task An_index_that_an_interrupted_migration_has_built_is_kept()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        var built = await FileAsync();
        await database.ExecuteAsync(MarkLastAsPending);

        Assert.Single(await MigrateAsync(Settings(database)));

        Assert.Equal(built, await FileAsync());
        Task<long> FileAsync() => database.ScalarAsync<long>($"SELECT pg_relation_filenode('{LastIndex}')::bigint");
    }

    [Fact]
    public async Task Early_events_are_stored_while_a_migration_builds_their_index()
    {
        const string Insert =
            """
            INSERT INTO onex.early_events (message_id, contract, event, correlation_id, content, received_at, expires_at)
            VALUES (gen_random_uuid(), 'order', 'paid', gen_random_uuid(), '{}', now(), now())
            """;
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync($"DROP INDEX {LastIndex}; {MarkLastAsPending}");
        await using var other = await database.Source.OpenConnectionAsync(_none);
        await using var transaction = await other.BeginTransactionAsync(_none);
        await using var insert = new Npgsql.NpgsqlCommand(Insert, other);
        await insert.ExecuteNonQueryAsync(_none);

        // It waits for the open transaction, for longer than the timeout of its other locks.
        var migration = MigrateAsync(Settings(database));
        await Condition.HoldsAsync(async () => await database.ScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX%'
                AND wait_event_type = 'Lock' AND now() - query_start > interval '2.5 s')
            """));
        await database.ExecuteAsync("SET lock_timeout = '1s'; " + Insert);
        await transaction.CommitAsync(_none);

        Assert.Single(await migration);
    }

    [Fact]
    public async Task A_database_of_the_old_migrations_is_rejected_with_a_remedy()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var applied = await MigrateAsync(Settings(database));
        await database.ExecuteAsync(
            "DELETE FROM onex.schema_migrations; INSERT INTO onex.schema_migrations VALUES ('20261129114031_Initial', '10.0.0')");

        Assert.Contains(
            "of the last build before this one", await RejectionAsync(Settings(database), migrator => migrator.MigrateAsync(_none)));

        await database.ExecuteAsync("INSERT INTO onex.schema_migrations VALUES ('20261130000831_HaltedSagas', '10.0.0')");
        var message = await RejectionAsync(Settings(database), migrator => migrator.MigrateAsync(_none));
        await database.ExecuteAsync(message[(message.IndexOf("so run ", StringComparison.Ordinal) + 7)..]);

        Assert.Equal(applied[0], await database.ScalarAsync<string>("SELECT \"MigrationId\" FROM onex.schema_migrations"));

        // The test's database has the tables of all migrations already, so the later ones are marked as applied.
        foreach (var id in applied.Skip(1))
        {
            await database.ExecuteAsync($"INSERT INTO onex.schema_migrations VALUES ('{id}', '10.0.0')");
        }

        Assert.Empty(await MigrateAsync(Settings(database)));
    }

    [Fact]
    public async Task A_missing_database_is_reported_with_the_statement_that_creates_it()
    {
        var settings = Settings(await PostgresServer.SharedAsync(), "no such database");

        var message = await RejectionAsync(settings, migrator => migrator.MigrateAsync(_none));

        Assert.Contains($"CREATE DATABASE \"no such database\" OWNER \"{settings.User}\"", message);
        Assert.Contains("POSTGRES_DATABASE", message);
    }

    [Fact]
    public async Task A_wrong_password_is_reported_without_the_password()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var wrongSettings = Settings(database) with { Password = "hunter2" };
        Assert.SkipWhen(await AcceptsLoginAsync(wrongSettings), "This server requires no password.");

        var message = await RejectionAsync(wrongSettings, migrator => migrator.MigrateAsync(_none));

        Assert.Contains("POSTGRES_PASSWORD", message);
        Assert.DoesNotContain("hunter2", message);
        Assert.DoesNotContain("hunter2", wrongSettings.ToString());
        Assert.Contains(
            "POSTGRES_PASSWORD", await RejectionAsync(wrongSettings with { Password = null }, migrator => migrator.MigrateAsync(_none)));
    }

    [Fact]
    public async Task An_unreachable_server_is_a_transient_error()
    {
        var settings = Settings(await PostgresServer.SharedAsync(), "any") with { Host = "127.0.0.1", Port = FreePort.Next() };

        var rejection = await Assert.ThrowsAsync<StoreSetupException>(() => MigrateAsync(settings));

        Assert.True(rejection.MayPass);
        Assert.Contains($"127.0.0.1:{settings.Port}", rejection.Message);
        Assert.Contains("POSTGRES_HOST", rejection.Message);
    }

    [Fact]
    public async Task A_user_without_the_CREATE_privilege_gets_the_statement_that_grants_it()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var role = Names.Next("onex_role");
        await database.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'secret'");
        try
        {
            var message = await RejectionAsync(
                Settings(database) with { User = role, Password = "secret" }, migrator => migrator.MigrateAsync(_none));

            Assert.Contains($"GRANT CREATE ON DATABASE \"{database.Name}\" TO \"{role}\"", message);
        }
        finally
        {
            await database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    [Fact]
    public async Task The_history_of_a_day_without_a_partition_is_moved_into_a_new_partition()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync(
            """
            INSERT INTO onex.saga_transitions (saga_id, version, ordinal, at, entries)
            VALUES (gen_random_uuid(), 1, 0, now() + interval '9 days', '[["started", "reserving"]]')
            """);
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM onex.saga_transitions_default"));

        Assert.Equal(2, await database.ScalarAsync<int>("SELECT onex.make_history_partitions(9)"));

        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM onex.saga_transitions_default"));
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM onex.saga_history"));
        Assert.Equal(0, await database.ScalarAsync<int>("SELECT onex.make_history_partitions(9)"));
    }

    [Fact]
    public async Task The_views_answer_common_questions()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));
        await database.ExecuteAsync(
            """
            INSERT INTO onex.sagas (id, contract, contract_version, contract_hash, correlation_id, request_id, source, state, status, data,
                progress, fault, home_partition, version, last_transition_id, started_at, updated_at, ended_at, next_wakeup_at)
            SELECT gen_random_uuid(), 'order', '1', 'h', gen_random_uuid(), gen_random_uuid(), 's', name, status, '{}',
                progress::jsonb, fault::jsonb,
                0, 2, gen_random_uuid(), now(), now(), ended_at, next_wakeup_at
            FROM (VALUES
                ('stuck', 'running', '{}', NULL, NULL::timestamptz, NULL::timestamptz),
                ('running', 'running', '{}', NULL, NULL, now()),
                ('waiting', 'waiting', '{"waiting_for": ["paid"]}', NULL, NULL, NULL),
                ('failed', 'failed', '{}', '{"code": "card_declined"}', now(), NULL))
                AS v(name, status, progress, fault, ended_at, next_wakeup_at);
            INSERT INTO onex.saga_transitions (saga_id, version, ordinal, at, entries)
            SELECT id, v.version, 0, now() + v.after, json_build_array(json_build_array(v.kind, state, 'charge'))
            FROM onex.sagas,
                (VALUES (1, interval '0', 'step_started'), (2, interval '1 second', 'step_completed')) AS v(version, after, kind)
            WHERE state = 'running'
            """);

        Assert.Equal(
            ["stuck|It has no next wake-up and waits for no event."], await database.QueryAsync("SELECT state, reason FROM onex.stuck"));
        Assert.Equal(["running", "stuck", "waiting"], await database.QueryAsync("SELECT state FROM onex.live_sagas ORDER BY 1"));
        Assert.Equal(["failed|card_declined"], await database.QueryAsync("SELECT state, code FROM onex.failed_today"));
        Assert.Equal(
            ["order|running|charge|1|00:00:01"],
            await database.QueryAsync("SELECT contract, state, step, times, slowest::text FROM onex.slowest_steps"));
    }

    [Fact]
    public async Task Every_table_and_column_has_a_comment()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await MigrateAsync(Settings(database));

        Assert.Empty(await database.QueryAsync(
            """
            SELECT c.relname, a.attname
            FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind IN ('r', 'p')
            WHERE c.relnamespace = 'onex'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
                AND c.relname <> 'schema_migrations'
              AND (obj_description(c.oid) IS NULL OR (a.attnum IS NOT NULL AND col_description(c.oid, a.attnum) IS NULL))
            """));
    }

    private static StoreSettings Settings(PostgresDatabase database) => StoreSettings.Parse(database.ConnectionString);

    private static StoreSettings Settings(PostgresServer server, string database) =>
        StoreSettings.Parse(server.ConnectionString("postgres")) with { Database = database };

    private static Task<IReadOnlyList<string>> MigrateAsync(StoreSettings settings) =>
        UseAsync(settings, migrator => migrator.MigrateAsync(_none));

    private static async Task<string> RejectionAsync(StoreSettings settings, Func<Migrator, Task> use)
    {
        var rejection = await Assert.ThrowsAsync<StoreSetupException>(() => UseAsync(settings, async migrator =>
        {
            await use(migrator);
            return true;
        }));
        Assert.False(rejection.MayPass);
        Assert.DoesNotContain('\n', rejection.Message);
        return rejection.Message;
    }

    private static async Task<T> UseAsync<T>(StoreSettings settings, Func<Migrator, Task<T>> use)
    {
        await using var dataSource = PostgresDataSource.Create(settings);
        return await use(new Migrator(dataSource, settings, TimeProvider.System, NullLogger<Migrator>.Instance));
    }

    private static async Task<bool> AcceptsLoginAsync(StoreSettings settings)
    {
        try
        {
            return await UseAsync(settings, async migrator => (await migrator.StatusAsync(_none)).Pending.Count > 0);
        }
        catch (StoreSetupException)
        {
            return false;
        }
    }
}
