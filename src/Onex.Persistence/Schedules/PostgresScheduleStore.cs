using Npgsql;
using NpgsqlTypes;
using Onex.Persistence.Postgres;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Schedules;

/// <summary>Schedules in PostgreSQL.</summary>
public sealed class PostgresScheduleStore(NpgsqlDataSource dataSource) : IScheduleStore
{
    // Of two mains that begin at once with other contracts, the last one has its way; each goes on with what it has all the same.
    private const string Remove = """
        UPDATE onex.schedules s SET removed_at = clock_timestamp()
        WHERE s.removed_at IS NULL AND NOT EXISTS (SELECT FROM unnest($1, $2) AS g(contract, times) WHERE g.contract = s.contract AND g.times = s.times)
        """;

    // In whole seconds, so that the times of an "every" can be read.
    private const string Begin = """
        INSERT INTO onex.schedules AS s (contract, times, last_due_at)
        SELECT g.contract, g.times, date_trunc('second', clock_timestamp())
        FROM unnest($1, $2) AS g(contract, times)
        ORDER BY 1, 2
        ON CONFLICT (contract, times) DO UPDATE SET last_due_at = excluded.last_due_at, updated_at = clock_timestamp(), removed_at = NULL
        WHERE s.removed_at IS NOT NULL
        """;

    private const string Read = """
        SELECT s.last_due_at
        FROM unnest($1, $2) WITH ORDINALITY AS g(contract, times, place)
        JOIN onex.schedules s ON s.contract = g.contract AND s.times = g.times
        ORDER BY g.place
        """;

    // A main that moves it on has it.
    private const string Advance = """
        UPDATE onex.schedules SET last_due_at = $4, updated_at = clock_timestamp(), removed_at = NULL
        WHERE contract = $1 AND times = $2 AND last_due_at = $3
        RETURNING 1
        """;

    /// <inheritdoc />
    public Task<IReadOnlyList<DateTimeOffset>> BeginAsync(IReadOnlyList<ScheduleName> schedules, CancellationToken cancellation) =>
        ReadAsync([Command(Remove, schedules), Command(Begin, schedules), Command(Read, schedules)], cancellation);

    /// <inheritdoc />
    public async Task<DateTimeOffset?> LastAsync(ScheduleName schedule, CancellationToken cancellation) =>
        await ReadAsync([Command(Read, [schedule])], cancellation) is [var last] ? last : null;

    // Run twice, it says the second time that another was faster: whoever asks looks again and finds it moved.
    /// <inheritdoc />
    public Task<bool> AdvanceAsync(ScheduleName schedule, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) => dataSource.RunAsync(
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

    private static NpgsqlBatchCommand Command(string sql, IReadOnlyList<ScheduleName> schedules) => new(sql)
    {
        Parameters =
        {
            PostgresArray.Of(NpgsqlDbType.Text, schedules, schedule => schedule.Contract),
            PostgresArray.Of(NpgsqlDbType.Text, schedules, schedule => schedule.Times),
        },
    };
}
