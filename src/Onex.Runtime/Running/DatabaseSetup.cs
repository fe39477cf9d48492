using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Persistence.Schema;

namespace Onex.Runtime.Running;

/// <summary>Migrates the schema, waits until an orchestrator has migrated it, or, without <c>AutoMigrate</c>, only checks it.</summary>
internal sealed class DatabaseSetup(Migrator migrator, RuntimeSettings settings) : IRoleBootstrap
{
    public string Name => "The database";

    public Task StartAsync(CancellationToken cancellation) => ClassifyAsync(async () =>
    {
        if (settings.AutoMigrate && settings.Runs(RuntimeProfile.Main))
        {
            await migrator.MigrateAsync(cancellation);
        }
        else if (settings.AutoMigrate && (await migrator.StatusAsync(cancellation)) is { Pending.Count: > 0, Unknown.Count: 0 })
        {
            throw new NotReachableException("its schema is missing or older than this version; runtime-main migrates it.");
        }
        else
        {
            await migrator.CheckAsync(cancellation);
        }
    });

    /// <summary>
    /// Runs work. Throws a <see cref="ConfigurationException"/> for errors that somebody must correct, and a
    /// <see cref="NotReachableException"/> for temporary ones.
    /// </summary>
    public static async Task ClassifyAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StoreSetupException error) when (error.MayPass)
        {
            throw new NotReachableException(error.Message, error);
        }
        catch (StoreSetupException error)
        {
            throw new ConfigurationException(error.Message, error);
        }
    }
}
