using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Onex.Persistence.Connecting;

namespace Onex.Persistence.Schema;

/// <summary>Whether the database has what this version reads and writes. Cheap enough to be asked every second.</summary>
public sealed class SchemaState
{
    internal const string WhatToDo = "The tables of schema onex are missing, or older than this version of onex: run 'onex db migrate'.";

    // A missing history of migrations is an error of the server's, like any other missing table.
    private const string Look = $"""
        SELECT NOT EXISTS (SELECT FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} WHERE "MigrationId" = $1)
            OR EXISTS (SELECT FROM unnest($2) AS t(name) WHERE to_regclass('{OnexDbContext.Schema}.' || t.name) IS NULL)
        """;

    private readonly NpgsqlDataSource _dataSource;
    private readonly string _latest;
    private readonly string[] _tables;

    /// <summary>Looks through this pool of connections.</summary>
    public SchemaState(NpgsqlDataSource dataSource)
    {
        _dataSource = dataSource;
        using var context = new OnexDbContextFactory(dataSource).CreateDbContext();
        _latest = context.Database.GetMigrations().Last();
        _tables = [.. context.Model.GetEntityTypes().Select(type => type.GetTableName()).OfType<string>().Distinct()];
    }

    /// <summary>What is wrong with the tables, and what to do; null if nothing is.</summary>
    public async Task<string?> FaultAsync(CancellationToken cancellation)
    {
        await using var command = _dataSource.CreateCommand(Look);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _latest });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = _tables, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        try
        {
            return await command.ExecuteScalarAsync(cancellation) is true ? WhatToDo : null;
        }
        catch (PostgresException error) when (StoreErrors.IsSchemaMissing(error))
        {
            return WhatToDo;
        }
    }
}
