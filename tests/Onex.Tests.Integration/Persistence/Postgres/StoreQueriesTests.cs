using Npgsql;
using Onex.Persistence;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>Errors that stay when a statement is repeated, as the callers of the store get them.</summary>
public sealed class StoreQueriesTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Theory]
    [InlineData("deadlock_detected", "end long transactions on schema onex")]
    [InlineData("serialization_failure", "end long transactions on schema onex")]
    [InlineData("invalid_sql_statement_name", "a pooler in transaction mode may be in between")]
    public async Task A_conflict_that_stays_is_an_error_of_the_store_with_its_remedy(string error, string remedy)
    {
        var unavailable = await Assert.ThrowsAsync<StoreUnavailableException>(() => database.DataSource.RunAsync(
            [new NpgsqlBatchCommand($"DO $$ BEGIN RAISE 'No.' USING ERRCODE = '{error}'; END $$")],
            _ => Task.FromResult(true),
            CancellationToken.None));

        Assert.Contains(remedy, unavailable.Message, StringComparison.Ordinal);
        Assert.Contains("No. (SQLSTATE ", unavailable.Message, StringComparison.Ordinal);
    }
}
