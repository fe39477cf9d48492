using Onex.Persistence.Schedules;

namespace Onex.Persistence.Sqlite;

/// <summary>Schedules in SQLite.</summary>
internal sealed class SqliteScheduleStore(SqliteDatabase database, TimeProvider time) : IScheduleStore
{
    public Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation) =>
        database.WriteAsync<IReadOnlyList<DateTimeOffset>>(
            session =>
            {
                // Whole seconds keep the times of an "every" readable.
                var now = time.GetUtcNow();
                var begin = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond));
                var active = session.Query(
                    "SELECT contract, times FROM schedules WHERE removed_at IS NULL", row => new ScheduleName(row.Text(0), row.Text(1)));
                foreach (var (contract, times) in active.Except(schedules))
                {
                    session.Execute("UPDATE schedules SET removed_at = $3 WHERE contract = $1 AND times = $2", contract, times, now);
                }

                foreach (var (contract, times) in schedules)
                {
                    session.Execute(
                        """
                        INSERT INTO schedules (contract, times, last_due_at, updated_at) VALUES ($1, $2, $3, $4)
                        ON CONFLICT (contract, times) DO UPDATE
                        SET last_due_at = excluded.last_due_at, updated_at = excluded.updated_at, removed_at = NULL
                        WHERE removed_at IS NOT NULL
                        """,
                        contract, times, begin, now);
                }

                return [.. schedules.Select(schedule => ReadLastDue(session, schedule)!.Value)];
            },
            cancellation);

    public Task<DateTimeOffset?> LastDueAsync(ScheduleName schedule, CancellationToken cancellation) =>
        database.ReadAsync(session => ReadLastDue(session, schedule), cancellation);

    public Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) =>
        database.WriteAsync(
            session => session.Execute(
                """
                UPDATE schedules SET last_due_at = $4, updated_at = $5, removed_at = NULL
                WHERE contract = $1 AND times = $2 AND last_due_at = $3
                """,
                schedule.Contract,
                schedule.Times,
                from,
                to,
                time.GetUtcNow()) == 1,
            cancellation);

    private static DateTimeOffset? ReadLastDue(SqliteSession session, ScheduleName schedule) => session.Query(
        "SELECT last_due_at FROM schedules WHERE contract = $1 AND times = $2",
        row => row.Time(0),
        schedule.Contract,
        schedule.Times) is [var last]
        ? last
        : null;
}
