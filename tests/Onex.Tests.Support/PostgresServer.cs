using System.Globalization;
using Npgsql;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>The shutdown mode of Postgres.</summary>
public enum PostgresStop
{
    /// <summary>Disconnects clients and writes a checkpoint.</summary>
    Fast,

    /// <summary>Like a crash: the next start recovers from the log.</summary>
    Immediate,
}

/// <summary>
/// A PostgreSQL for tests: <c>ONEX_TEST_POSTGRES</c> (an Npgsql connection string of a superuser) if set, else a private cluster on
/// loopback from the binaries of the machine. It requires a password, so that a wrong one is really rejected.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>The variable that names a server to use.</summary>
    public const string Variable = "ONEX_TEST_POSTGRES";

    private const string SuperUser = "onex";
    private const string SuperPassword = "correct horse battery staple";

    private static readonly Lazy<Task<PostgresServer>> _shared = new(() => Environment.GetEnvironmentVariable(Variable) switch
    {
        { Length: > 0 } given => Task.FromResult(new PostgresServer(new NpgsqlConnectionStringBuilder(given), null, null)),
        _ => StartPrivateAsync(),
    });

    private readonly NpgsqlConnectionStringBuilder _address;
    private readonly string? _directory;
    private readonly string? _reaperId;
    private readonly bool _isDurable;

    private PostgresServer(NpgsqlConnectionStringBuilder address, string? directory, string? reaperId, bool isDurable = false)
    {
        _address = address;
        _directory = directory;
        _reaperId = reaperId;
        _isDurable = isDurable;
    }

    /// <summary>The host on which it listens.</summary>
    public string Host => _address.Host!;

    /// <summary>The port on which it listens.</summary>
    public int Port => _address.Port;

    /// <summary>A superuser.</summary>
    public string User => _address.Username!;

    /// <summary>Its password.</summary>
    public string Password => _address.Password ?? "";

    /// <summary>The instance that all tests of this process share. It must not be stopped.</summary>
    public static Task<PostgresServer> SharedAsync() => _shared.Value;

    /// <summary>A private server, which the caller may stop. If the machine has no binaries, the test is skipped with the reason.</summary>
    public static Task<PostgresServer> StartOwnAsync()
    {
        Assert.SkipWhen(
            FindBinaries() is null,
            "Stops a PostgreSQL of its own, so it needs the binaries (initdb, pg_ctl) of PostgreSQL 14 or later on this machine.");
        return StartPrivateAsync();
    }

    /// <summary>
    /// A private server whose state at any past moment can be restored: see <see cref="BackupAsync"/> and <see cref="RestoreAsync"/>.
    /// </summary>
    public static async Task<PostgresServer> StartArchivingAsync()
    {
        var server = await StartOwnAsync();
        await RunAsServerUserAsync("mkdir", server.Archive);
        await server.ConfigureAsync("archive_mode = on", $"archive_command = 'cp %p {server.Archive}/%f'");
        await server.RestartAsync(PostgresStop.Fast);
        return server;
    }

    /// <summary>Starts a server for benchmarks: it writes every commit to the disk, as in production.</summary>
    public static Task<PostgresServer> StartDurableAsync() => StartPrivateAsync(isDurable: true);

    /// <summary>The connection string of a database.</summary>
    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(_address.ConnectionString) { Database = database }.ConnectionString;

    /// <summary>A new, empty database, dropped when it is disposed.</summary>
    public async Task<PostgresDatabase> CreateDatabaseAsync()
    {
        var name = Names.Next("onex_test");
        await ExecuteAsync($"CREATE DATABASE {name}");
        return new PostgresDatabase(this, name);
    }

    /// <summary>Stops it and keeps its data.</summary>
    public async Task StopAsync(PostgresStop mode) => await ControlAsync(
        "stop", "-m", mode == PostgresStop.Immediate ? "immediate" : "fast");

    /// <summary>Starts it again, on the same port.</summary>
    public async Task StartAsync() => await ControlAsync(
        "start", "-t", "60", "-l", Path.Combine(OwnDirectory, "log"), "-o", ServerOptions(Port, OwnDirectory, _isDurable));

    /// <summary>Stops it and starts it again.</summary>
    public async Task RestartAsync(PostgresStop mode)
    {
        await StopAsync(mode);
        await StartAsync();
    }

    /// <summary>Takes a base backup.</summary>
    public async Task BackupAsync() => (await RunAsync(
        "pg_basebackup", ["-d", LibpqAddress, "-D", Backup, "-X", "none", "-c", "fast", "--no-sync"])).OrThrow("pg_basebackup");

    /// <summary>Deletes the present data, and restores the state at a time from the base backup and the archived log.</summary>
    public async Task RestoreAsync(string time)
    {
        // The server archives only finished segments of the log. So this finishes the present one, and waits until all are archived.
        await ExecuteAsync("SELECT pg_switch_wal()");
        await Eventually.Async(
            () => Directory.EnumerateFiles(DataOf(OwnDirectory) + "/pg_wal/archive_status", "*.ready").Any() is false,
            TimeSpan.FromSeconds(30),
            () => "the log is not archived");
        await StopAsync(PostgresStop.Immediate);
        Directory.Delete(DataOf(OwnDirectory), recursive: true);
        Directory.Move(Backup, DataOf(OwnDirectory));
        await ConfigureAsync(
            $"restore_command = 'cp {Archive}/%f %p'", $"recovery_target_time = '{time}'", "recovery_target_action = 'promote'");
        await RunAsServerUserAsync("touch", Path.Combine(DataOf(OwnDirectory), "recovery.signal"));
        await StartAsync();
        await WaitUntilPrimaryAsync();
    }

    /// <summary>A standby that follows this server and confirms each of its commits.</summary>
    public async Task<PostgresServer> StartStandbyAsync()
    {
        var directory = Path.Combine(Path.GetTempPath(), Names.Next("onex-standby"));
        await CreateDirectoryAsync(directory);
        var data = DataOf(directory);
        var reaperId = Reaper.AtExit($"kill -QUIT $(head -n 1 {data}/postmaster.pid); sleep 0.5; rm -rf {directory}");
        (await RunAsync("pg_basebackup", ["-d", LibpqAddress, "-D", data, "-R", "-c", "fast", "--no-sync"])).OrThrow("pg_basebackup -R");
        var address = new NpgsqlConnectionStringBuilder(_address.ConnectionString) { Port = FreePort.Next() };
        var standby = new PostgresServer(address, directory, reaperId);
        await standby.StartAsync();
        await ConfigureAsync("synchronous_standby_names = '*'");
        await ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.Async(
            async () => await ScalarAsync("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
            TimeSpan.FromSeconds(30),
            () => "the standby does not follow");
        return standby;
    }

    /// <summary>Keeps the tables and indexes of databases that are created later on a disk of a given size.</summary>
    public async Task<SmallDisk> MoveNewDatabasesToDiskAsync(int mebibytes)
    {
        var directory = Path.Combine(OwnDirectory, "disk");
        await RunAsServerUserAsync("mkdir", directory);
        var disk = await SmallDisk.MountAsync(directory, ServerUser, mebibytes);
        await ExecuteAsync($"CREATE TABLESPACE small LOCATION '{directory}'");
        await ExecuteAsync("ALTER DATABASE template1 SET TABLESPACE small");
        return disk;
    }

    /// <summary>Makes a standby the primary.</summary>
    public async Task PromoteAsync()
    {
        // The new primary has no standby of its own, so no commit may wait for one, whatever settings the base backup has copied.
        await ConfigureAsync("synchronous_standby_names = ''");
        await ControlAsync("promote");
        await WaitUntilPrimaryAsync();
        await ExecuteAsync("SELECT pg_reload_conf()");
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_directory is null)
        {
            return;
        }

        await RunAsync("pg_ctl", ["stop", "-D", DataOf(_directory), "-m", "immediate"]);
        Directory.Delete(_directory, recursive: true);
        Reaper.Remove(_reaperId!);
    }

    internal async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(_address.Database ?? "postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private string Archive => Path.Combine(OwnDirectory, "archive");

    private string Backup => Path.Combine(OwnDirectory, "backup");

    private string LibpqAddress => $"host={Host} port={Port} user={User} password='{Password}'";

    private Task<TimeSpan> WaitUntilPrimaryAsync() => Eventually.Async(
        async () => await ScalarAsync("SELECT NOT pg_is_in_recovery()"), TimeSpan.FromSeconds(60), () => "the recovery does not end");

    private async Task<bool> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    // Later lines of the file override earlier ones.
    private Task ConfigureAsync(params string[] lines) =>
        File.AppendAllLinesAsync(Path.Combine(DataOf(OwnDirectory), "postgresql.auto.conf"), lines);

    private static async Task CreateDirectoryAsync(string directory) =>
        (await Shell.RunAsync("install", ["-d", "-m", "700", .. Shell.IsRoot ? (string[])["-o", ServerUser] : [], directory], null))
            .OrThrow("Making the directory of the test cluster");

    private static async Task RunAsServerUserAsync(params string[] command) => (Shell.IsRoot
        ? await Shell.RunAsync("runuser", ["-u", ServerUser, "--", .. command], null)
        : await Shell.RunAsync(command[0], command[1..], null)).OrThrow(command[0]);

    private string OwnDirectory => _directory ?? throw new InvalidOperationException("Only a server of the test's own may be stopped.");

    private static async Task<PostgresServer> StartPrivateAsync(bool isDurable = false)
    {
        Assert.SkipWhen(
            FindBinaries() is null,
            $"No PostgreSQL for tests: install it (apt-get install postgresql), or set {Variable} to the connection string of a superuser "
            + "(Host=127.0.0.1;Port=5432;Username=postgres;Password=...).");

        var directory = Path.Combine(Path.GetTempPath(), Names.Next("onex-postgres"));
        var data = DataOf(directory);
        await CreateDirectoryAsync(directory);

        // If the test process is killed, the reaper stops the server with this command.
        var reaperId = Reaper.AtExit($"kill -QUIT $(head -n 1 {data}/postmaster.pid); sleep 0.5; rm -rf {directory}");
        var passwordFile = Path.Combine(directory, "password");
        await File.WriteAllTextAsync(passwordFile, SuperPassword);
        if (Shell.IsRoot)
        {
            (await Shell.RunAsync("chown", ServerUser, passwordFile)).OrThrow("chown");
        }

        (await RunAsync(
            "initdb",
            ["-D", data, "-U", SuperUser, $"--pwfile={passwordFile}", "-A", "scram-sha-256", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync"]))
            .OrThrow("initdb");

        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort.Next();
            var address = new NpgsqlConnectionStringBuilder
            {
                Host = "127.0.0.1",
                Port = port,
                Username = SuperUser,
                Password = SuperPassword,
                Database = "postgres",
            };
            var server = new PostgresServer(address, directory, reaperId, isDurable);
            try
            {
                await server.StartAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 3)
            {
                // Another process took the port in the meantime.
            }
        }
    }

    // fsync protects against a crash of the machine, which no test simulates. Without it, a crash of the server alone loses nothing.
    private static string ServerOptions(int port, string directory, bool isDurable) => string.Join(
        ' ', "-h", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "-k", directory, "-c", isDurable
            ? "fsync=on"
            : "fsync=off",
        "-c max_connections=300 -c max_wal_size=2GB -c log_lock_waits=on -c timezone=UTC");

    private static string DataOf(string directory) => Path.Combine(directory, "data");

    private static string ServerUser { get; } =
        File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    private static string? FindBinaries()
    {
        const string Packaged = "/usr/lib/postgresql";
        var newest = Directory.Exists(Packaged)
            ? Directory.GetDirectories(Packaged)
                .Select(directory => Path.Combine(directory, "bin"))
                .Where(directory => File.Exists(Path.Combine(directory, "initdb")))
                .OrderByDescending(directory => int.TryParse(Path.GetFileName(Path.GetDirectoryName(directory)), out var major) ? major : 0)
                .FirstOrDefault()
            : null;
        return newest ?? (Shell.Which("pg_ctl") is { } found && Shell.Which("initdb") is not null ? Path.GetDirectoryName(found) : null);
    }

    private static Task<ProgramResult> RunAsync(string program, IReadOnlyList<string> arguments)
    {
        var path = Path.Combine(FindBinaries()!, program);

        // Runs in the root directory, because the user of the server may have no access to the directory of the caller.
        string[] command = [path, .. arguments];
        return Shell.IsRoot
            ? Shell.RunAsync("runuser", ["-u", ServerUser, "--", "sh", "-c", "cd / && exec \"$@\"", "sh", .. command], null)
            : Shell.RunAsync(command[0], command[1..], null);
    }

    private async Task ControlAsync(string verb, params string[] options) =>
        (await RunAsync("pg_ctl", [verb, "-w", "-D", DataOf(OwnDirectory), .. options])).OrThrow($"pg_ctl {verb}");
}
