using Onex.Tests.Integration.Persistence;
using Onex.Tests.Integration.Persistence.Postgres;

namespace Onex.Tests.Integration.Effects.Db;

/// <summary>
/// Transactions in the ledger's own database happen exactly once, whenever a connection is lost. In another database, the outcome may be
/// unknown.
/// </summary>
public sealed class ExactlyOnceTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private PostgresDatabase _otherDatabase = null!;

    public async ValueTask InitializeAsync()
    {
        _otherDatabase = await database.Database.Server.CreateDatabaseAsync();
        const string Table = "CREATE TABLE IF NOT EXISTS public.charges (name text, at timestamptz DEFAULT clock_timestamp())";
        await database.Database.ExecuteAsync(Table);
        await _otherDatabase.ExecuteAsync(Table);
    }

    public ValueTask DisposeAsync() => _otherDatabase.DisposeAsync();

    [Theory]
    [InlineData(Cut.BeforeTheServer)]
    [InlineData(Cut.WhileTheServerWorks)]
    [InlineData(Cut.BeforeTheAnswer)]
    public async Task A_connection_lost_at_the_commit_neither_loses_nor_repeats_a_statement(Cut cut)
    {
        await using var proxy = new CuttingProxy(database.Settings.Host, database.Settings.Port);
        await using var harness = new DatabaseHarness(database, database.Database.ConnectionString, proxy.Port);
        await harness.RunAsync(Charge("warm-up"));
        var name = $"cut-{cut}";
        var command = Charge(name);
        proxy.CutOnly("COMMIT\0", cut);

        var first = await harness.RunAsync(command);
        var second = await harness.RunAsync(command with { Attempt = 2 });

        // A lost request fails the attempt; after a lost response the outcome is known at once.
        Assert.Equal(cut == Cut.BeforeTheServer ? StepOutcomes.Failed : StepOutcomes.Completed, first.Outcome);
        Assert.Equal(StepOutcomes.Completed, second.Outcome);
        Assert.Equal(1, await ChargesAsync(database.Database, name));
    }

    [Theory]
    [InlineData(Cut.BeforeTheServer)]
    [InlineData(Cut.BeforeTheAnswer)]
    public async Task Another_process_finishes_the_command_when_one_dies_at_the_commit(Cut cut)
    {
        await using var proxy = new CuttingProxy(database.Settings.Host, database.Settings.Port);
        var name = $"died-{cut}";
        var command = Charge(name);
        await using (var killed = new DatabaseHarness(database, database.Database.ConnectionString, proxy.Port))
        {
            using var death = new CancellationTokenSource();
            proxy.CutOnly("COMMIT\0", cut, () =>
            {
                killed.LoseLedger();
                death.Cancel();
            });
            await Assert.ThrowsAnyAsync<Exception>(() => killed.HandleAsync(command, death.Token));
            Assert.Empty(killed.Results);
        }

        await ExpireAsync(command);
        await using var successor = new DatabaseHarness(database, database.Database.ConnectionString);
        var result = await successor.RunAsync(command);

        Assert.Equal((StepOutcomes.Completed, 1), (result.Outcome, result.Attempt));
        Assert.Equal(1, await ChargesAsync(database.Database, name));
    }

    [Fact]
    public async Task A_process_that_resumes_after_its_lease_has_expired_changes_nothing()
    {
        await using var frozen = new DatabaseHarness(database, database.Database.ConnectionString);
        await using var successor = new DatabaseHarness(database, database.Database.ConnectionString);
        var command = DatabaseHarness.Command("db.transaction", new
        {
            statements = new[]
            {
                DatabaseHarness.Statement("INSERT INTO public.charges (name) VALUES ($1)", "frozen"),
                DatabaseHarness.Statement("SELECT pg_sleep(2)"),
            },
        });

        var frozenAttempt = frozen.HandleAsync(command, TestContext.Current.CancellationToken);
        await Eventually.Async(
            async () =>
                await database.Database.ScalarAsync<long>(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND wait_event = 'PgSleep'") == 1,
            TimeSpan.FromMinutes(1),
            () => "it does not sleep yet");
        await ExpireAsync(command);
        await successor.RunAsync(command);
        await frozenAttempt;

        Assert.Empty(frozen.Results);
        Assert.Equal(1, await ChargesAsync(database.Database, "frozen"));
    }

    [Fact]
    public async Task In_another_database_a_connection_lost_at_the_commit_has_an_unknown_outcome()
    {
        await using var proxy = new CuttingProxy(database.Settings.Host, database.Settings.Port);
        await using var harness = new DatabaseHarness(database, _otherDatabase.ConnectionString, proxy.Port);
        await harness.RunAsync(Charge("warm-up"));
        proxy.CutOnly("COMMIT\0", Cut.BeforeTheAnswer);

        var result = await harness.RunAsync(Charge("elsewhere"));

        Assert.Equal((StepOutcomes.Failed, "connection_lost"), (result.Outcome, result.Code));
        Assert.Contains("the outcome is unknown", result.Message, StringComparison.Ordinal);
        Assert.Equal(1, await ChargesAsync(_otherDatabase, "elsewhere"));
    }

    [Fact]
    public async Task Another_database_of_the_same_server_is_not_the_ledger_database_even_with_ledger_tables()
    {
        await using var twin = new TwinDatabase();
        await twin.InitializeAsync(database);
        await using var harness = new DatabaseHarness(database, twin.ConnectionString);
        var command = Charge("twin");

        Assert.Equal(StepOutcomes.Completed, (await harness.RunAsync(command)).Outcome);

        Assert.Equal(
            1,
            await database.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.effect_ledger WHERE command_id = '{command.CommandId}' "
                + $"AND outcome = 'completed'"));
        Assert.Equal(1, await ChargesAsync(twin.Database, "twin"));
    }

    [Fact]
    public async Task A_user_without_ledger_rights_uses_separate_transactions()
    {
        await database.Database.ExecuteAsync("""
            CREATE ROLE clerk LOGIN PASSWORD 'clerks word'; GRANT INSERT ON public.charges TO clerk;
            """);
        try
        {
            await using var harness = new DatabaseHarness(database, database.Database.ConnectionString, user: ("clerk", "clerks word"));

            var result = await harness.RunAsync(Charge("clerk"));
            var rejected = await harness.RunAsync("db.query", DatabaseHarness.Statement("SELECT * FROM onex.effect_ledger"));

            Assert.True(result.Outcome == StepOutcomes.Completed, result.Message);
            Assert.Equal((StepOutcomes.Rejected, "insufficient_privilege"), (rejected.Outcome, rejected.Code));
        }
        finally
        {
            await database.Database.ExecuteAsync("DROP OWNED BY clerk; DROP ROLE clerk");
        }
    }

    [Fact]
    public async Task A_large_result_is_recorded_as_a_reference()
    {
        await using var harness = new DatabaseHarness(database, database.Database.ConnectionString);
        var command = DatabaseHarness.Command(
            "db.transaction", new { statements = new[] { DatabaseHarness.Statement("SELECT repeat('x', 100000) AS x") } });

        var first = await harness.RunAsync(command);
        var second = await harness.RunAsync(command);

        Assert.NotNull(first.ResultRef);
        Assert.Equal(first, second);
    }

    private static StepCommand Charge(string name) => DatabaseHarness.Command(
        "db.transaction", new { statements = new[] { DatabaseHarness.Statement("INSERT INTO public.charges (name) VALUES ($1)", name) } });

    private static Task<long> ChargesAsync(PostgresDatabase target, string name) =>
        target.ScalarAsync<long>($"SELECT count(*) FROM public.charges WHERE name = '{name}'");

    private Task<int> ExpireAsync(StepCommand command) => database.Database.ExecuteAsync(
        $"UPDATE onex.effect_ledger SET leased_until = clock_timestamp() - interval '1 second' WHERE command_id = '{command.CommandId}'");

    /// <summary>Another database with tables of the same names and owners as the ledger's.</summary>
    private sealed class TwinDatabase : IAsyncDisposable
    {
        public PostgresDatabase Database { get; private set; } = null!;

        public string ConnectionString => Database.ConnectionString;

        public async Task InitializeAsync(TestDatabase original)
        {
            Database = await original.Database.Server.CreateDatabaseAsync();
            await Database.ExecuteAsync("""
                CREATE SCHEMA onex;
                CREATE TABLE onex.effect_ledger (command_id uuid PRIMARY KEY, lease_token uuid, outcome text,
                    result json, recorded_at timestamptz);
                CREATE TABLE public.charges (name text);
                """);
        }

        public ValueTask DisposeAsync() => Database.DisposeAsync();
    }
}
