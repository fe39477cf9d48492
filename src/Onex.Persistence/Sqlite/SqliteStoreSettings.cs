namespace Onex.Persistence.Sqlite;

/// <summary>The database file of an embedded runtime: one process that hosts every role.</summary>
/// <param name="Path">The file. It and its directory are created if missing. SQLite and the runtime create further files beside it.</param>
public sealed record SqliteStoreSettings(string Path)
{
    /// <inheritdoc />
    public override string ToString() => Path;
}
