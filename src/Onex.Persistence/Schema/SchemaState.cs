using Npgsql;
using Onex.Persistence.Connecting;

namespace Onex.Persistence.Schema;

/// <summary>Whether the database has what this version reads and writes. Cheap enough to be asked every second.</summary>
/// <param name="dataSource">Where it asks.</param>
/// <param name="latest">The last migration of this version: <see cref="Migrator.Latest"/>.</param>
public sealed class SchemaState(NpgsqlDataSource dataSource, string latest)
{
    internal const string WhatToDo = "The tables of schema onex are missing, or older than this version of onex: run 'onex db migrate'.";

    // A newer version's database has it too.
    private const string Look = $"""
        SELECT EXISTS (SELECT FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} WHERE "MigrationId" = $1)
            AND to_regclass('{OnexDbContext.Schema}.sagas') IS NOT NULL
        """;

    /// <summary>What is wrong with the tables, and what to do; null if nothing is.</summary>
    public async Task<string?> FaultAsync(CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(Look);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = latest });
        try
        {
            return await command.ExecuteScalarAsync(cancellation) is true ? null : WhatToDo;
        }
        catch (PostgresException error) when (StoreErrors.IsSchemaMissing(error))
        {
            return WhatToDo;
        }
    }
}
