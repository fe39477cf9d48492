using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Schema;

/// <summary>The state of the database's schema.</summary>
/// <param name="Applied">Migrations that the database has, in order.</param>
/// <param name="Pending">Migrations that this binary would apply, in order.</param>
/// <param name="Unknown">Applied migrations that this binary does not know.</param>
public sealed record MigrationStatus(IReadOnlyList<string> Applied, IReadOnlyList<string> Pending, IReadOnlyList<string> Unknown);

/// <summary>
/// Migrates the database's schema to this binary's version. All methods that use the database throw <see cref="StoreSetupException"/>.
/// </summary>
public sealed class Migrator(NpgsqlDataSource dataSource, StoreSettings settings, TimeProvider time, ILogger<Migrator> logger)
{
    // "onex" in ASCII. Advisory locks are per database.
    private const long LockKey = 0x6F6E6578;

    // The last migration of the builds before the first release. It led to the tables that the first migration creates now.
    private const string LastBeforeRelease = "20261130000831_HaltedSagas";

    private static readonly TimeSpan _lockPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _commandTimeout = TimeSpan.FromHours(1);

    /// <summary>What this binary needs to find in the database.</summary>
    public ExpectedSchema Expected
    {
        get
        {
            using var context = CreateContext();
            var model = context.Model.GetRelationalModel();
            return new ExpectedSchema(
                context.Database.GetMigrations().Last(),
                [
                    .. model.Tables.SelectMany(table => table.Columns.Select(column => (table.Name, column.Name))),
                    .. model.Views.SelectMany(view => view.Columns.Select(column => (view.Name, column.Name))),

                    // The tables behind the views.
                    ("saga_transitions", "saga_id"),
                    ("outbox_batches", "seq"),
                ]);
        }
    }

    /// <summary>
    /// Applies pending migrations and creates history partitions. Of several processes that start at once, one migrates and the others wait
    /// for it. Returns the migrations that this call applied.
    /// </summary>
    public Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellation) => WithRemedyAsync<IReadOnlyList<string>>(async () =>
    {
        await using var context = CreateContext();

        // Opened here, so that lock and migrations share a session.
        await context.Database.OpenConnectionAsync(cancellation);
        await LockAsync(context, cancellation);
        try
        {
            var status = await ReadAsync(context, cancellation);
            RejectForeign(status);
            if (status.Pending.Count > 0)
            {
                Log.Migrating(logger, string.Join(", ", status.Pending));

                // Short, because a waiting lock request blocks all later ones, those of running orchestrators included.
                await context.Database.ExecuteSqlRawAsync("SET lock_timeout = '2s'", cancellation);
                await context.Database.MigrateAsync(cancellation);
            }

            await HistoryPartitions.CreateAsync(dataSource, logger, cancellation);
            await WarnOfAsynchronousCommitAsync(context, cancellation);
            return status.Pending;
        }
        finally
        {
            // The session outlives this use, because the connection returns to the pool.
            await context.Database.ExecuteSqlAsync($"RESET lock_timeout; SELECT pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    });

    /// <summary>Compares the database with this binary, changing nothing.</summary>
    public Task<MigrationStatus> StatusAsync(CancellationToken cancellation) => WithRemedyAsync(async () =>
    {
        await using var context = CreateContext();
        await context.Database.OpenConnectionAsync(cancellation);
        return await ReadAsync(context, cancellation);
    });

    /// <summary>Throws if the schema is not exactly this binary's, for a start that may not migrate.</summary>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        var status = await StatusAsync(cancellation);
        RejectForeign(status);
        if (status.Pending.Count > 0)
        {
            throw new StoreSetupException(
                $"The schema of {settings} is older than this version of onex (missing: {string.Join(", ", status.Pending)}): "
                + "run 'onex db migrate', or set ONEX_DB_AUTO_MIGRATE=true.");
        }
    }

    private string FirstMigration => Migrations()[0];

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
        var logged = false;
        while (!await context.Database.SqlQuery<bool>($"SELECT pg_try_advisory_lock({LockKey}) AS \"Value\"").SingleAsync(cancellation))
        {
            if (!logged)
            {
                Log.MigrationWaits(logger);
                logged = true;
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

    private void RejectForeign(MigrationStatus status)
    {
        if (status.Unknown is [.., var last] && string.CompareOrdinal(last, FirstMigration) < 0)
        {
            throw new StoreSetupException(
                $"The schema of {settings} was created by a build before the first release (it has {string.Join(", ", status.Unknown)}), "
                + "whose migrations were merged into one: "
                + (last == LastBeforeRelease
                    ? $"its tables are the same, so run DELETE FROM {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable}; "
                        + $"INSERT INTO {OnexDbContext.Schema}.{OnexDbContext.MigrationsTable} VALUES ('{FirstMigration}', '10.0.0');"
                    : "run 'onex db migrate' of the last build before this one, or create a new database."));
        }

        if (status.Unknown.Count > 0)
        {
            throw new StoreSetupException(
                $"The schema of {settings} is newer than this version of onex (it has {string.Join(", ", status.Unknown)}): "
                + "run the version that migrated it, or a later one.");
        }
    }

    // Offsets advance after a commit. If a crash of the server then loses the commit, the records that it handled are not read again.
    private async Task WarnOfAsynchronousCommitAsync(OnexDbContext context, CancellationToken cancellation)
    {
        var mode = await context.Database
            .SqlQuery<string>($"SELECT current_setting('synchronous_commit') AS \"Value\"")
            .SingleAsync(cancellation);
        if (mode == "off")
        {
            Log.AsynchronousCommit(logger, settings);
        }
    }

    private async Task<T> WithRemedyAsync<T>(Func<Task<T>> work)
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
