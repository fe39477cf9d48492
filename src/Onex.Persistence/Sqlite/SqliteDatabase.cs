using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Onex.Persistence.Schema;

namespace Onex.Persistence.Sqlite;

/// <summary>
/// The database file, which this process locks from its opening until it is disposed of. One connection writes, one transaction at a time;
/// another one reads committed data and does not wait for writes. <c>sqlite3</c> may read the file at the same time.
/// </summary>
public sealed class SqliteDatabase(SqliteStoreSettings settings) : IDisposable
{
    /// <summary>The schema version that this build writes into a file. It rejects files with a higher one.</summary>
    public const int SchemaVersion = 3;

    // "onex" in ASCII. Distinguishes the files of Onex from those of other programs.
    private const int ApplicationId = 0x6F6E6578;
    private const int BusySeconds = 5;

    // How long a successful write by a probe counts as proof that the file is writable, unless a write fails.
    private static readonly TimeSpan _proofValidity = TimeSpan.FromSeconds(5);

    // Columns that files of earlier builds lack. The script adds none to a table that exists.
    private static readonly (string Table, string Column, string Definition)[] _addedColumns =
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
    private FileStream? _lockFile;
    private SqliteSession? _writer;
    private SqliteSession? _reader;
    private long? _provenAt;

    /// <summary>
    /// Creates the directory and the file if they are missing, locks the file, and updates its schema to this version. The first use does
    /// the same, so this call only reports problems earlier.
    /// </summary>
    /// <exception cref="StoreSetupException">The file cannot be used; the message contains the remedy.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await _opening.WaitAsync(cancellation);
        try
        {
            if (_lockFile is null)
            {
                await Task.Run(Open, cancellation);
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Runs work in one transaction that is on disk when this returns. The work must not keep the session.</summary>
    internal async Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellation)
    {
        await OpenForUseAsync(cancellation);
        await _writing.WaitAsync(cancellation);
        try
        {
            // Not cancelled after its start: it is short, and its outcome would be unknown.
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
    /// Checks that the file is writable, because reads succeed even when the disk is full or another program has locked the file. Takes the
    /// write lock each time, which is cheap, and writes a page periodically and after a failed write.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It is not writable.</exception>
    public Task ProbeAsync(CancellationToken cancellation) => WriteAsync(
        session =>
        {
            if (_provenAt is not { } at || Stopwatch.GetElapsedTime(at) >= _proofValidity)
            {
                session.Execute($"PRAGMA user_version = {SchemaVersion}");
                _provenAt = Stopwatch.GetTimestamp();
            }

            return true;
        },
        cancellation);

    /// <summary>Runs queries on committed data, all on the same snapshot.</summary>
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
        _lockFile?.Dispose();
        _writing.Dispose();
        _reading.Dispose();
        _opening.Dispose();
    }

    private async Task OpenForUseAsync(CancellationToken cancellation)
    {
        if (_lockFile is not null)
        {
            return;
        }

        try
        {
            await OpenAsync(cancellation);
        }
        catch (StoreSetupException error)
        {
            throw new StoreUnavailableException(error.Message, error);
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
                Rollback(session);
                throw;
            }

            return result;
        }
        catch (SqliteException error) when (!SqliteErrors.IsInvalidData(error))
        {
            if (!SqliteErrors.IsBusy(error))
            {
                // A connection may have stale state after a disk failure, so the next use opens a new one.
                session?.Dispose();
                session = null;
            }

            throw SqliteErrors.Unavailable(error, _path);
        }
    }

    // After some errors SQLite rolls back by itself; then ROLLBACK fails because there is no transaction.
    private static void Rollback(SqliteSession session)
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
        var lockFile = Lock();
        try
        {
            _writer = Connect(SqliteOpenMode.ReadWriteCreate);
            Prepare(_writer);
            _lockFile = lockFile;
        }
        catch (SqliteException error)
        {
            throw new StoreSetupException(SqliteErrors.Describe(error, _path), error);
        }
        finally
        {
            if (_lockFile is null)
            {
                _writer?.Dispose();
                _writer = null;
                lockFile.Dispose();
            }
        }
    }

    // Locks a file beside the database until that file is closed. The database's own locks would let another process write between
    // transactions, and both would then decide and send the same messages.
    private FileStream Lock()
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
                $"Another process uses {_path}, and a SQLite file serves only one: stop that process, or give this one its own directory "
                + "(ONEX_DATA_DIR). Several processes can share PostgreSQL (ONEX_STORE=postgres).",
                error);
        }
    }

    private static StoreSetupException NotWritable(string directory, Exception error) => new(
        $"The directory {directory} cannot be created or written to ({error.Message}): give user '{Environment.UserName}' write access, "
        + "or set ONEX_DATA_DIR to a writable directory.",
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

            // FULL: a commit is on disk when it returns. In WAL mode, NORMAL would lose the last commits in a power failure.
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
            """
            SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id),
                (SELECT count(*) FROM sqlite_schema)
            """,
            row => (row.Integer(0), row.Integer(1), row.Integer(2)))[0];
        if (tables > 0 && application != ApplicationId)
        {
            throw new StoreSetupException(
                $"The file {_path} is a SQLite database of another program: set ONEX_DATA_DIR to another directory.");
        }

        if (version > SchemaVersion)
        {
            throw new StoreSetupException(
                $"The schema of {_path} is newer than this version of onex (it has {version.ToString(CultureInfo.InvariantCulture)}, "
                + $"this version knows {SchemaVersion}): run the version that created it, or a later one.");
        }

        var mode = session.Query("PRAGMA journal_mode = WAL", row => row.Text(0))[0];
        if (mode != "wal")
        {
            throw new StoreSetupException(
                $"The file {_path} cannot be used in WAL mode (it is in mode '{mode}'): set ONEX_DATA_DIR to a directory on a local disk.");
        }

        session.Execute("BEGIN IMMEDIATE");

        // Version 1 had no lapsed attempts, version 2 no parked ones, and SQLite cannot change a table's check constraint: the
        // table is created again.
        var isLedgerOld = version is 1 or 2;
        if (isLedgerOld)
        {
            session.Execute("ALTER TABLE effect_ledger RENAME TO effect_ledger_old");
        }

        session.Execute(ReadScript());
        if (isLedgerOld)
        {
            session.Execute(
                "INSERT INTO effect_ledger (command_id, saga_id, step, operation, attempt, lease_token, leased_until, claimed_at, outcome, "
                + "result, recorded_at) SELECT * FROM effect_ledger_old; DROP TABLE effect_ledger_old");
        }

        foreach (var (table, column, definition) in _addedColumns)
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

    private static string ReadScript()
    {
        using var stream = typeof(SqliteDatabase).Assembly.GetManifestResourceStream("Onex.Persistence.Sqlite.schema.sql")
            ?? throw new InvalidOperationException("The script of the schema is not in the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
