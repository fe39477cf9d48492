using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Monitoring;
using Onex.Persistence.Registry;
using Onex.Persistence.Secrets;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence.Sqlite;

public sealed class SqliteSagaStoreTests(SqliteFile file) : SagaStoreCompliance, IClassFixture<SqliteFile>
{
    protected override ISagaStore Store => file.Get<ISagaStore>();

    [Fact]
    public async Task Counting_early_events_reads_no_event_with_another_business_key_or_correlation_id()
    {
        await Store.NowAsync(TestContext.Current.CancellationToken);

        var literals = Enumerable.Range(1, 4).Aggregate(
            SqliteSagaStore.CountEarly, (sql, number) => sql.Replace($"${number}", $"'{number}'", StringComparison.Ordinal));
        Assert.EndsWith(
            "USING INDEX ix_early_events_address (contract=? AND <expr>=? AND expires_at>?)",
            Assert.Single(await file.QueryAsync("EXPLAIN QUERY PLAN " + literals)));
    }
}

public sealed class SqliteSagaQueriesTests(SqliteFile file) : SagaQueriesCompliance, IClassFixture<SqliteFile>
{
    protected override ISagaStore Store => file.Get<ISagaStore>();

    protected override ISagaQueries Queries => file.Get<ISagaQueries>();

    protected override Task LoseTimerAsync(SagaRow row) => file.QueryAsync($"UPDATE sagas SET parked = 1 WHERE id = '{row.Id}'");
}

public sealed class SqliteEffectLedgerTests(SqliteFile file) : EffectLedgerCompliance, IClassFixture<SqliteFile>
{
    protected override IEffectLedger Ledger => file.Get<IEffectLedger>();

    protected override Task ExpireAsync(StepCommand command) =>
        file.QueryAsync($"UPDATE effect_ledger SET leased_until = '2020-01-01T00:00:00.000000Z' WHERE command_id = '{command.CommandId}'");
}

public sealed class SqliteParkedCommandsTests(SqliteFile file) : ParkedCommandsCompliance, IClassFixture<SqliteFile>
{
    protected override IParkedCommands Parked => file.Get<IParkedCommands>();

    protected override IEffectLedger Ledger => file.Get<IEffectLedger>();

    protected override Task ExpireAsync(StepCommand command) =>
        file.QueryAsync($"UPDATE effect_ledger SET leased_until = '2020-01-01T00:00:00.000000Z' WHERE command_id = '{command.CommandId}'");
}

public sealed class SqliteSecretHandlesTests(SqliteFile file) : SecretHandlesCompliance, IClassFixture<SqliteFile>
{
    protected override ISecretHandles Handles => file.Get<ISecretHandles>();
}

public sealed class SqliteRegistryAndDeadLettersTests(SqliteFile file) : RegistryAndDeadLettersCompliance, IClassFixture<SqliteFile>
{
    protected override IContractRegistry Registry => file.Get<IContractRegistry>();

    protected override IDeadLetterIndex DeadLetters => file.Get<IDeadLetterIndex>();

    protected override ISagaStore Store => file.Get<ISagaStore>();

    protected override string Schema => "";

    [Fact]
    public async Task Open_dead_letters_of_a_partition_are_found_however_many_another_one_has()
    {
        var topic = Rows.Key();
        var own = new DeadLetterRow(Rows.Id(), topic, 0, 7, "ONEX3001", "not JSON", null, [], Rows.Now);
        await DeadLetters.AddAsync(own, CancellationToken.None);
        await QueryAsync(
            $"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {IDeadLetterIndex.OpenMax})
            INSERT INTO dead_letters (id, topic, partition, record_offset, code, reason, at)
            SELECT printf('%08x-0000-7000-8000-000000000000', i), '{topic}', 1, 100 + i, 'ONEX3001', 'not JSON',
                '2026-01-01T00:00:00.000000Z'
            FROM n
            """);

        Assert.Equal([own.Id], await DeadLetters.FindOpenAsync(topic, [0], CancellationToken.None));
    }

    protected override Task<IReadOnlyList<string>> QueryAsync(string sql) => file.QueryAsync(sql);
}

public sealed class SqliteMaintenanceTests(SqliteFile file) : StoreMaintenanceCompliance, IClassFixture<SqliteFile>
{
    protected override ISagaStore Store => file.Get<ISagaStore>();

    protected override ISagaQueries Queries => file.Get<ISagaQueries>();

    protected override IEffectLedger Ledger => file.Get<IEffectLedger>();

    protected override IDeadLetterIndex DeadLetters => file.Get<IDeadLetterIndex>();

    protected override IStoreMaintenance Maintenance => file.Get<IStoreMaintenance>();

    protected override ISecretHandles Handles => file.Get<ISecretHandles>();

    protected override Task AgeAsync(CommandId commandId, TimeSpan age) => file.QueryAsync(
        $"""
        UPDATE effect_ledger
        SET leased_until = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{age.TotalHours} hours'),
            recorded_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{age.TotalHours} hours')
        WHERE command_id = '{commandId}'
        """);

    protected override Task AgeDeadLetterAsync(Guid id, TimeSpan age) => file.QueryAsync(
        $"UPDATE dead_letters SET decided_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{age.TotalHours} hours') WHERE id = '{id}'");
}

public sealed class SqliteStoreGaugesTests(SqliteFile file) : StoreGaugesCompliance, IClassFixture<SqliteFile>
{
    protected override ISagaStore Store => file.Get<ISagaStore>();

    protected override IDeadLetterIndex DeadLetters => file.Get<IDeadLetterIndex>();

    protected override IParkedCommands Parked => file.Get<IParkedCommands>();

    protected override IStoreGauges Gauges => file.Get<IStoreGauges>();

    [Fact]
    public async Task Sagas_that_wait_for_an_event_are_not_read()
    {
        await Gauges.ReadAsync([], TestContext.Current.CancellationToken);

        Assert.Contains(
            await file.QueryAsync("EXPLAIN QUERY PLAN " + SqliteStoreGauges.WithoutWakeup),
            line => line.Contains("USING INDEX ix_sagas_waiting_for_nothing", StringComparison.Ordinal));
    }
}
