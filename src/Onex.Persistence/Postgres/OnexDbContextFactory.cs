using Microsoft.EntityFrameworkCore;
using Npgsql;
using Onex.Persistence.Schema;

namespace Onex.Persistence.Postgres;

/// <summary>Makes contexts for queries, tools and migrations on a pool of connections.</summary>
public sealed class OnexDbContextFactory(NpgsqlDataSource dataSource) : IDbContextFactory<OnexDbContext>
{
    private readonly DbContextOptions<OnexDbContext> _options = Options(dataSource);

    /// <inheritdoc />
    public OnexDbContext CreateDbContext() => new(_options);

    /// <summary>How every context is configured, at design time too.</summary>
    public static DbContextOptions<OnexDbContext> Options(NpgsqlDataSource dataSource) =>
        new DbContextOptionsBuilder<OnexDbContext>()
            .UseNpgsql(dataSource, npgsql => npgsql
                .MigrationsAssembly(OnexDbContext.MigrationsAssembly)
                .MigrationsHistoryTable(OnexDbContext.MigrationsTable, OnexDbContext.Schema))
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .Options;
}
