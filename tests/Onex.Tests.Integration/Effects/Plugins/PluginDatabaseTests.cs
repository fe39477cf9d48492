using System.Text.Json;
using Onex.Contracts.Catalogue;
using Onex.Effects;
using Onex.Hosting.Plugins;
using Onex.Tests.Integration.Effects.Db;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Effects.Plugins;

/// <summary>Effects of a plug-in that use sessions of a real PostgreSQL.</summary>
public sealed class PluginDatabaseTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly PluginDirectory _directory = new("Acme.Trials");
    private PluginSet _plugins = PluginSet.None;
    private DatabaseHarness _effects = null!;

    public ValueTask InitializeAsync()
    {
        _plugins = new PluginLoader(_directory.Root, new OperationCatalogue(EffectOperations.Descriptors)).Load();
        Assert.Empty(_plugins.Diagnostics.Concat(_plugins.Create(OperationRole.Effect)));
        _effects = new DatabaseHarness(database, database.Database.ConnectionString, plugins: _plugins);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_effect_of_a_plugin_commits_its_transaction_and_is_answered_from_the_ledger_afterwards()
    {
        await database.Database.ExecuteAsync("CREATE TABLE labels (id int PRIMARY KEY)");
        var insert = DatabaseHarness.Command("acme.sql", new { sql = "INSERT INTO labels VALUES (7) RETURNING id" });

        var first = await _effects.RunAsync(insert);
        var second = await _effects.RunAsync(insert);

        Assert.Equal((StepOutcomes.Completed, null), (first.Outcome, first.Message));
        Assert.Equal("""{"found":"7"}""", first.Result!.Value.ToString());
        Assert.Equal(first.Result.Value.ToString(), second.Result!.Value.ToString());
        Assert.Equal("1", await QueryAsync("SELECT count(*) FROM labels"));

        var violation = await _effects.RunAsync("acme.sql", new { sql = "INSERT INTO labels VALUES (7)" });

        // The reach is 'sent', because the plug-in may have committed something before it failed.
        Assert.Equal((StepOutcomes.Failed, "unique_violation", StepReaches.Sent), (violation.Outcome, violation.Code, violation.Reach));
        Assert.Contains("labels_pkey", violation.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("(7)", violation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_is_reset_before_the_next_attempt_uses_it()
    {
        await QueryAsync("SELECT set_config('search_path', 'elsewhere', false)");
        await QueryAsync("SELECT pg_advisory_lock(42)");
        await QueryAsync("CREATE TEMPORARY TABLE notes (id int); SELECT 1");

        Assert.Equal("\"$user\", public", await QueryAsync("SHOW search_path"));
        Assert.Equal("0", await QueryAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42"));
        Assert.Equal("", await QueryAsync("SELECT to_regclass('notes')::text"));
    }

    [Fact]
    public async Task A_plugin_sees_no_password_and_cannot_close_the_pool()
    {
        var user = (Name: "plugin_user", Password: "very-secret-password");
        await database.Database.ExecuteAsync($"CREATE USER {user.Name} PASSWORD '{user.Password}'");
        await using var effects = new DatabaseHarness(database, database.Database.ConnectionString, user: user, plugins: _plugins);

        // The second attempt shows that the first one could not close the pool.
        for (var i = 0; i < 2; i++)
        {
            var result = await effects.RunAsync("acme.database", "{}");

            Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
            Assert.Contains("plugin_user", result.Result!.Value.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("very-secret-password", result.Result!.Value.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_unreachable_database_has_the_same_outcome_as_in_db_operations()
    {
        await using var effects = new DatabaseHarness(
            database, database.Database.ConnectionString, port: FreePort.Next(), plugins: _plugins);

        var failed = await effects.RunAsync("acme.sql", new { sql = "SELECT 1" });

        Assert.Equal((StepOutcomes.Failed, "connection_failed", StepReaches.NotSent), (failed.Outcome, failed.Code, failed.Reach));
    }

    private async Task<string?> QueryAsync(string sql)
    {
        var result = await _effects.RunAsync("acme.sql", new { sql });
        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        return JsonElement.Parse(result.Result!.Value.Utf8.Span).GetProperty("found").GetString();
    }
}
