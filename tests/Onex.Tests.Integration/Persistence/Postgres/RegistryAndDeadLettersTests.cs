using Onex.Persistence.DeadLetters;
using Onex.Persistence.Registry;

namespace Onex.Tests.Integration.Persistence.Postgres;

public sealed class RegistryAndDeadLettersTests(TestDatabase database) : RegistryAndDeadLettersCompliance, IClassFixture<TestDatabase>
{
    protected override IContractRegistry Registry { get; } = new PostgresContractRegistry(database.DataSource);

    protected override IDeadLetterIndex DeadLetters { get; } = new PostgresDeadLetterIndex(database.DataSource);

    protected override ISagaStore Store { get; } =
        new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    protected override string Schema => "onex.";

    protected override Task<IReadOnlyList<string>> QueryAsync(string sql) => database.Database.QueryAsync(sql);
}
