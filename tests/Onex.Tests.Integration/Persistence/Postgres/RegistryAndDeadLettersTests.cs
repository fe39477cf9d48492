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

    [Fact]
    public async Task The_contracts_in_use_are_found_without_reading_all_live_sagas_or_ended_ones()
    {
        // Many rows, because on a small table the planner may use any index.
        var loaded = Rows.Key();
        var live = Enumerable.Range(0, 500).Select(_ => Rows.Start(Rows.New() with { ContractHash = loaded }));
        var ended = Enumerable.Range(0, 500).Select(_ => Rows.Start(Rows.Ended(Rows.New())));
        await Store.CommitAsync(new CommitBatch([.. live, .. ended], []), CancellationToken.None);
        await database.Database.ExecuteAsync("ANALYZE onex.sagas");

        var plan = await QueryAsync(
            "EXPLAIN (ANALYZE, TIMING OFF) "
            + PostgresContractRegistry.InUse.Replace("$1", $"ARRAY['{loaded}']", StringComparison.Ordinal));

        Assert.Contains(plan, line => line.Contains("ix_sagas_live_contract_hash", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan on sagas", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("actual rows=500", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Removed by Filter: 500", StringComparison.Ordinal));
    }

    protected override Task<IReadOnlyList<string>> QueryAsync(string sql) => database.Database.QueryAsync(sql);
}
