using System.Collections.Concurrent;
using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Ledger;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

// Parked commands: rows whose outcome is 'parked'. While a row is parked, leased_until minus claimed_at is the length of its next lease.
public sealed partial class PostgresEffectLedger
{
    private const string CancelParkedRow = """
        outcome = CASE WHEN l.may_sent THEN 'lapsed' ELSE 'cancelled' END, recorded_at = clock_timestamp(),
            parked_for = NULL, parked_at = NULL, parked_command = NULL
        """;

    private static readonly RowParameters<ParkRow> _parkRows = new(CreateParkColumns(), first: 1);

    // The conditions are those of a claim. may_sent: the holder of a lease that expired without an outcome may have sent the command.
    private static readonly string _park = $"""
        INSERT INTO onex.effect_ledger AS l
            ({LedgerTable.Columns.Names()}, claimed_at, leased_until, outcome, parked_for, parked_at, parked_command)
        SELECT {LedgerTable.Columns.Names("c")}, now.at, now.at + c.lease, 'parked', c.connection, now.at - c.age, c.content
        FROM {_parkRows.Unnest("c")}, (SELECT clock_timestamp() AS at) now
        WHERE c.not_after >= now.at
        ORDER BY c.command_id
        ON CONFLICT (command_id) DO UPDATE
        SET {LedgerTable.Columns.Assignments("excluded")}, claimed_at = excluded.claimed_at, leased_until = excluded.leased_until,
            outcome = 'parked', result = NULL, recorded_at = NULL, parked_for = excluded.parked_for,
            parked_at = coalesce(l.parked_at, excluded.parked_at), parked_command = excluded.parked_command,
            may_sent = l.outcome IS NULL OR (l.outcome = 'parked' AND l.may_sent)
        WHERE (l.outcome IS NULL AND l.leased_until <= clock_timestamp() AND excluded.attempt >= l.attempt)
           OR (l.outcome IN ('failed', 'lapsed', 'parked') AND excluded.attempt > l.attempt)
           OR (l.outcome = 'cancelled' AND l.attempt > 0 AND excluded.attempt > l.attempt)
           OR (l.outcome = 'completed' AND excluded.attempt > l.attempt AND l.command_id = ANY(${_parkRows.NextNumber}))
        RETURNING l.command_id
        """;

    // Ends the transaction of a process that vanishes or freezes before it commits. Others would wait for its rows.
    private const string LimitIdleTime = "SET LOCAL idle_in_transaction_session_timeout = '5s'";

    // The second condition: an earlier execution parked the command, and its answer was lost.
    private const string ParkAgain = """
        UPDATE onex.effect_ledger l
        SET outcome = 'parked', lease_token = $7, leased_until = clock_timestamp() + $3, claimed_at = clock_timestamp(),
            parked_for = $4, parked_at = clock_timestamp(), parked_command = $5, may_sent = l.may_sent OR $6
        WHERE l.command_id = $1
          AND ((l.lease_token = $2 AND l.outcome IS NULL) OR (l.lease_token = $7 AND l.outcome = 'parked'))
        RETURNING l.command_id
        """;

    // Reads the partial index of parked commands in its order, once per connection. Rows that another process is taking are skipped.
    private const string Take = """
        WITH taken AS MATERIALIZED (
            SELECT p.*
            FROM unnest($1, $2) AS r(connection, commands)
            CROSS JOIN LATERAL (
                SELECT l.command_id, l.parked_for, l.parked_command, l.parked_at
                FROM onex.effect_ledger l
                WHERE l.parked_for = r.connection
                ORDER BY l.parked_at, l.command_id
                LIMIT r.commands FOR UPDATE SKIP LOCKED) p
        )
        UPDATE onex.effect_ledger l
        SET outcome = NULL, lease_token = gen_random_uuid(), leased_until = clock_timestamp() + (l.leased_until - l.claimed_at),
            claimed_at = clock_timestamp(), parked_for = NULL, parked_at = NULL, parked_command = NULL
        FROM taken t
        WHERE l.command_id = t.command_id
        RETURNING l.lease_token, l.may_sent, t.parked_for, t.parked_command, t.parked_at
        """;

    private const string CancelParked = $"""
        UPDATE onex.effect_ledger l SET {CancelParkedRow}
        WHERE l.command_id IN (
            SELECT command_id FROM onex.effect_ledger WHERE command_id = ANY($1) AND outcome = 'parked' ORDER BY command_id FOR UPDATE)
          AND l.outcome = 'parked'
        """;

    // Reports that are no longer valid come from processes that have died.
    private const string DeleteReports = """
        DELETE FROM onex.connection_states WHERE (process_id = $1 AND connection <> ALL($2)) OR valid_until < clock_timestamp()
        """;

