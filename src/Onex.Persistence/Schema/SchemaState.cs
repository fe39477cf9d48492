using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>Checks that the database has the tables that this version needs. Cheap enough to run every second.</summary>
/// <param name="dataSource">The database.</param>
/// <param name="latest">The last migration of this version: <see cref="Migrator.Latest"/>.</param>
public sealed class SchemaState(NpgsqlDataSource dataSource, string latest)
{
    private const string ReadOnly =
        "PostgreSQL does not accept writes: it is a standby, or default_transaction_read_only is on. "
        + "Check that POSTGRES_HOST names the primary.";

    // True for the database of a newer version too.
    private const string Check = $"""
        SELECT EXISTS (SELECT FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} WHERE "MigrationId" = $1)
            AND to_regclass('{OnexDbContext.Schema}.sagas') IS NOT NULL, current_setting('transaction_read_only')::boolean
        """;

    /// <summary>The problem with the tables or with writing to them, and its remedy; null if there is none.</summary>
    public async Task<string?> FaultAsync(CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(Check);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = latest });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            return !reader.GetBoolean(0) ? StoreErrors.MissingSchema : reader.GetBoolean(1) ? ReadOnly : null;
        }
        catch (PostgresException error) when (StoreErrors.IsSchemaMissing(error))
        {
            return StoreErrors.MissingSchema;
        }
    }
}
