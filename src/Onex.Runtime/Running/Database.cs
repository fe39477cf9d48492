using Npgsql;
using Onex.Hosting.Health;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Persistence.Postgres;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schema;
using Onex.Persistence.Sqlite;

namespace Onex.Runtime.Running;

/// <summary>Brings the schema up to this version, or waits until main has.</summary>
internal sealed class Database(Migrator migrator, RuntimeSettings settings) : IRoleBootstrap
{
    public string Name => "The database";

    public Task StartAsync(CancellationToken cancellation) => SayAsync(async () =>
    {
        if (settings.AutoMigrate && settings.Runs(RuntimeProfile.Main))
        {
            await migrator.MigrateAsync(cancellation);
        }
        else if (settings.AutoMigrate && (await migrator.StatusAsync(cancellation)) is { Pending.Count: > 0, Unknown.Count: 0 })
        {
            throw new NotReachableException("its schema is not there yet or older than this version; runtime-main brings it up to date.");
        }
        else
        {
            await migrator.CheckAsync(cancellation);
        }
    });

    /// <summary>Tells what a person must put right from what may pass.</summary>
    public static async Task SayAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StoreSetupException away) when (away.MayPass)
        {
            throw new NotReachableException(away.Message, away);
        }
        catch (StoreSetupException wrong)
        {
            throw new ConfigurationException(wrong.Message, wrong);
        }
    }
}

/// <summary>Whether the database answers and has our tables. On a connection of its own: a pool that is busy is no database that is away.</summary>
internal sealed class DatabaseHealth(Migrator migrator, RuntimeSettings settings) : IHealthComponent, IAsyncDisposable
{
    private readonly NpgsqlDataSource _dataSource =
        PostgresDataSource.Create(SettingsMapping.Store(settings, "onex-health") with { MaxPoolSize = 1 });

    private SchemaState? _schema;

    public string Name => "database";

    // Workers open it for stored values only.
    public bool NeededForReadiness => settings.Runs(RuntimeProfile.Main) || settings.Runs(RuntimeProfile.Effects);

    public async Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        _schema ??= new SchemaState(_dataSource, migrator.Latest);
        return await _schema.FaultAsync(cancellation) is { } fault ? new ComponentReport(ComponentState.Unhealthy, fault, null) : ComponentReport.Healthy;
    }

    public ValueTask DisposeAsync() => _dataSource.DisposeAsync();
}

/// <summary>Takes the file for this process, and brings its schema up to this version.</summary>
internal sealed class DatabaseFile(SqliteDatabase file) : IRoleBootstrap
{
    public string Name => "The database";

    public Task StartAsync(CancellationToken cancellation) => Database.SayAsync(() => file.OpenAsync(cancellation));
}

/// <summary>Whether the file can be read and written.</summary>
internal sealed class FileHealth(ISagaStore store, SqliteDatabase file) : IHealthComponent
{
    public string Name => "database";

    public bool NeededForReadiness => true;

    public async Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        await store.LoadPayloadsAsync([Guid.Empty], cancellation);
        await file.ProbeAsync(cancellation);
        return ComponentReport.Healthy;
    }
}
