using Microsoft.Extensions.Logging;
using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>
/// Runs commands that can be postponed. They wait for a lock only briefly, because a waiting lock request blocks all later ones, and a
/// backup or a report may hold its lock for hours.
/// </summary>
internal static partial class MaintenanceCommand
{
    // Short, so that readers of the history do not notice the wait, even for several locks one after the other.
    private const string LimitLockWait = "SELECT set_config('lock_timeout', '200ms', true)";

    // The begin of another user's transaction is hidden from a user without pg_read_all_stats.
    private const string Holders = """
        SELECT string_agg(DISTINCT format('%s (pid %s)', coalesce(nullif(a.application_name, ''), a.usename, 'a session'), a.pid), ', ')
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation
        WHERE l.granted AND c.relnamespace = to_regnamespace('onex') AND l.pid <> pg_backend_pid()
            AND coalesce(a.xact_start, '-infinity') < clock_timestamp() - interval '200 ms'
        """;

    /// <summary>
    /// Runs a command and returns the number that it selects; null if a lock was not available, so that nothing happened. The log then says
    /// what is postponed, and which transactions hold locks on tables of Onex.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database cannot be reached.</exception>
    public static async Task<int?> TryAsync(
        NpgsqlDataSource dataSource, string what, NpgsqlBatchCommand command, ILogger logger, CancellationToken cancellation)
    {
        try
        {
            return await dataSource.RunAsync<int?>(
                [new NpgsqlBatchCommand(LimitLockWait), command],
                async reader =>
                {
                    await reader.NextResultAsync(cancellation);
                    await reader.ReadAsync(cancellation);
                    return reader.GetInt32(0);
                },
                cancellation,
                contentionRetries: 0);
        }
        catch (StoreUnavailableException unavailable) when (unavailable.InnerException is { } error && StoreErrors.IsContention(error))
        {
            var holders = await HoldersAsync(dataSource, cancellation) ?? "unknown, or already ended";
            Postponed(logger, what, StoreErrors.Describe(error), holders);
            return null;
        }
    }

    private static Task<string?> HoldersAsync(NpgsqlDataSource dataSource, CancellationToken cancellation) => dataSource.RunAsync(
        [new NpgsqlBatchCommand(Holders)],
        async reader =>
        {
            await reader.ReadAsync(cancellation);
            return await reader.IsDBNullAsync(0, cancellation) ? null : reader.GetString(0);
        },
        cancellation);

    /// <summary>End the named transactions if this comes often.</summary>
    [LoggerMessage(
        5012, LogLevel.Warning,
        "{What} is postponed until the next maintenance, because a lock was not available: {Reason}. Open transactions on the tables: "
        + "{Holders}. Nothing else waits for it.")]
    private static partial void Postponed(ILogger logger, string what, string reason, string holders);
}
