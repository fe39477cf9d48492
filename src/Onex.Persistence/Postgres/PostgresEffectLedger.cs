using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Ledger;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>The effect ledger in PostgreSQL. All times are the database's. The outcome of a closed attempt is <c>lapsed</c>.</summary>
public sealed partial class PostgresEffectLedger : IEffectLedger, IParkedCommands
{
    private const int BatchMax = 500;
    private const int UnansweredMax = 10_000;

    private static readonly RowParameters<ClaimRow> _claimRows = new(CreateClaimColumns(), first: 1);

    // Until not_after, grants a lease if the command has no row, if its lease expired without an outcome, or if this attempt is a later one
    // than an attempt that failed, was closed, is parked, or was cancelled while parked. A completed command is leased again only for a
    // later attempt that says that the orchestrator did not understand the answer (ask_again). A repeated claim whose first answer was lost
    // is recognized by its token. Claims in command order, so that two batches queue instead of deadlocking.
    private static readonly string _claim = $"""
        INSERT INTO onex.effect_ledger AS l ({LedgerTable.Columns.Names()}, leased_until, claimed_at)
        SELECT {LedgerTable.Columns.Names("c")}, clock_timestamp() + c.lease, clock_timestamp()
        FROM {_claimRows.Unnest("c")}
        WHERE c.not_after >= clock_timestamp()
        ORDER BY c.command_id
        ON CONFLICT (command_id) DO UPDATE
        SET {LedgerTable.Columns.Assignments("excluded")}, leased_until = excluded.leased_until, claimed_at = excluded.claimed_at,
            outcome = NULL, result = NULL, recorded_at = NULL, parked_for = NULL, parked_at = NULL, parked_command = NULL,
            may_sent = false
        WHERE (l.outcome IS NULL AND l.leased_until <= clock_timestamp() AND excluded.attempt >= l.attempt)
           OR (l.outcome IN ('failed', 'lapsed', 'parked') AND excluded.attempt > l.attempt)
           OR (l.outcome = 'cancelled' AND l.attempt > 0 AND excluded.attempt > l.attempt)
           OR (l.outcome = 'completed' AND excluded.attempt > l.attempt AND l.command_id = ANY(${_claimRows.NextNumber}))
           OR (l.outcome IS NULL AND l.lease_token = excluded.lease_token)
        RETURNING l.command_id
        """;

    // Runs before a claim. A lease granted on one of these commands follows an unrecorded lease, or repeats a claim whose answer was lost.
    private const string ReadUnrecorded = "SELECT command_id FROM onex.effect_ledger WHERE command_id = ANY($1) AND outcome IS NULL";

    // Shows why claims were not granted. A later statement, so that it sees what others committed while the claim waited for them.
    private const string ReadClaimed = """
        SELECT c.place::integer, l.lease_token, l.attempt, l.result, l.leased_until > clock_timestamp(), c.not_after < clock_timestamp(),
            l.outcome
        FROM unnest($1, $2) WITH ORDINALITY AS c(command_id, not_after, place)
        LEFT JOIN onex.effect_ledger l ON l.command_id = c.command_id
        """;

    // Requires the token of the lease. An expired lease still counts until another claim replaces it, closed or not. Updates in command
    // order, like claims; locking the rows in an earlier statement would add a WAL record for each.
    private const string Record = """
        UPDATE onex.effect_ledger l
        SET outcome = r.outcome, result = r.result, recorded_at = clock_timestamp()
        FROM (SELECT * FROM unnest($1, $2, $3, $4) AS g(command_id, token, outcome, result) ORDER BY g.command_id) r
        WHERE l.command_id = r.command_id AND l.lease_token = r.token AND (l.outcome IS NULL OR l.outcome = 'lapsed')
        RETURNING l.command_id, l.lease_token
        """;

    // For outcomes that the statement above did not record. An outcome under this token is the caller's own: an earlier execution recorded
    // it, and its answer was lost.
    private const string ReadRecorded = """
        SELECT l.command_id, l.lease_token
        FROM unnest($1, $2) AS r(command_id, token)
        JOIN onex.effect_ledger l ON l.command_id = r.command_id AND l.lease_token = r.token AND l.outcome IS NOT NULL
        """;

