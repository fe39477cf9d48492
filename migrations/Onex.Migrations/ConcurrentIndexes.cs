#nullable enable

using Microsoft.EntityFrameworkCore.Migrations;

namespace Onex.Migrations;

/// <summary>Builds indexes of tables that running orchestrators write.</summary>
internal static class ConcurrentIndexes
{
    /// <summary>
    /// Creates an index concurrently, because otherwise writes of the table wait until it is built. That waits for old transactions without
    /// a limit, which delays nothing else. An interrupted attempt leaves an index. A valid one is kept; an invalid one is renamed before it
    /// is dropped, because the block that finds it cannot drop it concurrently.
    /// </summary>
    /// <param name="migrationBuilder">The migration. Whatever comes before this call is committed first.</param>
    /// <param name="name">The index.</param>
    /// <param name="definition">Table, columns and condition.</param>
    /// <param name="replaces">An index that is dropped afterwards, or null.</param>
    public static void CreateIndexConcurrently(
        this MigrationBuilder migrationBuilder, string name, string definition, string? replaces = null)
    {
        string[] statements =
        [
            "SET lock_timeout = 0;",
            $"DO $$ BEGIN IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('onex.{name}') AND NOT indisvalid) "
                + $"THEN ALTER INDEX onex.{name} RENAME TO {name}_invalid; END IF; END $$;",
            $"DROP INDEX CONCURRENTLY IF EXISTS onex.{name}_invalid;",
            $"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON onex.{definition};",
            .. replaces is null ? (string[])[] : [$"DROP INDEX CONCURRENTLY IF EXISTS onex.{replaces};"],
            "SET lock_timeout = '2s';",
        ];
        foreach (var statement in statements)
        {
            migrationBuilder.Sql(statement, suppressTransaction: true);
        }
    }
}
