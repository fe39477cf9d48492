namespace Onex.Persistence.Sqlite;

/// <summary>Where the runtime's own database is, when it is a file: for one process, which hosts every role.</summary>
/// <param name="Path">The file; it and its directory are made if they are missing. Beside it appear files that SQLite and the runtime need.</param>
public sealed record SqliteStoreSettings(string Path)
{
    /// <inheritdoc />
    public override string ToString() => Path;
}
