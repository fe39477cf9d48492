using Microsoft.Data.Sqlite;

namespace Onex.Persistence.Sqlite;

/// <summary>Classifies errors of SQLite, and describes them with their remedies.</summary>
internal static class SqliteErrors
{
    // The primary result codes: https://www.sqlite.org/rescode.html
    private const int Permission = 3;
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int InputOutput = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int TooBig = 18;
    private const int Constraint = 19;
    private const int Mismatch = 20;
    private const int NotADatabase = 26;

    /// <summary>The values of the statement are invalid.</summary>
    public static bool IsInvalidData(SqliteException error) => error.SqliteErrorCode is TooBig or Constraint or Mismatch;

    /// <summary>Another connection, normally of another program, has locked the database; this one stays usable.</summary>
    public static bool IsBusy(SqliteException error) => error.SqliteErrorCode is Busy or Locked;

    /// <summary>The exception that callers of the stores get.</summary>
    public static StoreUnavailableException Unavailable(SqliteException error, string path) => new(Describe(error, path), error);

    /// <summary>Describes the error and its remedy in one line.</summary>
    public static string Describe(SqliteException error, string path)
    {
        var directory = Path.GetDirectoryName(path);
        return error.SqliteErrorCode switch
        {
            Busy or Locked => $"The database {path} is locked by another program (sqlite3 with an open transaction?): end it there.",
            Full => $"The disk that holds {path} is full: free some space, and the runtime continues by itself.",
            Corrupt or NotADatabase =>
                $"The file {path} is not a SQLite database, or is damaged: restore a backup, or move the file away to start empty "
                + "(its sagas are lost then; 'sqlite3 FILE .recover' may save some).",
            ReadOnly or Permission or CannotOpen =>
                $"The file {path} cannot be opened for writing: give this process's user write access to it and to directory {directory}, "
                + "or set ONEX_DATA_DIR to a writable one.",
            InputOutput => $"The file {path} cannot be read or written ({error.Message}): check the disk and that nobody moved the file.",
            _ => $"The database {path} failed: {error.Message}",
        };
    }
}
