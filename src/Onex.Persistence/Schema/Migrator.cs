using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>What the database's schema is at.</summary>
/// <param name="Applied">Migrations that the database has, in order.</param>
/// <param name="Pending">Migrations that this binary would add, in order.</param>
/// <param name="Unknown">Applied migrations that this binary does not know: the schema is newer than it.</param>
public sealed record MigrationStatus(IReadOnlyList<string> Applied, IReadOnlyList<string> Pending, IReadOnlyList<string> Unknown);

/// <summary>Brings the database's schema up to this binary. All methods throw <see cref="StoreSetupException"/> and say what to do.</summary>
public sealed class Migrator(NpgsqlDataSource dataSource, StoreSettings settings, TimeProvider time, ILogger<Migrator> logger)
{
    // "onex" in ASCII. Advisory locks are per database.
    private const long LockKey = 0x6F6E6578;

    // Builds before the first release had migrations of their own. The last one left the tables that the first one of today creates.
    private const string LastBeforeFirst = "20261129090018_RequestHashes";

    private static readonly TimeSpan _lockPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _commandTimeout = TimeSpan.FromHours(1);

    /// <summary>The last migration of this binary.</summary>
    public string Latest => Migrations()[^1];

    /// <summary>
    /// Adds what is missing and makes history partitions ahead. Of several processes that start at once, one migrates and the others
    /// wait for it. Answers the migrations that it added.
    /// </summary>
    public Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellation) => SayWhatToDoAsync<IReadOnlyList<string>>(async () =>
    {
        await using var context = CreateContext();

        // Opened by hand, so that lock and migrations share a session.
        await context.Database.OpenConnectionAsync(cancellation);
        await LockAsync(context, cancellation);
        try
        {
            var status = await ReadAsync(context, cancellation);
            RefuseForeign(status);
            if (status.Pending.Count > 0)
            {
                Log.Migrating(logger, string.Join(", ", status.Pending));

                // Whoever waits for a lock holds up everyone who comes after, the mains of before among them: rather not now.
                await context.Database.ExecuteSqlRawAsync("SET lock_timeout = '2s'", cancellation);
                await context.Database.MigrateAsync(cancellation);
            }

            await HistoryPartitions.MakeAsync(dataSource, logger, cancellation);
            await WarnOfLossAsync(context, cancellation);
            return status.Pending;
        }
        finally
        {
            // The connection goes back to the pool, and its session lives on.
            await context.Database.ExecuteSqlAsync($"RESET lock_timeout; SELECT pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    });

    /// <summary>Compares the database with this binary, changing nothing.</summary>
    public Task<MigrationStatus> StatusAsync(CancellationToken cancellation) => SayWhatToDoAsync(async () =>
    {
        await using var context = CreateContext();
        await context.Database.OpenConnectionAsync(cancellation);
        return await ReadAsync(context, cancellation);
    });

    /// <summary>Refuses a schema that is not exactly this binary's: for a start that may not migrate.</summary>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        var status = await StatusAsync(cancellation);
        RefuseForeign(status);
        if (status.Pending.Count > 0)
        {
            throw new StoreSetupException(
                $"The schema of {settings} is older than this version of onex (missing: {string.Join(", ", status.Pending)}): "
                + "run 'onex db migrate', or set ONEX_DB_AUTO_MIGRATE=true.");
        }
    }

    private string First => Migrations()[0];

    private string[] Migrations()
    {
        using var context = CreateContext();
        return [.. context.Database.GetMigrations()];
    }

    private OnexDbContext CreateContext()
    {
        var context = new OnexDbContextFactory(dataSource).CreateDbContext();
        context.Database.SetCommandTimeout(_commandTimeout);
        return context;
    }

    private async Task LockAsync(OnexDbContext context, CancellationToken cancellation)
    {
        var told = false;
        while (!await context.Database.SqlQuery<bool>($"SELECT pg_try_advisory_lock({LockKey}) AS \"Value\"").SingleAsync(cancellation))
        {
            if (!told)
            {
                Log.MigrationWaits(logger);
                told = true;
            }

            await Task.Delay(_lockPause, time, cancellation);
        }
    }

    private static async Task<MigrationStatus> ReadAsync(OnexDbContext context, CancellationToken cancellation)
    {
        string[] known = [.. context.Database.GetMigrations()];
        string[] applied = [.. await context.Database.GetAppliedMigrationsAsync(cancellation)];
        return new MigrationStatus(applied, [.. known.Except(applied)], [.. applied.Except(known)]);
    }

    private void RefuseForeign(MigrationStatus status)
    {
        if (status.Unknown is [.., var last] && string.CompareOrdinal(last, First) < 0)
        {
            throw new StoreSetupException(
                $"The schema of {settings} was made by a build before the first release (it has {string.Join(", ", status.Unknown)}), whose "
                + "migrations have become one since: "
                + (last == LastBeforeFirst
                    ? $"its tables are the same, so run DELETE FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable}; "
                        + $"INSERT INTO {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} VALUES ('{First}', '10.0.0');"
                    : "run 'onex db migrate' of the last build before this one, or create a new database."));
        }

        if (status.Unknown.Count > 0)
        {
            throw new StoreSetupException(
                $"The schema of {settings} is newer than this version of onex (it has {string.Join(", ", status.Unknown)}): "
                + "run the version that migrated it, or a later one.");
        }
    }

    // Offsets move on after a commit: a commit that the server may forget takes its messages with it.
    private async Task WarnOfLossAsync(OnexDbContext context, CancellationToken cancellation)
    {
        var mode = await context.Database.SqlQuery<string>($"SELECT current_setting('synchronous_commit') AS \"Value\"").SingleAsync(cancellation);
        if (mode == "off")
        {
            Log.AsynchronousCommit(logger, settings);
        }
    }

    private async Task<T> SayWhatToDoAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception error) when (StoreSetupException.From(error, settings) is not null)
        {
            throw StoreSetupException.From(error, settings)!;
        }
    }
}
