using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Onex.Persistence.Schema;

/// <summary>Creates contexts for migrations and tools on a connection pool.</summary>
public sealed class OnexDbContextFactory(NpgsqlDataSource dataSource) : IDbContextFactory<OnexDbContext>
{
    private readonly DbContextOptions<OnexDbContext> _options = Options(dataSource);

    /// <inheritdoc />
    public OnexDbContext CreateDbContext() => new(_options);

    /// <summary>The options of every context, also at design time.</summary>
    public static DbContextOptions<OnexDbContext> Options(NpgsqlDataSource dataSource) =>
        new DbContextOptionsBuilder<OnexDbContext>()
            .UseNpgsql(dataSource, npgsql => npgsql
                .MigrationsAssembly(OnexDbContext.MigrationsAssembly)
                .MigrationsHistoryTable(OnexDbContext.MigrationsTable, OnexDbContext.Schema))
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .Options;
}
