using System.Text;
using Npgsql;
using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Monitoring;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The compliance suite of the store's gauges with PostgreSQL, and tests of their query plans.</summary>
public sealed class PostgresStoreGaugesTests(TestDatabase database) : StoreGaugesCompliance, IClassFixture<TestDatabase>
{
    protected override ISagaStore Store { get; } =
        new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    protected override IDeadLetterIndex DeadLetters { get; } = new PostgresDeadLetterIndex(database.DataSource);

    protected override IParkedCommands Parked { get; } = new PostgresEffectLedger(database.DataSource);

    protected override IStoreGauges Gauges { get; } = new PostgresStoreGauges(database.DataSource);

    [Fact]
    public async Task No_gauge_reads_all_sagas()
    {
        await Store.CommitAsync(
            new CommitBatch([.. Enumerable.Range(0, 500).Select(_ => Rows.Start(Rows.New() with { NextWakeupAt = Rows.Now }))], []),
            CancellationToken.None);
        await database.Database.ExecuteAsync("ANALYZE onex.sagas, onex.halted_sagas, onex.dead_letters, onex.effect_ledger");

        Assert.DoesNotContain("onex.sagas", await PlanAsync(PostgresStoreGauges.Halted), StringComparison.Ordinal);
        Assert.DoesNotContain(" on sagas", await PlanAsync(PostgresStoreGauges.Halted), StringComparison.Ordinal);
        Assert.Contains("pk_outbox_batches", await PlanAsync(PostgresStoreGauges.OutboxAge), StringComparison.Ordinal);
        Assert.Contains("ix_dead_letters_open", await PlanAsync(PostgresStoreGauges.DeadLetters), StringComparison.Ordinal);
        Assert.Contains("ix_effect_ledger_parked", await PlanAsync(PostgresStoreGauges.Parked), StringComparison.Ordinal);

        var stuck = await PlanAsync(PostgresStoreGauges.WithoutWakeup);
        Assert.Contains("pk_sagas", stuck, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan on sagas", stuck, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_halted_saga_that_is_deleted_with_SQL_is_no_longer_counted()
    {
        var row = Rows.New() with { Contract = Rows.Key(), Status = SagaStatus.Blocked };
        await Store.CommitAsync(new CommitBatch([Rows.Start(row)], []), CancellationToken.None);

        await database.Database.ExecuteAsync($"DELETE FROM onex.sagas WHERE id = '{row.Id}'");

        Assert.Equal(0L, await database.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM onex.halted_sagas WHERE saga_id = '{row.Id}'"));
    }

    [Fact]
    public async Task A_transition_between_states_that_are_not_halted_fires_no_trigger()
    {
        var row = Rows.New() with { NextWakeupAt = Rows.Now };
        await Store.CommitAsync(new CommitBatch([Rows.Start(row)], []), CancellationToken.None);

        var plan = await PlanAsync(
            $"UPDATE onex.sagas SET version = version + 1, status = 'waiting', state = 'next' WHERE id = '{row.Id}'", "ANALYZE, COSTS OFF");

        Assert.DoesNotContain("Trigger tr_sagas_halted", plan, StringComparison.Ordinal);
    }

    private async Task<string> PlanAsync(string sql, string options = "COSTS OFF")
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            $"EXPLAIN ({options}) {sql.Replace("$1", "ARRAY['bank']::text[]", StringComparison.Ordinal)}", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var plan = new StringBuilder();
        while (await reader.ReadAsync())
        {
            plan.AppendLine(reader.GetString(0));
        }

        return plan.ToString();
    }
}
