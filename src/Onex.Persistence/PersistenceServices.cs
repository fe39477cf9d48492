using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Postgres;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Registry;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schedules;
using Onex.Persistence.Schema;
using Onex.Persistence.Sqlite;
using Onex.Persistence.Maintenance;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The one public door of this project.</summary>
public static class PersistenceServices
{
    /// <summary>
    /// Adds the stores in PostgreSQL, on one pool of connections: <see cref="ISagaStore"/>, <see cref="ISagaQueries"/>,
    /// <see cref="IEffectLedger"/>, <see cref="IContractRegistry"/>, <see cref="IDeadLetterIndex"/>, <see cref="IScheduleStore"/>,
    /// <see cref="IStoreMaintenance"/>, <see cref="Migrator"/>, <see cref="NpgsqlDataSource"/> and
    /// <see cref="IDbContextFactory{TContext}"/> of <see cref="OnexDbContext"/>. Nothing connects before it is used.
    /// </summary>
    public static IServiceCollection AddOnexPersistence(this IServiceCollection services, StoreSettings settings)
    {
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton(provider => PostgresDataSource.Create(settings, provider.GetService<ILoggerFactory>()));
        services.AddSingleton<IDbContextFactory<OnexDbContext>, OnexDbContextFactory>();
        services.AddSingleton<Migrator>();
        services.AddSingleton<ISagaStore, PostgresSagaStore>();
        services.AddSingleton<ISagaQueries, PostgresSagaQueries>();
        services.AddSingleton<PostgresEffectLedger>();
        services.AddSingleton<IEffectLedger>(provider => provider.GetRequiredService<PostgresEffectLedger>());
        services.AddSingleton<IContractRegistry, PostgresContractRegistry>();
        services.AddSingleton<IDeadLetterIndex, PostgresDeadLetterIndex>();
        services.AddSingleton<IScheduleStore, PostgresScheduleStore>();
        services.AddSingleton<IStoreMaintenance, PostgresMaintenance>();
        return services;
    }

    /// <summary>
    /// Adds the stores in a SQLite file, for a process that hosts every role: <see cref="ISagaStore"/>, <see cref="ISagaQueries"/>, <see
    /// cref="IEffectLedger"/>, <see cref="IContractRegistry"/>, <see cref="IDeadLetterIndex"/>, <see cref="IScheduleStore"/>, <see
    /// cref="IStoreMaintenance"/> and <see cref="SqliteDatabase"/>, whose <see cref="SqliteDatabase.OpenAsync"/> says at a start what is
    /// wrong with the file. Nothing is opened before it is used.
    /// </summary>
    public static IServiceCollection AddOnexPersistence(this IServiceCollection services, SqliteStoreSettings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton<SqliteDatabase>();
        services.AddSingleton<ISagaStore, SqliteSagaStore>();
        services.AddSingleton<ISagaQueries, SqliteSagaQueries>();
        services.AddSingleton<IEffectLedger, SqliteEffectLedger>();
        services.AddSingleton<IContractRegistry, SqliteContractRegistry>();
        services.AddSingleton<IDeadLetterIndex, SqliteDeadLetterIndex>();
        services.AddSingleton<IScheduleStore, SqliteScheduleStore>();
        services.AddSingleton<IStoreMaintenance, SqliteMaintenance>();
        return services;
    }
}
