using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Persistence.Schema;

namespace Onex.Runtime.Running;

/// <summary>Migrates the schema, or waits until main has migrated it.</summary>
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

    /// <summary>Classifies errors: those that somebody must correct, and temporary ones.</summary>
    public static async Task ClassifyAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StoreSetupException unavailable) when (unavailable.MayPass)
        {
            throw new NotReachableException(unavailable.Message, unavailable);
        }
        catch (StoreSetupException wrong)
        {
            throw new ConfigurationException(wrong.Message, wrong);
        }
    }
}
