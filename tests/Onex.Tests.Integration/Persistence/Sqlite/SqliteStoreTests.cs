using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Monitoring;
using Onex.Persistence.Registry;
using Onex.Persistence.Secrets;

namespace Onex.Tests.Integration.Persistence.Sqlite;

public sealed class SqliteSagaStoreTests(SqliteFile file) : SagaStoreCompliance, IClassFixture<SqliteFile>
{
    protected override ISagaStore Store => file.Get<ISagaStore>();
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
}
