using Microsoft.Extensions.Logging.Abstractions;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Integration.Persistence;

/// <summary>The compliance suite against PostgreSQL.</summary>
public sealed class PostgresSagaStoreTests(TestDatabase database) : SagaStoreCompliance, IClassFixture<TestDatabase>
{
    protected override ISagaStore Store { get; } =
        new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
}
