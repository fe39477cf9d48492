using Npgsql;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Persistence.Postgres;
using Onex.Persistence.Schema;

namespace Onex.Runtime.Running;

/// <summary>
/// Health of the database: reachable, migrated, and accepting the writes of this process. Uses a connection of its own, because a busy pool
/// is not an unreachable database.
/// </summary>
internal sealed class DatabaseHealth(Migrator migrator, PostgresSagaStore sagas, PostgresEffectLedger ledger, RuntimeSettings settings)
    : IHealthComponent, IAsyncDisposable
{
    private readonly NpgsqlDataSource _dataSource =
        PostgresDataSource.Create(SettingsMapping.Store(settings, "onex-health") with { MaxPoolSize = 1 });

    private SchemaState? _schema;

    public string Name => "database";

    // Workers read the database only for values that are too large for a command.
    public bool NeededForReadiness => settings.Runs(RuntimeProfile.Main) || settings.Runs(RuntimeProfile.Effects);

    public async Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        _schema ??= new SchemaState(_dataSource, migrator.Expected);
        if (await _schema.FindProblemAsync(cancellation) is { } schemaProblem)
        {
            return Unhealthy(schemaProblem, $"Make {SettingsMapping.Store(settings, "onex-health")} reachable, writable and complete.");
        }

        return (sagas.Writes.Problem ?? ledger.Writes.Problem) is { } problem
            ? Unhealthy(problem.Error, problem.Remedy)
            : ComponentReport.Healthy;
    }

    public ValueTask DisposeAsync() => _dataSource.DisposeAsync();

    private static ComponentReport Unhealthy(string error, string remedy) =>
        new(ComponentState.Unhealthy, error, null) { Remedy = remedy };
}
