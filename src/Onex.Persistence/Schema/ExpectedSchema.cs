namespace Onex.Persistence.Schema;

/// <summary>What this version needs to find in the database: <see cref="Migrator.Expected"/>.</summary>
/// <param name="LatestMigration">Its last migration.</param>
/// <param name="Columns">Every column of its tables and of the views that it reads.</param>
public sealed record ExpectedSchema(string LatestMigration, IReadOnlyList<(string Table, string Column)> Columns);
