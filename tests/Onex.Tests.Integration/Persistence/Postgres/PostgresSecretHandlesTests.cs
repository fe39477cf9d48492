using Onex.Persistence.Secrets;

namespace Onex.Tests.Integration.Persistence.Postgres;

public sealed class PostgresSecretHandlesTests(TestDatabase database) : SecretHandlesCompliance, IClassFixture<TestDatabase>
{
    protected override ISecretHandles Handles { get; } = new PostgresSecretHandles(database.DataSource);
}
