using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schema;

namespace Onex.Persistence.Sqlite;

/// <summary>
/// The file, held by this process alone from its opening to the end. One connection writes, transaction after transaction; another reads what
/// is committed, without waiting for it. Whoever looks at the file with <c>sqlite3</c> reads besides.
/// </summary>
public sealed class SqliteDatabase(SqliteStoreSettings settings) : IDisposable
{
    /// <summary>What this version writes into a file as its schema's version. A file with a higher one is refused.</summary>
    public const int SchemaVersion = 2;

    // "onex" in ASCII: tells our files from those of other programs.
    private const int ApplicationId = 0x6F6E6578;
    private const int BusySeconds = 5;

    // How long a page that was written proves that pages can be written, while no write fails.
    private static readonly TimeSpan _proof = TimeSpan.FromSeconds(5);

    // What files of earlier builds lack: the script makes tables that are missing, never columns.
    private static readonly (string Table, string Column, string Definition)[] _added =
    [
        ("dead_letters", "key", "TEXT"),
        ("dead_letters", "headers", "TEXT"),
        ("dead_letters", "error_type", "TEXT NOT NULL DEFAULT ''"),
        ("dead_letters", "retry_count", "INTEGER NOT NULL DEFAULT 0"),
        ("dead_letters", "status", "TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'redriven', 'discarded'))"),
        ("dead_letters", "redrives", "INTEGER NOT NULL DEFAULT 0"),
        ("dead_letters", "decision_id", "TEXT"),
        ("dead_letters", "decided_at", "TEXT"),
        ("dead_letters", "decided_by", "TEXT"),
        ("dead_letters", "decision_reason", "TEXT"),
        ("schedules", "removed_at", "TEXT"),
        ("sagas", "request_hash", "TEXT"),
        ("inbox", "request_hash", "TEXT"),
        ("early_events", "request_hash", "TEXT"),
    ];

    private readonly string _path = Path.GetFullPath(settings.Path);
    private readonly SemaphoreSlim _writing = new(1);
    private readonly SemaphoreSlim _reading = new(1);
    private readonly SemaphoreSlim _opening = new(1);
    private FileStream? _held;
    private SqliteSession? _writer;
    private SqliteSession? _reader;
    private long? _provenAt;

