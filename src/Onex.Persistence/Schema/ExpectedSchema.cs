namespace Onex.Persistence.Schema;

/// <summary>What this version needs to find in the database: <see cref="Migrator.Expected"/>.</summary>
/// <param name="LatestMigration">The last migration that this version knows.</param>
/// <param name="Columns">Every column of its mapped tables and views, and one of each table behind a view.</param>
public sealed record ExpectedSchema(string LatestMigration, IReadOnlyList<(string Table, string Column)> Columns);
