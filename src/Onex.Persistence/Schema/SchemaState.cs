using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>Checks that the database has the tables and columns that this version needs. Cheap enough to run every second.</summary>
/// <param name="dataSource">The database.</param>
/// <param name="expected">What this version needs.</param>
public sealed class SchemaState(NpgsqlDataSource dataSource, ExpectedSchema expected)
{
    private const int MissingNamesMax = 5;

    private const string ReadOnly =
        "PostgreSQL does not accept writes: it is a standby, or default_transaction_read_only is on. "
        + "Check that POSTGRES_HOST names the primary.";

    // Looks for the migration of this version only, so the database of a newer version passes.
    private const string Check = $"""
        SELECT EXISTS (SELECT FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} WHERE "MigrationId" = $1),
            current_setting('transaction_read_only')::boolean,
            ARRAY(
                SELECT DISTINCT CASE WHEN at.id IS NULL THEN needed.tab ELSE needed.tab || '.' || needed.col END
                FROM unnest($2::text[], $3::text[]) AS needed(tab, col)
                CROSS JOIN LATERAL (SELECT to_regclass('{OnexDbContext.Schema}.' || needed.tab) AS id) AS at
                WHERE NOT EXISTS (
                    SELECT FROM pg_attribute a
                    WHERE a.attrelid = at.id AND a.attname = needed.col AND NOT a.attisdropped)
                ORDER BY 1)
        """;

    private readonly string[] _tables = [.. expected.Columns.Select(column => column.Table)];
    private readonly string[] _columns = [.. expected.Columns.Select(column => column.Column)];

    /// <summary>What is wrong with the tables or with writing to them, or why the database cannot be reached; else null.</summary>
    public async Task<string?> FindProblemAsync(CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(Check);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = expected.LatestMigration });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = _tables });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = _columns });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            if (reader.GetBoolean(1))
            {
                // A session keeps the default of its database and its user, so what comes after this must use other sessions.
                dataSource.Clear();
            }

            var missing = reader.GetFieldValue<string[]>(2);
            return !reader.GetBoolean(0) ? StoreErrors.MissingSchema
                : missing.Length > 0 ? DescribeMissing(missing)
                : reader.GetBoolean(1) ? ReadOnly
                : null;
        }
        catch (PostgresException error) when (StoreErrors.IsSchemaMissing(error))
        {
            return StoreErrors.MissingSchema;
        }
        catch (Exception error) when (StoreErrors.IsUnavailable(error) && !cancellation.IsCancellationRequested)
        {
            return StoreErrors.Unavailable(error).Message;
        }
    }

    // The remedy is not a migration, because it would not create them again.
    private static string DescribeMissing(string[] missing) =>
        $"The schema onex has every migration, but lacks {string.Join(", ", missing.Take(MissingNamesMax))}"
        + (missing.Length > MissingNamesMax ? $" and {missing.Length - MissingNamesMax} more" : "")
        + ": somebody dropped it, or a backup was restored in part. Restore it from a backup.";
}
