using Microsoft.Data.Sqlite;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Sqlite;

/// <summary>What an error of SQLite means to us, and what a person can do about it.</summary>
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

    /// <summary>The values are at fault.</summary>
    public static bool IsData(SqliteException error) => error.SqliteErrorCode is TooBig or Constraint or Mismatch;

    /// <summary>Someone else holds the file for a moment; the connection is as good as before.</summary>
    public static bool IsBusy(SqliteException error) => error.SqliteErrorCode is Busy or Locked;

    /// <summary>As the seam's callers see it.</summary>
    public static StoreUnavailableException Unavailable(SqliteException error, string path) => new(Say(error, path), error);

    /// <summary>One line that says what is wrong and what to do.</summary>
    public static string Say(SqliteException error, string path)
    {
        var directory = Path.GetDirectoryName(path);
        return error.SqliteErrorCode switch
        {
            Busy or Locked => $"The database {path} is locked by another program (sqlite3 with an open transaction?): end it there.",
            Full => $"The disk that holds {path} is full: make room; the work goes on by itself then.",
            Corrupt or NotADatabase =>
                $"The file {path} is no SQLite database, or is damaged: put a backup in its place, or move it away to begin anew "
                + "(its sagas are lost then; 'sqlite3 FILE .recover' may save some).",
            ReadOnly or Permission or CannotOpen =>
                $"The file {path} cannot be opened for writing: give this process's user the right to write to it and to the directory {directory}, "
                + "or set ONEX_DATA_DIR to one where it has.",
            InputOutput => $"The file {path} cannot be read or written ({error.Message}): check the disk and that nobody moved the file.",
            _ => $"The database {path} failed: {error.Message}",
        };
    }
}
