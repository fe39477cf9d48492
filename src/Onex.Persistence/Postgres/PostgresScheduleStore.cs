using Npgsql;
using NpgsqlTypes;
using Onex.Persistence.Schedules;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>Schedules in PostgreSQL.</summary>
public sealed class PostgresScheduleStore(NpgsqlDataSource dataSource) : IScheduleStore
{
    private static readonly RowParameters<ScheduleName> _schedules = new(ScheduleTable.Columns, first: 1);

    // If two orchestrators start at once with different contracts, the last one decides what is removed. Each still runs its schedules.
    private static readonly string _remove = $"""
        UPDATE onex.schedules s SET removed_at = clock_timestamp()
        WHERE s.removed_at IS NULL
          AND NOT EXISTS (SELECT FROM {_schedules.Unnest("g")} WHERE g.contract = s.contract AND g.times = s.times)
        """;

    // Whole seconds keep the times of an "every" readable.
    private static readonly string _begin = $"""
        INSERT INTO onex.schedules AS s ({ScheduleTable.Columns.Names()}, last_due_at)
        SELECT {ScheduleTable.Columns.Names("g")}, date_trunc('second', clock_timestamp())
        FROM {_schedules.Unnest("g")}
        ORDER BY 1, 2
        ON CONFLICT (contract, times) DO UPDATE SET last_due_at = excluded.last_due_at, updated_at = clock_timestamp(), removed_at = NULL
        WHERE s.removed_at IS NOT NULL
        """;

    private static readonly string _read = $"""
        SELECT s.last_due_at
        FROM {_schedules.UnnestInOrder("g")}
        JOIN onex.schedules s ON s.contract = g.contract AND s.times = g.times
        ORDER BY g.place
        """;

    // An orchestrator that advances a schedule has it in its contracts, so it is no longer removed.
    private const string Advance = """
        UPDATE onex.schedules SET last_due_at = $4, updated_at = clock_timestamp(), removed_at = NULL
        WHERE contract = $1 AND times = $2 AND last_due_at = $3
        RETURNING 1
        """;

    /// <inheritdoc />
    public Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation) =>
        ReadAsync([CreateCommand(_remove, schedules), CreateCommand(_begin, schedules), CreateCommand(_read, schedules)], cancellation);

    /// <inheritdoc />
    public async Task<DateTimeOffset?> LastDueAsync(ScheduleName schedule, CancellationToken cancellation) =>
        await ReadAsync([CreateCommand(_read, [schedule])], cancellation) is [var last] ? last : null;

    // If the first answer was lost, the repetition returns false, as if another orchestrator had been faster.
    /// <inheritdoc />
    public Task<bool> AdvanceAsync(
        ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) => dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(Advance)
            {
                Parameters =
                {
                    new NpgsqlParameter<string> { TypedValue = schedule.Contract },
                    new NpgsqlParameter<string> { TypedValue = schedule.Times },
                    new NpgsqlParameter<DateTime> { TypedValue = from.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                    new NpgsqlParameter<DateTime> { TypedValue = to.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                },
            },
        ],
        reader => reader.ReadAsync(cancellation),
        cancellation);

    private Task<IReadOnlyList<DateTimeOffset>> ReadAsync(NpgsqlBatchCommand[] commands, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<DateTimeOffset>>(
            commands,
            async reader =>
            {
                var times = new List<DateTimeOffset>();
                while (await reader.ReadAsync(cancellation))
                {
                    times.Add(reader.GetFieldValue<DateTimeOffset>(0));
                }

                return times;
            },
            cancellation);

    private static NpgsqlBatchCommand CreateCommand(string sql, IReadOnlyList<ScheduleName> schedules)
    {
        var command = new NpgsqlBatchCommand(sql);
        _schedules.AddTo(command.Parameters, schedules);
        return command;
    }
}
