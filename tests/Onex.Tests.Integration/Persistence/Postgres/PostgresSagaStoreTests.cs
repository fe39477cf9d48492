using Onex.Persistence;

namespace Onex.Tests.Integration.Persistence.Postgres;

public sealed class PostgresSagaStoreTests(TestDatabase database) : SagaStoreCompliance, IClassFixture<TestDatabase>
{
    protected override ISagaStore Store { get; } =
        new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_query_without_tables_fails_with_a_remedy_whether_or_not_it_is_prepared(int earlierQueries)
    {
        await using var dataSource = PostgresDataSource.Create(database.Settings);
        var store = new PostgresSagaStore(dataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
        for (var query = 0; query < earlierQueries; query++)
        {
            await store.DueEarlyAsync([], 1, CancellationToken.None);
        }

        await database.Database.ExecuteAsync("ALTER SCHEMA onex RENAME TO onex_away");

        // The driver prepares a statement after some executions.
        for (var query = 0; query < 3; query++)
        {
            var unavailable = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.DueEarlyAsync([], 1, CancellationToken.None));
            Assert.Contains("onex db migrate", unavailable.Message, StringComparison.Ordinal);
        }

        await database.Database.ExecuteAsync("ALTER SCHEMA onex_away RENAME TO onex");
        await store.DueEarlyAsync([], 1, CancellationToken.None);
    }
}