    // A closed attempt must not commit, because the saga may have continued without it. The row lock excludes other claims and records of
    // the command until this transaction ends.
    private const string RecordInTransaction = """
        UPDATE onex.effect_ledger
        SET outcome = $3, result = $4, recorded_at = clock_timestamp()
        WHERE command_id = $1 AND lease_token = $2 AND outcome IS NULL
        """;

    private const string LockProbe = "SELECT pg_advisory_xact_lock($1)";

    // A session that sees a lock that was just taken is in the same database of the same running server. System identifiers, names and
    // addresses prove less, because a copy of a server has the same ones.
    private const string FindProbe = """
        SELECT EXISTS (
                SELECT FROM pg_catalog.pg_locks
                WHERE locktype = 'advisory' AND granted AND objsubid = 1
                  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                  AND classid::bigint = ($1 >> 32) & 4294967295 AND objid::bigint = $1 & 4294967295)
            AND EXISTS (
                SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'onex' AND c.relname = 'effect_ledger' AND c.relkind = 'r'
                  AND has_schema_privilege(n.oid, 'USAGE')
                  AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE'))
        """;

    private const string Read = """
        SELECT command_id, attempt, outcome IS NULL, leased_until, result,
               coalesce(outcome = 'cancelled', false), parked_at, parked_for
        FROM onex.effect_ledger WHERE command_id = ANY($1)
        """;

    // The primary key decides between this and a simultaneous claim: the second one waits for the first and finds its row. Columns that are
    // unknown for a command without a claim stay empty. A parked attempt is cancelled too, or closed if it may have been sent before it was
    // parked.
    private const string Cancel = $"""
        INSERT INTO onex.effect_ledger AS l
            (command_id, saga_id, step, operation, attempt, lease_token, leased_until, claimed_at, outcome, recorded_at)
        SELECT c.id, $2, '', '', 0, gen_random_uuid(), clock_timestamp(), clock_timestamp(), 'cancelled', clock_timestamp()
        FROM unnest($1) AS c(id)
        ORDER BY c.id
        ON CONFLICT (command_id) DO UPDATE SET {CancelParkedRow} WHERE l.outcome = 'parked'
        """;

    // In command order, like claims. Skips locked rows instead of waiting: their holder is about to commit an outcome, or hangs.
    private const string CloseExpiredLeases = """
        UPDATE onex.effect_ledger SET outcome = 'lapsed', recorded_at = clock_timestamp()
        WHERE command_id IN (
            SELECT command_id FROM onex.effect_ledger
            WHERE command_id = ANY($1) AND outcome IS NULL AND leased_until <= clock_timestamp()
            ORDER BY command_id FOR UPDATE SKIP LOCKED)
        """;

    private readonly NpgsqlDataSource _dataSource;
    private readonly GroupCommit<ClaimRow, ClaimResult> _claims;
    private readonly GroupCommit<RecordRequest, bool> _records;
    private readonly GroupCommit<ParkRow, ClaimResult> _parks;

    // The tokens of claims that ended without an answer. The database may have granted them a lease that nobody holds, so the next claim on
    // the attempt takes the token, once. Several tokens, because copies of the command may be claimed at the same time.
    private readonly ConcurrentDictionary<(CommandId CommandId, int Attempt), ImmutableArray<Guid>> _unanswered = new();

    /// <summary>A ledger on this pool of connections.</summary>
    public PostgresEffectLedger(NpgsqlDataSource dataSource)
    {
        _dataSource = dataSource;
        _claims = new(claims => Writes.WatchAsync(() => ClaimAllAsync(claims)), BatchMax, StoreErrors.IsInvalidData);
        _records = new(records => Writes.WatchAsync(() => RecordAllAsync(records)), BatchMax, StoreErrors.IsInvalidData);
        _parks = new(parks => Writes.WatchAsync(() => ParkAllAsync(parks)), BatchMax, StoreErrors.IsInvalidData);
    }

    /// <summary>Whether the database accepts the writes of this ledger.</summary>
    public WriteState Writes { get; } = new();

