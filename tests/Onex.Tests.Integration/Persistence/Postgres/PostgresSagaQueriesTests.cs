namespace Onex.Tests.Integration.Persistence.Postgres;

public sealed class PostgresSagaQueriesTests(TestDatabase database) : SagaQueriesCompliance, IClassFixture<TestDatabase>
{
    protected override ISagaStore Store { get; } =
        new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    protected override ISagaQueries Queries { get; } = new PostgresSagaQueries(database.DataSource);

    protected override Task LoseTimerAsync(SagaRow row) =>
        database.Database.ExecuteAsync($"UPDATE onex.sagas SET parked = true WHERE id = '{row.Id}'");
}