    private const string WriteReports = """
        INSERT INTO onex.connection_states (connection, process_id, unavailable_since, next_trial_at, reason, valid_until)
        SELECT r.connection, $1, clock_timestamp() - r.unavailable, clock_timestamp() + r.until_trial, r.reason, clock_timestamp() + $6
        FROM unnest($2, $3, $4, $5) AS r(connection, unavailable, until_trial, reason)
        ON CONFLICT (connection, process_id) DO UPDATE
        SET unavailable_since = excluded.unavailable_since, next_trial_at = excluded.next_trial_at, reason = excluded.reason,
            valid_until = excluded.valid_until
        """;

    // Combines the reports of several processes: the earliest begin of the outage with its reason, and the earliest next trial.
    private const string Describe = """
        SELECT c.connection, p.parked, s.since, s.next_trial_at, s.is_trial_running, s.reason
        FROM unnest($1) AS c(connection)
        CROSS JOIN LATERAL (SELECT count(*) AS parked FROM onex.effect_ledger l WHERE l.parked_for = c.connection) p
        CROSS JOIN LATERAL (
            SELECT min(s.unavailable_since) AS since, min(s.next_trial_at) AS next_trial_at,
                coalesce(bool_or(s.next_trial_at IS NULL), false) AS is_trial_running,
                (array_agg(s.reason ORDER BY s.unavailable_since))[1] AS reason
            FROM onex.connection_states s WHERE s.connection = c.connection AND s.valid_until >= clock_timestamp()) s
        """;

    // Taken commands whose transaction may have been committed although its confirmation was lost. Nobody runs them, so they are parked
    // again before others are taken.
    private readonly ConcurrentQueue<TakenCommand> _unconfirmed = new();

    /// <inheritdoc />
    public Task<ClaimResult> ParkAsync(CommandToPark command, CancellationToken cancellation) =>
        _parks.RunAsync(new ParkRow(command, ParkedContent.Write(command), new Guid(RandomNumberGenerator.GetBytes(16))), cancellation);

