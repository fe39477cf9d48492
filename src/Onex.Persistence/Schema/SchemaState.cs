using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>Whether the database has what this version reads and writes. Cheap enough to be asked every second.</summary>
/// <param name="dataSource">Where it asks.</param>
/// <param name="latest">The last migration of this version: <see cref="Migrator.Latest"/>.</param>
public sealed class SchemaState(NpgsqlDataSource dataSource, string latest)
{
    internal const string WhatToDo = "The tables of schema onex are missing, or older than this version of onex: run 'onex db migrate'.";

    private const string ReadOnly =
        "PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on. Check that POSTGRES_HOST names the primary.";

    // A newer version's database has it too.
    private const string Look = $"""
        SELECT EXISTS (SELECT FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} WHERE "MigrationId" = $1)
            AND to_regclass('{OnexDbContext.Schema}.sagas') IS NOT NULL, current_setting('transaction_read_only')::boolean
        """;

    /// <summary>What is wrong with the tables or with writing to them, and what to do; null if nothing is.</summary>
    public async Task<string?> FaultAsync(CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(Look);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = latest });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            return !reader.GetBoolean(0) ? WhatToDo : reader.GetBoolean(1) ? ReadOnly : null;
        }
        catch (PostgresException error) when (StoreErrors.IsSchemaMissing(error))
        {
            return WhatToDo;
        }
    }
}
