using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Persistence.Postgres;

namespace Onex.Persistence.Maintenance;

/// <summary>
/// Runs what may as well be done later. It waits for a lock only for a moment: whoever waits for a lock holds up everyone who comes after, and a
/// backup or a report has its own for hours.
/// </summary>
internal static partial class MaintenanceCommand
{
    // With what must be waited for, one lock after the other, this stays below what a reader of history notices.
    private const string BoundLocks = "SELECT set_config('lock_timeout', '200ms', true)";

    // A session's application_name is hidden from those who are not its user.
    private const string Holders = """
        SELECT string_agg(DISTINCT format('%s (pid %s)', coalesce(nullif(a.application_name, ''), a.usename, 'a session'), a.pid), ', ')
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation
        WHERE l.granted AND c.relnamespace = to_regnamespace('onex') AND l.pid <> pg_backend_pid() AND a.xact_start < clock_timestamp() - interval '200 ms'
        """;

    /// <summary>
    /// Runs a command and answers the number that it gives; null if a lock was not got, so that nothing has happened. Then the log says so, and who
    /// holds one.
    /// </summary>
    /// <exception cref="Sagas.StoreUnavailableException">The database cannot be reached.</exception>
    public static async Task<int?> TryAsync(
        NpgsqlDataSource dataSource, string what, NpgsqlBatchCommand command, ILogger logger, CancellationToken cancellation)
    {
        try
        {
            return await dataSource.RunAsync<int?>(
                [new NpgsqlBatchCommand(BoundLocks), command],
                async reader =>
                {
                    await reader.NextResultAsync(cancellation);
                    await reader.ReadAsync(cancellation);
                    return reader.GetInt32(0);
                },
                cancellation,
                contentionRetries: 0);
        }
        catch (PostgresException error) when (StoreErrors.IsContention(error))
        {
            PutOff(logger, what, StoreErrors.Describe(error), await HoldersAsync(dataSource, cancellation) ?? "unknown, or gone by now");
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

    /// <summary>End the transactions that are named, if this comes often.</summary>
    [LoggerMessage(
        5012, LogLevel.Warning,
        "{What} is postponed until the next maintenance, because a lock was not available: {Reason}. Open transactions on the tables: {Holders}. Nothing else waits for it.")]
    private static partial void PutOff(ILogger logger, string what, string reason, string holders);
}
