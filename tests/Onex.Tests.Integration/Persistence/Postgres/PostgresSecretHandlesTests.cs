using Onex.Persistence.Secrets;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The compliance suite of secret handles with PostgreSQL.</summary>
public sealed class PostgresSecretHandlesTests(TestDatabase database) : SecretHandlesCompliance, IClassFixture<TestDatabase>
{
    protected override ISecretHandles Handles { get; } = new PostgresSecretHandles(database.DataSource);
}
