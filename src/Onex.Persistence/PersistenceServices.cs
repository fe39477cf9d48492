using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Monitoring;
using Onex.Persistence.Outbox;
using Onex.Persistence.Postgres;
using Onex.Persistence.Registry;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schedules;
using Onex.Persistence.Schema;
using Onex.Persistence.Secrets;
using Onex.Persistence.Sqlite;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the stores of this project.</summary>
public static class PersistenceServices
{
    /// <summary>
    /// Adds the stores in PostgreSQL and the <see cref="Migrator"/>, on one connection pool (<see cref="NpgsqlDataSource"/>). Nothing
    /// connects before its first use.
    /// </summary>
    public static IServiceCollection AddOnexPersistence(this IServiceCollection services, StoreSettings settings)
    {
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton(provider => PostgresDataSource.Create(settings, provider.GetService<ILoggerFactory>()));
        services.AddSingleton<IDbContextFactory<OnexDbContext>, OnexDbContextFactory>();
        services.AddSingleton<Migrator>();
        services.AddSagaStore<PostgresSagaStore>();
        services.AddSingleton<ISagaQueries, PostgresSagaQueries>();
        services.AddSingleton<PostgresEffectLedger>();
        services.AddSingleton<IEffectLedger>(provider => provider.GetRequiredService<PostgresEffectLedger>());
        services.AddSingleton<IParkedCommands>(provider => provider.GetRequiredService<PostgresEffectLedger>());
        services.AddSingleton<ISecretHandles, PostgresSecretHandles>();
        services.AddSingleton<IContractRegistry, PostgresContractRegistry>();
        services.AddSingleton<IDeadLetterIndex, PostgresDeadLetterIndex>();
        services.AddSingleton<IScheduleStore, PostgresScheduleStore>();
        services.AddSingleton<IStoreMaintenance, PostgresMaintenance>();
        services.AddSingleton<IStoreGauges, PostgresStoreGauges>();
        return services;
    }

    /// <summary>
    /// Adds the stores on a SQLite file, for a process that hosts every role, and <see cref="SqliteDatabase"/>, whose
    /// <see cref="SqliteDatabase.OpenAsync"/> reports problems of the file at the start. Nothing is opened before its first use.
    /// </summary>
    public static IServiceCollection AddOnexPersistence(this IServiceCollection services, SqliteStoreSettings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton<SqliteDatabase>();
        services.AddSagaStore<SqliteSagaStore>();
        services.AddSingleton<ISagaQueries, SqliteSagaQueries>();
        services.AddSingleton<SqliteEffectLedger>();
        services.AddSingleton<IEffectLedger>(provider => provider.GetRequiredService<SqliteEffectLedger>());
        services.AddSingleton<IParkedCommands>(provider => provider.GetRequiredService<SqliteEffectLedger>());
        services.AddSingleton<ISecretHandles, SqliteSecretHandles>();
        services.AddSingleton<IContractRegistry, SqliteContractRegistry>();
        services.AddSingleton<IDeadLetterIndex, SqliteDeadLetterIndex>();
        services.AddSingleton<IScheduleStore, SqliteScheduleStore>();
        services.AddSingleton<IStoreMaintenance, SqliteMaintenance>();
        services.AddSingleton<IStoreGauges, SqliteStoreGauges>();
        return services;
    }

    private static void AddSagaStore<TStore>(this IServiceCollection services)
        where TStore : class, ISagaStore, IOutbox, IWakeups, IEarlyEvents, IPayloads
    {
        services.AddSingleton<TStore>();
        services.AddSingleton<ISagaStore>(provider => provider.GetRequiredService<TStore>());
        services.AddSingleton<IOutbox>(provider => provider.GetRequiredService<TStore>());
        services.AddSingleton<IWakeups>(provider => provider.GetRequiredService<TStore>());
        services.AddSingleton<IEarlyEvents>(provider => provider.GetRequiredService<TStore>());
        services.AddSingleton<IPayloads>(provider => provider.GetRequiredService<TStore>());
    }
}