    /// <inheritdoc />
    public async Task<ClaimResult> ClaimAsync(StepCommand command, CancellationToken cancellation)
    {
        var attempt = (command.CommandId, command.Attempt);
        var token = new Guid(RandomNumberGenerator.GetBytes(16));
        if (_unanswered.TryRemove(attempt, out var tokens))
        {
            token = tokens[0];
            AddUnanswered(tokens[1..]);
        }

        try
        {
            return await _claims.RunAsync(new ClaimRow(command, token), cancellation);
        }
        catch (StoreUnavailableException)
        {
            // Those that nobody repeats here, because their partition went to another process, must not accumulate.
            if (_unanswered.Count >= UnansweredMax)
            {
                _unanswered.Clear();
            }

            AddUnanswered([token]);
            throw;
        }

        void AddUnanswered(ImmutableArray<Guid> more)
        {
            if (more.Length > 0)
            {
                _unanswered.AddOrUpdate(attempt, more, (_, others) => others.AddRange(more));
            }
        }
    }

    /// <inheritdoc />
    public Task<bool> RecordAsync(Guid leaseToken, StepResult result, CancellationToken cancellation) => _records.RunAsync(
        new RecordRequest(leaseToken, result, JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult)), cancellation);

    /// <summary>
    /// Whether a connection, which is in no transaction, leads to the same database as this ledger, with a user who may record there.
    /// Errors of that connection are thrown as they are.
    /// </summary>
    public async Task<bool> IsSameDatabaseAsync(NpgsqlConnection other, CancellationToken cancellation)
    {
        var key = BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(long)));
        await using var lockHolder = await LockProbeAsync(key, cancellation);
        await using var find = new NpgsqlCommand(FindProbe, other) { Parameters = { new NpgsqlParameter<long> { TypedValue = key } } };
        return await find.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>
    /// Records the outcome of an attempt in a transaction of the caller, on a connection for which <see cref="IsSameDatabaseAsync"/> is
    /// true: the attempt's changes and its outcome are committed together. False if the lease was replaced or the attempt closed: then the
    /// transaction must be rolled back.
    /// </summary>
    public static async Task<bool> RecordAsync(
        NpgsqlTransaction transaction, Guid leaseToken, StepResult result, CancellationToken cancellation)
    {
        await using var record = new NpgsqlCommand(RecordInTransaction, transaction.Connection, transaction)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = result.CommandId.Value },
                new NpgsqlParameter<Guid> { TypedValue = leaseToken },
                new NpgsqlParameter<string> { TypedValue = result.Outcome },
                new NpgsqlParameter<byte[]>
                {
                    TypedValue = JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult),
                    NpgsqlDbType = NpgsqlDbType.Json,
                },
            },
        };
        return await record.ExecuteNonQueryAsync(cancellation) == 1;
    }

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CancelAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        ChangeAndReadAsync(
            commandIds,
            [
                new NpgsqlBatchCommand(Cancel)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Uuid, [.. commandIds.Distinct().Select(id => id.Value)]),
                        new NpgsqlParameter<Guid> { TypedValue = Guid.Empty },
                    },
                },
                CloseExpired(commandIds),
            ],
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CloseExpiredAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        ChangeAndReadAsync(commandIds, [CloseExpired(commandIds)], cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<CommandId, LedgerState>> LookUpAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        ChangeAndReadAsync(commandIds, [], cancellation);

    private static NpgsqlBatchCommand CloseExpired(IReadOnlyCollection<CommandId> commandIds) =>
        new(CloseExpiredLeases) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, [.. commandIds.Select(id => id.Value)]) } };

    // Runs the given changes, which return no rows, and then reads the states.
    private Task<IReadOnlyDictionary<CommandId, LedgerState>> ChangeAndReadAsync(
        IReadOnlyCollection<CommandId> commandIds, NpgsqlBatchCommand[] changes, CancellationToken cancellation) =>
        _dataSource.RunAsync<IReadOnlyDictionary<CommandId, LedgerState>>(
            [
                .. changes,
                new NpgsqlBatchCommand(Read)
                {
                    Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, [.. commandIds.Select(id => id.Value)]) },
                },
            ],
            async reader =>
            {
                var states = new Dictionary<CommandId, LedgerState>(commandIds.Count);
                while (await reader.ReadAsync(cancellation))
                {
                    states[new CommandId(reader.GetGuid(0))] = new LedgerState(
                        reader.GetInt32(1), reader.GetBoolean(2), reader.GetFieldValue<DateTimeOffset>(3), Result(reader, 4))
                    {
                        Cancelled = reader.GetBoolean(5),
                        ParkedAt = reader.IsDBNull(6) ? null : reader.GetFieldValue<DateTimeOffset>(6),
                        ParkedFor = reader.IsDBNull(7) ? null : reader.GetString(7),
                    };
                }

                return states;
            },
            cancellation);

    // The lock lasts until the connection is disposed of. A pooled connection may be dead; the one of the second attempt is new.
    private async Task<NpgsqlConnection> LockProbeAsync(long key, CancellationToken cancellation)
    {
        for (var isRetry = false; ; isRetry = true)
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = await _dataSource.OpenConnectionAsync(cancellation);
                await connection.BeginTransactionAsync(cancellation);
                await using var lockProbe = new NpgsqlCommand(LockProbe, connection)
                {
                    Parameters = { new NpgsqlParameter<long> { TypedValue = key } },
                };
                await lockProbe.ExecuteNonQueryAsync(cancellation);
                return connection;
            }
            catch (Exception error)
            {
                if (connection is not null)
                {
                    await connection.DisposeAsync();
                }

                if (!StoreErrors.IsUnavailable(error))
                {
                    throw;
                }

                if (isRetry)
                {
                    throw StoreErrors.Unavailable(error);
                }

                _dataSource.Clear();
            }
        }
    }

    // A statement can change a row only once, so several claims on one command run in several statements, one after the other.
    private Task<IReadOnlyList<ClaimResult>> ClaimAllAsync(IReadOnlyList<ClaimRow> requests) => ClaimAllAsync(requests, ClaimUniqueAsync);

    private static async Task<IReadOnlyList<ClaimResult>> ClaimAllAsync(
        IReadOnlyList<ClaimRow> requests, Func<IReadOnlyList<ClaimRow>, List<int>, ClaimResult?[], Task> claim)
    {
        var results = new ClaimResult?[requests.Count];
        var indexes = Enumerable.Range(0, requests.Count).ToList();
        while (indexes.Count > 0)
        {
            var unique = indexes.DistinctBy(index => requests[index].Command.CommandId).ToList();
            await claim(requests, unique, results);
            indexes.RemoveAll(index => results[index] is not null);
        }

        return results!;
    }

    private async Task ClaimUniqueAsync(IReadOnlyList<ClaimRow> requests, List<int> indexes, ClaimResult?[] results)
    {
        var commands = indexes.Select(index => requests[index].Command).ToArray();
        var claim = new NpgsqlBatchCommand(_claim);
        _claimRows.AddTo(claim.Parameters, [.. indexes.Select(index => requests[index])]);
        claim.Parameters.Add(PostgresArray.Create(
            NpgsqlDbType.Uuid, [.. commands.Where(command => command.AskAgain == true).Select(command => command.CommandId.Value)]));
        var (unrecorded, granted) = await _dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(ReadUnrecorded)
                {
                    Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, commands, command => command.CommandId.Value) },
                },
                claim,
            ],
            async reader =>
            {
                var unrecorded = await ReadIdsAsync(reader);
                await reader.NextResultAsync();
                return (unrecorded, await ReadIdsAsync(reader));
            },
            CancellationToken.None);
        foreach (var index in indexes.Where(index => granted.Contains(requests[index].Command.CommandId)))
        {
            results[index] = new ClaimResult.Granted(requests[index].Token)
            {
                FollowsUnrecordedLease = unrecorded.Contains(requests[index].Command.CommandId),
            };
        }

        if (indexes.Where(index => results[index] is null).ToList() is { Count: > 0 } others)
        {
            await ReadClaimedAsync(requests, others, results);
        }
    }

    private Task<bool> ReadClaimedAsync(IReadOnlyList<ClaimRow> requests, List<int> indexes, ClaimResult?[] results) =>
        _dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(ReadClaimed)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Uuid, indexes, index => requests[index].Command.CommandId.Value),
                        PostgresArray.Create(NpgsqlDbType.TimestampTz, indexes, index => requests[index].Command.NotAfter.UtcDateTime),
                    },
                },
            ],
            async reader =>
            {
                while (await reader.ReadAsync())
                {
                    var index = indexes[reader.GetInt32(0) - 1];
                    results[index] = ToResult(requests[index], reader);
                }

                return true;
            },
            CancellationToken.None);

    private static async Task<HashSet<CommandId>> ReadIdsAsync(NpgsqlDataReader reader)
    {
        var ids = new HashSet<CommandId>();
        while (await reader.ReadAsync())
        {
            ids.Add(new CommandId(reader.GetGuid(0)));
        }

        return ids;
    }

    // Null if the reason has gone between the two statements, as when the other lease expired: then the claim is repeated.
    private static ClaimResult? ToResult(ClaimRow request, NpgsqlDataReader reader)
    {
        var isTooLate = reader.GetBoolean(5);
        if (reader.IsDBNull(1))
        {
            return isTooLate ? ClaimResult.Expired.Late(request.Command) : null;
        }

        var attempt = reader.GetInt32(2);
        switch (reader.IsDBNull(6) ? null : reader.GetString(6))
        {
            case "cancelled":
                return ClaimResult.Expired.Cancelled;
            case "parked":
                return ClaimResult.Parked.Instance;
            case "lapsed" when request.Command.Attempt <= attempt:
                return ClaimResult.Expired.Closed(attempt);
        }

        return Result(reader, 3) switch
        {
            { } recorded when recorded.AnswersTo(request.Command) => new ClaimResult.Recorded(recorded),
            null when reader.GetGuid(1) == request.Token => new ClaimResult.Granted(request.Token),
            null when request.Command.Attempt < attempt => ClaimResult.Expired.Superseded(attempt),
            null when reader.GetBoolean(4) => ClaimResult.Leased.Instance,
            _ => isTooLate ? ClaimResult.Expired.Late(request.Command) : null,
        };
    }

    private async Task<IReadOnlyList<bool>> RecordAllAsync(IReadOnlyList<RecordRequest> requests)
    {
        var record = new NpgsqlBatchCommand(Record)
        {
            Parameters =
            {
                PostgresArray.Create(NpgsqlDbType.Uuid, requests, item => item.Result.CommandId.Value),
                PostgresArray.Create(NpgsqlDbType.Uuid, requests, item => item.Token),
                PostgresArray.Create(NpgsqlDbType.Text, requests, item => item.Result.Outcome),
                PostgresArray.Create(NpgsqlDbType.Json, requests, item => item.Json),
            },
        };
        var recorded = await ReadLeasesAsync(record);
        if (requests.Where(item => !recorded.Contains(item.Lease)).ToList() is { Count: > 0 } others)
        {
            recorded.UnionWith(await ReadLeasesAsync(new NpgsqlBatchCommand(ReadRecorded)
            {
                Parameters =
                {
                    PostgresArray.Create(NpgsqlDbType.Uuid, others, item => item.Result.CommandId.Value),
                    PostgresArray.Create(NpgsqlDbType.Uuid, others, item => item.Token),
                },
            }));
        }

        return [.. requests.Select(item => recorded.Contains(item.Lease))];
    }

    private Task<HashSet<(Guid CommandId, Guid Token)>> ReadLeasesAsync(NpgsqlBatchCommand command) => _dataSource.RunAsync(
        [command],
        async reader =>
        {
            var leases = new HashSet<(Guid, Guid)>();
            while (await reader.ReadAsync())
            {
                leases.Add((reader.GetGuid(0), reader.GetGuid(1)));
            }

            return leases;
        },
        CancellationToken.None);

    private static StepResult? Result(NpgsqlDataReader reader, int column) => reader.IsDBNull(column)
        ? null
        : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), MessageJson.Default.StepResult);

    private static Table<ClaimRow> CreateClaimColumns()
    {
        var table = new Table<ClaimRow>();
        table.Include(LedgerTable.Columns, row => row);
        table.Interval("lease", row => LedgerTimes.Lease(row.Command));
        table.Time("not_after", row => row.Command.NotAfter);
        return table;
    }

    private sealed record RecordRequest(Guid Token, StepResult Result, byte[] Json)
    {
        public (Guid CommandId, Guid Token) Lease => (Result.CommandId.Value, Token);
    }
}
