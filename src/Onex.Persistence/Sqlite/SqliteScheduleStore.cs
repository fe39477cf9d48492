using Onex.Persistence.Schedules;

namespace Onex.Persistence.Sqlite;

/// <summary>Schedules in SQLite.</summary>
internal sealed class SqliteScheduleStore(SqliteDatabase database, TimeProvider time) : IScheduleStore
{
    /// <inheritdoc />
    public Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation) =>
        database.WriteAsync<IReadOnlyList<DateTimeOffset>>(
            session =>
            {
                // In whole seconds, so that the times of an "every" can be read.
                var now = time.GetUtcNow();
                var begin = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond));
                var times = new List<DateTimeOffset>(schedules.Count);
                foreach (var (contract, name) in schedules)
                {
                    session.Execute(
                        "INSERT INTO schedules (contract, times, last_due_at, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", contract, name, begin, now);
                    times.Add(session.Query(
                        "SELECT last_due_at FROM schedules WHERE contract = $1 AND times = $2", reader => SqliteRows.Time(reader, 0), contract, name)[0]);
                }

                return times;
            },
            cancellation);

    /// <inheritdoc />
    public Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) =>
        database.WriteAsync(
            session => session.Execute(
                "UPDATE schedules SET last_due_at = $4, updated_at = $5 WHERE contract = $1 AND times = $2 AND last_due_at = $3",
                schedule.Contract,
                schedule.Times,
                from,
                to,
                time.GetUtcNow()) == 1,
            cancellation);
}
