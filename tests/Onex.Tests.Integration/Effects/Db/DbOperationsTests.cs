using Onex.Effects.Db;
using Onex.Tests.Integration.Persistence;
using Onex.Tests.Integration.Persistence.Postgres;

namespace Onex.Tests.Integration.Effects.Db;

/// <summary>The database operations on a real PostgreSQL.</summary>
public sealed class DbOperationsTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private DatabaseHarness _harness = null!;

    public ValueTask InitializeAsync()
    {
        _harness = new DatabaseHarness(database, database.Database.ConnectionString);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public async Task A_query_returns_rows_with_named_columns()
    {
        var result = await _harness.ResultAsync("db.query", "SELECT n, 'row ' || n AS text FROM generate_series(1, $1) n", 2);

        Assert.Equal("""{"rows":[{"n":1,"text":"row 1"},{"n":2,"text":"row 2"}],"row_count":2}""", result.GetRawText());
    }

    [Fact]
    public async Task TLS_verifies_the_server_with_the_CA_file_and_presents_the_client_certificate()
    {
        using var certificates = new TestCertificates();
        await using var server = await PostgresServer.StartOwnAsync();
        var target = await server.CreateDatabaseAsync();
        foreach (var (name, file) in new[] { ("server.pem", certificates.ServerFile), ("ca.pem", certificates.CaFile) })
        {
            await target.ExecuteAsync(
                $"""
                COPY (SELECT line FROM regexp_split_to_table('{await File.ReadAllTextAsync(file)}', E'\n') line)
                TO PROGRAM 'cat > {name} && chmod 600 {name}'
                """);
        }

        string[] settings = ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.pem'", "ssl_ca_file = 'ca.pem'", "ssl = on"];
        foreach (var setting in settings)
        {
            await target.ExecuteAsync($"ALTER SYSTEM SET {setting}");
        }

        await server.RestartAsync(PostgresStop.Fast);
        var client = $"client_certificate: {certificates.ClientFile}";
        await using var withCa = new DatabaseHarness(
            database, target.ConnectionString, tls: $"sslmode: verify-full\n    ca_file: {certificates.CaFile}\n    {client}");
        await using var withoutCa = new DatabaseHarness(
            database, target.ConnectionString, tls: $"sslmode: verify-full\n    {client}");

        const string Query = "SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        var rows = (await withCa.ResultAsync("db.query", Query)).GetProperty("rows");
        var rejected = await withoutCa.RunAsync("db.query", DatabaseHarness.Statement(Query));

        Assert.Equal("""[{"ssl":true,"client_dn":"/CN=client"}]""", rows.GetRawText());
        Assert.Equal((StepOutcomes.Failed, "connection_failed", StepReaches.NotSent), (rejected.Outcome, rejected.Code, rejected.Reach));
    }

    [Fact]
    public async Task A_query_cannot_write_even_through_a_function()
    {
        await database.Database.ExecuteAsync("""
            CREATE TABLE read_only (n int);
            CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'INSERT INTO read_only VALUES (1) RETURNING n';
            """);

        foreach (var sql in new[]
        {
            "INSERT INTO read_only VALUES (1)",
            "SELECT sneak()",
            "WITH x AS (INSERT INTO read_only VALUES (1) RETURNING n) SELECT * FROM x",
            "SELECT set_config('transaction_read_only', 'off', false), sneak()",
            "CREATE TABLE other (n int)",
        })
        {
            var result = await _harness.RunAsync("db.query", DatabaseHarness.Statement(sql));
            Assert.Equal(StepOutcomes.Rejected, result.Outcome);
            Assert.True(result.Code is "read_only" or "data_exception" or "sqlstate_25001", $"{result.Code}: {result.Message}");
        }

        Assert.Equal(0, await database.Database.ScalarAsync<long>("SELECT count(*) FROM read_only"));
    }

    [Fact]
    public async Task Execute_returns_the_number_of_changed_rows_and_the_returned_rows()
    {
        await database.Database.ExecuteAsync("CREATE TABLE changed (id int PRIMARY KEY, note text)");

        var inserted = await _harness.ResultAsync("db.execute", "INSERT INTO changed SELECT n, $1 FROM generate_series(1, 3) n", "new");
        var updated = await _harness.ResultAsync("db.execute", "UPDATE changed SET note = $2 WHERE id > $1 RETURNING id", 1, "old");
        var called = await _harness.ResultAsync("db.execute", "CREATE TEMP TABLE gone (n int)");

        Assert.Equal("""{"rows":[],"row_count":3}""", inserted.GetRawText());
        Assert.Equal("""{"rows":[{"id":2},{"id":3}],"row_count":2}""", updated.GetRawText());
        Assert.Equal("""{"rows":[],"row_count":0}""", called.GetRawText());
        Assert.Equal(["1|new", "2|old", "3|old"], await database.Database.QueryAsync("SELECT id, note FROM changed ORDER BY id"));
    }

    [Fact]
    public async Task A_procedure_is_called_with_parameters()
    {
        await database.Database.ExecuteAsync(
            "CREATE PROCEDURE twice(n int, INOUT doubled int) LANGUAGE plpgsql AS 'BEGIN doubled := n * 2; END'");

        Assert.Equal(
            """[{"doubled":14}]""",
            (await _harness.ResultAsync("db.execute", "CALL twice($1, $2)", 7, null)).GetProperty("rows").GetRawText());
    }

    [Fact]
    public async Task The_statements_of_a_transaction_see_each_other_and_are_atomic()
    {
        await database.Database.ExecuteAsync("CREATE TABLE whole (id int PRIMARY KEY)");

        var done = await _harness.RunAsync("db.transaction", new
        {
            statements = new[]
            {
                DatabaseHarness.Statement("INSERT INTO whole VALUES ($1)", 1),
                DatabaseHarness.Statement("SELECT count(*) AS n FROM whole"),
            },
        });
        var rejected = await _harness.RunAsync("db.transaction", new
        {
            statements = new[]
            {
                DatabaseHarness.Statement("INSERT INTO whole VALUES ($1)", 2),
                DatabaseHarness.Statement("INSERT INTO whole VALUES ($1)", 1),
            },
        });

        Assert.Equal("""{"results":[{"rows":[],"row_count":1},{"rows":[{"n":1}],"row_count":1}]}""", done.Result.ToString());
        Assert.Equal((StepOutcomes.Rejected, "unique_violation"), (rejected.Outcome, rejected.Code));
        Assert.Equal(["1"], await database.Database.QueryAsync("SELECT id FROM whole"));
    }

    [Theory]
    [InlineData("SELECT 1; SELECT 2")]
    [InlineData("SELECT 1; SELECT 1")]
    [InlineData("SELECT $1::int; SELECT 2", 1)]
    [InlineData("SELECT 1; COMMIT")]
    public async Task A_text_with_several_statements_is_rejected(string sql, params object[] parameters)
    {
        var result = await _harness.RunAsync("db.execute", DatabaseHarness.Statement(sql, parameters));

        Assert.Equal(StepOutcomes.Rejected, result.Outcome);
        Assert.True(result.Code is "statement_invalid" or "parameters_invalid" or "syntax_error", $"{result.Code}: {result.Message}");
    }

    [Theory]
    [InlineData("db.query", "SELEC 1", "syntax_error", "syntax error at or near \"SELEC\"")]
    [InlineData("db.query", "SELECT * FROM nowhere", "undefined_table", "relation \"nowhere\" does not exist")]
    [InlineData("db.query", "SELECT nothing", "undefined_column", "column \"nothing\" does not exist")]
    [InlineData("db.query", "SELECT nothing()", "undefined_function", "function nothing() does not exist")]
    [InlineData("db.query", "SELECT 1/0", "data_exception", "(SQLSTATE 22012)")]
    [InlineData("db.query", "SELECT $1::int", "data_exception", "(SQLSTATE 22P02)", "hidden")]
    [InlineData("db.query", "SELECT $1::int", "statement_invalid", "could not determine data type of parameter $2", 1, 2)]
    [InlineData("db.query", "SELECT $1::int", "parameters_invalid", "the statement has 1 parameter, but 0 values came")]
    [InlineData("db.query", "SELECT $1::bytea", "parameters_invalid", "the value of $1 is not base64", "hidden!")]
    [InlineData("db.query", "SELECT 1 AS a, 2 AS a", "columns_invalid", "two columns are named 'a'")]
    [InlineData("db.query", "COMMIT", "statement_invalid", "may not begin with COMMIT")]
    [InlineData(
        "db.execute", "DO $$ BEGIN RAISE EXCEPTION 'not enough' USING HINT = 'hidden'; END $$", "raised_exception",
        "raised an error: not enough")]
    [InlineData("db.execute", "DO $$ BEGIN RAISE EXCEPTION 'hidden' USING ERRCODE = 'OX001'; END $$", "sqlstate_ox001", "(SQLSTATE OX001)")]
    [InlineData("db.execute", "DO $$ BEGIN COMMIT; END $$", "sqlstate_2d000", "(SQLSTATE 2D000)")]
    [InlineData("db.execute", "INSERT INTO ruled VALUES (1, 0)", "unique_violation", "constraint 'ruled_pkey', table 'ruled'")]
    [InlineData("db.execute", "INSERT INTO ruled VALUES (NULL, 0)", "not_null_violation", "column 'id'")]
    [InlineData("db.execute", "INSERT INTO ruled VALUES (2, 99)", "check_violation", "constraint 'small'")]
    [InlineData("db.execute", "INSERT INTO ruled VALUES (2, 0, 77)", "foreign_key_violation", "constraint 'ruled_other_fkey'")]
    public async Task A_statement_that_the_database_rejects_is_rejected_without_its_values(
        string operation, string sql, string code, string message, params object[] parameters)
    {
        await database.Database.ExecuteAsync("""
            CREATE TABLE IF NOT EXISTS ruled (
                id int PRIMARY KEY, n int CONSTRAINT small CHECK (n < 10), other int REFERENCES ruled DEFERRABLE INITIALLY DEFERRED);
            INSERT INTO ruled VALUES (1, 0) ON CONFLICT DO NOTHING
            """);

        var result = await _harness.RunAsync(operation, DatabaseHarness.Statement(sql, parameters));

        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
        Assert.Contains(message, result.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", result.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("77", result.Message, StringComparison.Ordinal);

        // The next command gets a clean session.
        Assert.Equal("""[{"n":1}]""", (await _harness.ResultAsync("db.query", "SELECT $1::int AS n", 1)).GetProperty("rows").GetRawText());
    }

    [Fact]
    public async Task A_statement_is_stopped_at_the_end_of_its_attempt()
    {
        var result = await _harness.RunAsync(
            DatabaseHarness.Command("db.query", DatabaseHarness.Statement("SELECT pg_sleep(60)"), timeoutMs: 500));

        Assert.Equal((StepOutcomes.Failed, "step_timed_out"), (result.Outcome, result.Code));
        await Eventually.Async(
            async () => await database.Database.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onex-effects' AND state = 'active' AND query LIKE "
                    + "'%pg_sleep(60)%'") == 0,
            TimeSpan.FromMinutes(1),
            () => "the statement still runs");
        await _harness.ResultAsync("db.query", "SELECT 1 AS n");
    }

    [Fact]
    public async Task The_servers_statement_timeout_is_a_second_longer_than_the_attempts()
    {
        var result = await _harness.ResultAsync(
            "db.query", "SELECT current_setting('statement_timeout') AS timeout, current_setting('application_name') AS name");

        Assert.Equal("""[{"timeout":"21s","name":"onex-effects"}]""", result.GetProperty("rows").GetRawText());
    }

    [Fact]
    public async Task A_statement_can_read_its_idempotency_key()
    {
        var command = DatabaseHarness.Command("db.query", DatabaseHarness.Statement("SELECT current_setting('onex.command_id') AS key"));

        Assert.Contains($"\"{command.CommandId}\"", (await _harness.RunAsync(command)).Result.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT n FROM generate_series(1, 5000000) n")]
    [InlineData("SELECT repeat('x', 60000000) AS x")]
    [InlineData("SELECT repeat('x', 1000000) AS x FROM generate_series(1, 1000)")]
    public async Task A_result_that_is_too_large_is_rejected_and_its_transaction_rolled_back(string sql)
    {
        await database.Database.ExecuteAsync("CREATE TABLE IF NOT EXISTS undone (n int)");

        var result = await _harness.RunAsync(
            "db.transaction",
            new { statements = new[] { DatabaseHarness.Statement("INSERT INTO undone VALUES (1)"), DatabaseHarness.Statement(sql) } });

        Assert.Equal((StepOutcomes.Rejected, "result_too_large"), (result.Outcome, result.Code));
        Assert.Contains($"more than {DatabaseSession.RowsMax} rows or 50 MiB", result.Message, StringComparison.Ordinal);
        Assert.Equal(0, await database.Database.ScalarAsync<long>("SELECT count(*) FROM undone"));
        await _harness.ResultAsync("db.query", "SELECT 1 AS n");
    }

    [Fact]
    public async Task A_large_result_is_sent_as_a_reference()
    {
        var result = await _harness.RunAsync("db.query", DatabaseHarness.Statement("SELECT repeat('x', 100000) AS x"));

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Result?.ToString()));
        Assert.NotNull(result.ResultRef);
    }

    [Fact]
    public async Task A_wrong_password_is_reported_with_the_name_of_the_connection()
    {
        await using var harness = new DatabaseHarness(
            database, database.Database.ConnectionString, user: (database.Database.Server.User, "my secret guess"));

        var result = await harness.RunAsync("db.query", DatabaseHarness.Statement("SELECT 1 AS n"));

        Assert.Equal((StepOutcomes.Failed, "authentication_failed"), (result.Outcome, result.Code));
        Assert.Contains("connection 'db' rejects the user", result.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unreachable_database_fails_the_attempt()
    {
        await using var proxy = new CuttingProxy(database.Settings.Host, database.Settings.Port) { IsRejecting = true };
        await using var harness = new DatabaseHarness(database, database.Database.ConnectionString, proxy.Port);

        var result = await harness.RunAsync("db.execute", DatabaseHarness.Statement("SELECT 1 AS n"));

        Assert.Equal((StepOutcomes.Failed, "connection_failed"), (result.Outcome, result.Code));
        Assert.Equal("The database of connection 'db' cannot be reached.", result.Message);
    }

    [Fact]
    public async Task A_terminated_session_fails_the_attempt_and_the_next_attempt_succeeds()
    {
        var result = await _harness.RunAsync("db.execute", DatabaseHarness.Statement("SELECT pg_terminate_backend(pg_backend_pid())"));

        Assert.Equal((StepOutcomes.Failed, "database_unavailable"), (result.Outcome, result.Code));
        await _harness.ResultAsync("db.execute", "SELECT 1 AS n");
    }

    [Fact]
    public async Task One_of_two_deadlocked_transactions_fails_and_the_other_completes()
    {
        await database.Database.ExecuteAsync("CREATE TABLE crossed (id int PRIMARY KEY, n int); INSERT INTO crossed VALUES (1, 0), (2, 0)");
        StepCommand Crossing(int first, int second) => DatabaseHarness.Command("db.transaction", new
        {
            statements = new[]
            {
                DatabaseHarness.Statement("UPDATE crossed SET n = n + 1 WHERE id = $1", first),
                DatabaseHarness.Statement("SELECT pg_sleep(0.5)"),
                DatabaseHarness.Statement("UPDATE crossed SET n = n + 1 WHERE id = $1", second),
            },
        });

        await Task.WhenAll(
            _harness.HandleAsync(Crossing(1, 2), TestContext.Current.CancellationToken),
            _harness.HandleAsync(Crossing(2, 1), TestContext.Current.CancellationToken));

        Assert.Equal(
            [(StepOutcomes.Completed, null), (StepOutcomes.Failed, "deadlock")],
            _harness.Results.Select(result => (result.Outcome, result.Code)).Order());
    }

    [Fact]
    public async Task Session_settings_of_a_command_do_not_affect_the_next_command()
    {
        await _harness.ResultAsync("db.execute", "SET datestyle = 'German'");
        await _harness.ResultAsync("db.execute", "SELECT set_config('search_path', 'nowhere', false) AS path");

        var result = await _harness.ResultAsync("db.query", "SELECT '2024-02-01'::date AS day, current_setting('search_path') AS path");

        Assert.Equal("""[{"day":"2024-02-01","path":"\u0022$user\u0022, public"}]""", result.GetProperty("rows").GetRawText());
    }

    [Fact]
    public async Task Locks_and_temporary_tables_of_a_statement_are_released_after_it()
    {
        await _harness.ResultAsync("db.query", "SELECT pg_advisory_lock(4711)");
        Assert.True(await IsFreeAsync(4711));

        // Also after a failed statement.
        object[] statements = [DatabaseHarness.Statement("SELECT pg_advisory_lock(4712)"), DatabaseHarness.Statement("SELECT 1 / 0 AS n")];
        var result = await _harness.RunAsync("db.transaction", new { statements });
        Assert.Equal(StepOutcomes.Rejected, result.Outcome);
        Assert.True(await IsFreeAsync(4712));

        // A session whose timeout is too short to reset it is closed instead.
        await _harness.ResultAsync("db.execute", "SELECT pg_advisory_lock(4713), set_config('statement_timeout', '1', false) AS timeout");
        await Eventually.Async(() => IsFreeAsync(4713), TimeSpan.FromMinutes(1), () => "the session still has its lock");
        await _harness.ResultAsync("db.query", "SELECT 1 AS n");

        await _harness.ResultAsync("db.execute", "CREATE TEMP TABLE onex_short_lived AS SELECT 1 AS n");
        Assert.Equal(0, await database.Database.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname = 'onex_short_lived'"));

        Task<bool> IsFreeAsync(int key) => database.Database.ScalarAsync<bool>($"SELECT pg_try_advisory_xact_lock({key})");
    }

    [Fact]
    public async Task A_type_that_was_redefined_is_read_with_its_new_definition()
    {
        await database.Database.ExecuteAsync("CREATE TYPE shape AS (a int); CREATE TABLE shaped (s shape, v text)");
        await _harness.ResultAsync("db.execute", "INSERT INTO shaped VALUES ($1, $2)", new { a = 1 }, "AP8Q");
        await database.Database.ExecuteAsync(
            "ALTER TYPE shape ADD ATTRIBUTE b text; ALTER TABLE shaped ALTER v TYPE bytea USING decode(v, 'base64')");
        await _harness.ResultAsync("db.execute", "INSERT INTO shaped VALUES ($1, $2)", new { a = 2, b = "two" }, "AP8Q");

        var result = await _harness.ResultAsync("db.query", "SELECT * FROM shaped ORDER BY (s).a");

        Assert.Equal(
            """[{"s":{"a":1,"b":null},"v":"AP8Q"},{"s":{"a":2,"b":"two"},"v":"AP8Q"}]""", result.GetProperty("rows").GetRawText());
    }

    [Fact]
    public async Task A_command_with_invalid_arguments_is_never_executed()
    {
        foreach (var arguments in new[] { "{}", """{"sql": 1}""", """{"sql": "SELECT 1", "parameter": []}""" })
        {
            Assert.Equal("arguments_invalid", (await _harness.RunAsync("db.query", arguments)).Code);
        }

        Assert.Equal("arguments_invalid", (await _harness.RunAsync("db.transaction", """{"statements": []}""")).Code);
        Assert.Equal("connection_invalid", (await _harness.RunAsync(
            DatabaseHarness.Command("db.query", DatabaseHarness.Statement("SELECT 1")) with { Connection = null })).Code);
    }
}