    /// <inheritdoc />
    public Task<bool> ParkAgainAsync(Guid leaseToken, CommandToPark command, bool maySent, CancellationToken cancellation) =>
        _dataSource.RunAsync([CreateParkAgain(leaseToken, command, maySent)], reader => reader.ReadAsync(), cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<TakenCommand>> TakeAsync(IReadOnlyCollection<TakeLimit> limits, CancellationToken cancellation) =>
        _dataSource.RepeatAsync<IReadOnlyList<TakenCommand>>(
            async connection =>
            {
                await ParkUnconfirmedAsync(connection);

                // Commits only after the commands have arrived here. If they do not arrive, the transaction is rolled back.
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                var taken = await TakeAsync(transaction, limits, cancellation);
                try
                {
                    await transaction.CommitAsync(CancellationToken.None);
                }
                catch
                {
                    taken.ForEach(_unconfirmed.Enqueue);
                    throw;
                }

                return taken;
            },
            cancellation);

    /// <inheritdoc />
    public Task CancelParkedAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) => RunAsync(
        [
            new NpgsqlBatchCommand(CancelParked)
            {
                Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, [.. commandIds.Select(id => id.Value)]) },
            },
        ],
        cancellation);

    /// <inheritdoc />
    public Task ReportAsync(Guid processId, IReadOnlyCollection<UnavailableConnection> connections, CancellationToken cancellation)
    {
        UnavailableConnection[] reported = [.. connections];
        return RunAsync(
            [
                new NpgsqlBatchCommand(DeleteReports)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<Guid> { TypedValue = processId },
                        PostgresArray.Create(NpgsqlDbType.Text, reported, connection => connection.Name),
                    },
                },
                new NpgsqlBatchCommand(WriteReports)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<Guid> { TypedValue = processId },
                        PostgresArray.Create(NpgsqlDbType.Text, reported, connection => connection.Name),
                        PostgresArray.Create(NpgsqlDbType.Interval, reported, connection => connection.Unavailable),
                        PostgresArray.Create(NpgsqlDbType.Interval, reported, connection => connection.UntilTrial),
                        PostgresArray.Create(NpgsqlDbType.Text, reported, connection => connection.Reason),
                        new NpgsqlParameter<TimeSpan> { TypedValue = LedgerTimes.ConnectionReport },
                    },
                },
            ],
            cancellation);
    }

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<string, ParkedConnection>> DescribeAsync(
        IReadOnlyCollection<string> connections, CancellationToken cancellation) =>
        _dataSource.RunAsync<IReadOnlyDictionary<string, ParkedConnection>>(
            [new NpgsqlBatchCommand(Describe) { Parameters = { PostgresArray.Create(NpgsqlDbType.Text, [.. connections]) } }],
            async reader =>
            {
                var described = new Dictionary<string, ParkedConnection>(StringComparer.Ordinal);
                while (await reader.ReadAsync(cancellation))
                {
                    var state = new ParkedConnection(
                        reader.GetInt64(1),
                        reader.IsDBNull(2) ? null : reader.GetFieldValue<DateTimeOffset>(2),
                        reader.IsDBNull(3) || reader.GetBoolean(4) ? null : reader.GetFieldValue<DateTimeOffset>(3),
                        reader.IsDBNull(5) ? null : reader.GetString(5));
                    if (state is not { Parked: 0, UnavailableSince: null })
                    {
                        described[reader.GetString(0)] = state;
                    }
                }

                return described;
            },
            cancellation);

    private static NpgsqlBatchCommand CreateParkAgain(Guid leaseToken, CommandToPark command, bool maySent) => new(ParkAgain)
    {
        Parameters =
        {
            new NpgsqlParameter<Guid> { TypedValue = command.Command.CommandId.Value },
            new NpgsqlParameter<Guid> { TypedValue = leaseToken },
            new NpgsqlParameter<TimeSpan> { TypedValue = LedgerTimes.Lease(command.Command) },
            new NpgsqlParameter<string> { TypedValue = command.Connection },
            new NpgsqlParameter<byte[]> { TypedValue = ParkedContent.Write(command) },
            new NpgsqlParameter<bool> { TypedValue = maySent },
            new NpgsqlParameter<Guid> { TypedValue = ParkedContent.Token(leaseToken) },
        },
    };

    private static async Task<List<TakenCommand>> TakeAsync(
        NpgsqlTransaction transaction, IReadOnlyCollection<TakeLimit> limits, CancellationToken cancellation)
    {
        await using var take = new NpgsqlBatch(transaction.Connection, transaction)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(LimitIdleTime),
                new NpgsqlBatchCommand(Take)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Text, [.. limits], limit => limit.Connection),
                        PostgresArray.Create(NpgsqlDbType.Integer, [.. limits], limit => limit.Commands),
                    },
                },
            },
        };
        await using var reader = await take.ExecuteReaderAsync(cancellation);
        var rows = new List<(DateTimeOffset At, TakenCommand Command)>();
        while (await reader.ReadAsync(cancellation))
        {
            var lease = new ClaimResult.Granted(reader.GetGuid(0)) { FollowsUnrecordedLease = reader.GetBoolean(1) };
            rows.Add((
                reader.GetFieldValue<DateTimeOffset>(4),
                ParkedContent.Read(reader.GetFieldValue<byte[]>(3), reader.GetString(2), lease)));
        }

        return [.. rows.OrderBy(row => row.At).Select(row => row.Command)];
    }

    // Changes nothing if the transaction was not committed. The lock waits for one that is being committed.
    private async Task ParkUnconfirmedAsync(NpgsqlConnection connection)
    {
        while (_unconfirmed.TryPeek(out var taken))
        {
            var command = new CommandToPark(taken.Command, taken.Connection, default)
            {
                TraceParent = taken.TraceParent,
                TraceState = taken.TraceState,
            };
            await using var park = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand("SELECT FROM onex.effect_ledger WHERE command_id = $1 FOR UPDATE")
                    {
                        Parameters = { new NpgsqlParameter<Guid> { TypedValue = taken.Command.CommandId.Value } },
                    },
                    CreateParkAgain(taken.Lease.LeaseToken, command, taken.Lease.FollowsUnrecordedLease),
                },
            };
            await park.ExecuteNonQueryAsync(CancellationToken.None);
            _unconfirmed.TryDequeue(out _);
        }
    }

    private Task<bool> RunAsync(NpgsqlBatchCommand[] commands, CancellationToken cancellation) =>
        _dataSource.RunAsync(commands, _ => Task.FromResult(true), cancellation);

    private Task<IReadOnlyList<ClaimResult>> ParkAllAsync(IReadOnlyList<ParkRow> requests) => ClaimAllAsync(
        [.. requests.Select(row => new ClaimRow(row.Parked.Command, row.Token))],
        async (claims, indexes, results) =>
        {
            ParkRow[] rows = [.. indexes.Select(index => requests[index])];
            var park = new NpgsqlBatchCommand(_park);
            _parkRows.AddTo(park.Parameters, rows);
            park.Parameters.Add(PostgresArray.Create(
                NpgsqlDbType.Uuid,
                [.. rows.Where(row => row.Parked.Command.AskAgain == true).Select(row => row.Parked.Command.CommandId.Value)]));
            var parked = await _dataSource.RunAsync([park], ReadIdsAsync, CancellationToken.None);
            foreach (var index in indexes.Where(index => parked.Contains(requests[index].Parked.Command.CommandId)))
            {
                results[index] = ClaimResult.Parked.Instance;
            }

            if (indexes.Where(index => results[index] is null).ToList() is { Count: > 0 } others)
            {
                await ReadClaimedAsync(claims, others, results);
            }
        });

    private static Table<ParkRow> CreateParkColumns()
    {
        var table = new Table<ParkRow>();
        table.Include(LedgerTable.Columns, row => new ClaimRow(row.Parked.Command, row.Token));
        table.Interval("lease", row => LedgerTimes.Lease(row.Parked.Command));
        table.Time("not_after", row => row.Parked.Command.NotAfter);
        table.Text("connection", row => row.Parked.Connection);
        table.Interval("age", row => row.Parked.Age);
        table.Bytes("content", row => row.Content);
        return table;
    }
}