    /// <summary>
    /// Makes the directory and the file if they are missing, takes the file for this process, and brings its schema up to this version. Needed
    /// by nobody who does not want to know early: the first use opens it too.
    /// </summary>
    /// <exception cref="StoreSetupException">It cannot be used; the message says what to do.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await _opening.WaitAsync(cancellation);
        try
        {
            if (_held is null)
            {
                await Task.Run(Open, cancellation);
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Runs work in one transaction that is durable when it returns. The work may be given a connection of its own only for this time.</summary>
    internal async Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellation)
    {
        await OpenForUseAsync(cancellation);
        await _writing.WaitAsync(cancellation);
        try
        {
            // Not cancelled once it has begun: it is short, and its outcome would be unknown.
            return await Task.Run(() => Run(ref _writer, "BEGIN IMMEDIATE", work), CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            _provenAt = null;
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Proves that the file takes writes: reading goes on when the disk is full or someone else has locked it. Takes the lock each time, which
    /// costs nothing; writes a page now and then, and whenever a write has failed before.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It does not.</exception>
    public Task ProbeAsync(CancellationToken cancellation) => WriteAsync(
        session =>
        {
            if (_provenAt is not { } at || Stopwatch.GetElapsedTime(at) >= _proof)
            {
                session.Execute($"PRAGMA user_version = {SchemaVersion}");
                _provenAt = Stopwatch.GetTimestamp();
            }

            return true;
        },
        cancellation);

    /// <summary>Runs queries on what is committed, all on the same state of it.</summary>
    internal async Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellation)
    {
        await OpenForUseAsync(cancellation);
        await _reading.WaitAsync(cancellation);
        try
        {
            return await Task.Run(() => Run(ref _reader, "BEGIN", work), CancellationToken.None);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _reader?.Dispose();
        _writer?.Dispose();
        _held?.Dispose();
        _writing.Dispose();
        _reading.Dispose();
        _opening.Dispose();
    }

    private async Task OpenForUseAsync(CancellationToken cancellation)
    {
        if (_held is not null)
        {
            return;
        }

        try
        {
            await OpenAsync(cancellation);
        }
        catch (StoreSetupException wrong)
        {
            throw new StoreUnavailableException(wrong.Message, wrong);
        }
    }

    private T Run<T>(ref SqliteSession? session, string begin, Func<SqliteSession, T> work)
    {
        try
        {
            session ??= Connect(SqliteOpenMode.ReadWrite);
            session.Execute(begin);
            T result;
            try
            {
                result = work(session);
                session.Execute("COMMIT");
            }
            catch
            {
                Undo(session);
                throw;
            }

            return result;
        }
        catch (SqliteException error) when (!SqliteErrors.IsData(error))
        {
            if (!SqliteErrors.IsBusy(error))
            {
                // A connection that saw the disk fail may believe in what is no longer so: the next use has a fresh one.
                session?.Dispose();
                session = null;
            }

            throw SqliteErrors.Unavailable(error, _path);
        }
    }

    // After some errors SQLite has rolled back by itself, and says that there is nothing to roll back.
    private static void Undo(SqliteSession session)
    {
        try
        {
            session.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
        }
    }

    private void Open()
    {
        var held = Hold();
        try
        {
            _writer = Connect(SqliteOpenMode.ReadWriteCreate);
            Prepare(_writer);
            _held = held;
        }
        catch (SqliteException error)
        {
            throw new StoreSetupException(SqliteErrors.Say(error, _path), error);
        }
        finally
        {
            if (_held is null)
            {
                _writer?.Dispose();
                _writer = null;
                held.Dispose();
            }
        }
    }

    // A file beside the database, locked for as long as this process lives, however it ends: the database's own locks let others write
    // between our transactions, and a second process would send and decide what the first one has in hand.
    private FileStream Hold()
    {
        var directory = Path.GetDirectoryName(_path)!;
        var path = $"{_path}.lock";
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(directory, error);
        }

        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is UnauthorizedAccessException || !File.Exists(path))
        {
            throw NotWritable(directory, error);
        }
        catch (IOException error)
        {
            throw new StoreSetupException(
                $"Another process uses {_path}, and a SQLite file is for one: stop that process, or give this one a directory of its own "
                + "(ONEX_DATA_DIR). Several processes share PostgreSQL (ONEX_STORE=postgres).",
                error);
        }
    }

    private static StoreSetupException NotWritable(string directory, Exception error) => new(
        $"The directory {directory} cannot be made or written to ({error.Message}): give user '{Environment.UserName}' the right to, "
        + "or set ONEX_DATA_DIR to a directory where it may write.",
        error);

    private SqliteSession Connect(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ConnectionString);
        var session = new SqliteSession(connection);
        try
        {
            connection.Open();
            session.Execute($"PRAGMA busy_timeout = {BusySeconds * 1000}");

            // FULL: a commit is on the disk when it returns. In WAL mode NORMAL would lose the last ones with the power.
            session.Execute("PRAGMA synchronous = FULL");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private void Prepare(SqliteSession session)
    {
        var (version, application, tables) = session.Query(
            "SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)",
            row => (row.Integer(0), row.Integer(1), row.Integer(2)))[0];
        if (tables > 0 && application != ApplicationId)
        {
            throw new StoreSetupException($"The file {_path} is a SQLite database of another program: set ONEX_DATA_DIR to another directory.");
        }

        if (version > SchemaVersion)
        {
            throw new StoreSetupException(
                $"The schema of {_path} is newer than this version of onex (it has {version.ToString(CultureInfo.InvariantCulture)}, "
                + $"this version knows {SchemaVersion}): run the version that made it, or a later one.");
        }

        var mode = session.Query("PRAGMA journal_mode = WAL", row => row.Text(0))[0];
        if (mode != "wal")
        {
            throw new StoreSetupException(
                $"The file {_path} cannot be used in WAL mode (it is in mode '{mode}'): set ONEX_DATA_DIR to a directory on a local disk.");
        }

        session.Execute("BEGIN IMMEDIATE");
        if (version == 1)
        {
            // It knew no lapsed attempts, and SQLite changes no check of a table that exists.
            session.Execute("ALTER TABLE effect_ledger RENAME TO effect_ledger_1");
        }

        session.Execute(Script());
        if (version == 1)
        {
            session.Execute("INSERT INTO effect_ledger SELECT * FROM effect_ledger_1; DROP TABLE effect_ledger_1");
        }

        foreach (var (table, column, definition) in _added)
        {
            if (!session.Exists("SELECT 1 FROM pragma_table_info($1) WHERE name = $2", table, column))
            {
                session.Execute($"ALTER TABLE {table} ADD COLUMN {column} {definition}");
            }
        }

        session.Execute($"PRAGMA application_id = {ApplicationId}");
        session.Execute($"PRAGMA user_version = {SchemaVersion}");
        session.Execute("COMMIT");
    }

    private static string Script()
    {
        using var stream = typeof(SqliteDatabase).Assembly.GetManifestResourceStream("Onex.Persistence.Sqlite.schema.sql")
            ?? throw new InvalidOperationException("The script of the schema is not in the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
