using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Postgres;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Ledger;

/// <summary>The effect ledger in PostgreSQL. Every time that counts is the database's.</summary>
public sealed class EffectLedger : IEffectLedger
{
    /// <summary>How long a lease outlives the run time of its attempt: for what is done around it, and for the clocks' paces.</summary>
    public static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(5);

    /// <summary>How long outcomes are kept: longer than a command may be started, and than topics keep records by default.</summary>
    public static readonly TimeSpan OutcomesKept = TimeSpan.FromDays(15);

    private const int BatchMax = 500;

    // A row is leased if there is none, if its lease ran out without an outcome, or if its attempt failed or was closed and a later one is
    // asked for; and if it completed with an answer that main did not understand, for the later attempt that says so. A claim that was made and whose answer was lost is recognized by its token. In command order, so that two batches wait
    // for each other instead of deadlocking.
    private const string Claim = """
        INSERT INTO onex.effect_ledger AS l (command_id, saga_id, step, operation, attempt, lease_token, leased_until, claimed_at)
        SELECT c.command_id, c.saga_id, c.step, c.operation, c.attempt, c.token, clock_timestamp() + c.lease, clock_timestamp()
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS c(command_id, saga_id, step, operation, attempt, token, lease, not_after)
        WHERE c.not_after >= clock_timestamp()
        ORDER BY c.command_id
        ON CONFLICT (command_id) DO UPDATE
        SET attempt = excluded.attempt, lease_token = excluded.lease_token, leased_until = excluded.leased_until,
            claimed_at = excluded.claimed_at, outcome = NULL, result = NULL, recorded_at = NULL
        WHERE (l.outcome IS NULL AND l.leased_until <= clock_timestamp() AND excluded.attempt >= l.attempt)
           OR (l.outcome IN ('failed', 'lapsed') AND excluded.attempt > l.attempt)
           OR (l.outcome = 'completed' AND excluded.attempt > l.attempt AND l.command_id = ANY($9))
           OR (l.outcome IS NULL AND l.lease_token = excluded.lease_token)
        """;

    // Before a claim: who is granted one of these takes over from someone who never recorded what came of it.
    private const string ReadUnrecorded = "SELECT command_id FROM onex.effect_ledger WHERE command_id = ANY($1) AND outcome IS NULL";

    // A statement of its own, so that it sees what others committed while the claim waited for them.
    private const string ReadClaimed = """
        SELECT c.place::integer, l.lease_token, l.attempt, l.result, l.leased_until > clock_timestamp(), c.not_after < clock_timestamp(), l.outcome
        FROM unnest($1, $2) WITH ORDINALITY AS c(command_id, not_after, place)
        LEFT JOIN onex.effect_ledger l ON l.command_id = c.command_id
        """;

    private const string LockLedger = "SELECT FROM onex.effect_ledger WHERE command_id = ANY($1) ORDER BY command_id FOR UPDATE";

    // Under the token of the lease only. A lease that ran out and that nobody has taken over still counts, closed or not.
    private const string Record = """
        UPDATE onex.effect_ledger l
        SET outcome = r.outcome, result = r.result, recorded_at = clock_timestamp()
        FROM unnest($1, $2, $3, $4) AS r(command_id, token, outcome, result)
        WHERE l.command_id = r.command_id AND l.lease_token = r.token AND (l.outcome IS NULL OR l.outcome = 'lapsed')
        """;

    // An outcome under our token is ours, also when the answer to an earlier try was lost.
    private const string ReadRecorded = """
        SELECT r.place::integer
        FROM unnest($1, $2) WITH ORDINALITY AS r(command_id, token, place)
        JOIN onex.effect_ledger l ON l.command_id = r.command_id AND l.lease_token = r.token AND l.outcome IS NOT NULL
        """;

    // What was closed is not committed any more: the saga may have gone on without it. Its row lock waits for a claim or a record of the
    // command, and they for it: until this transaction ends, what is known of the command cannot change.
    private const string RecordInTransaction = """
        UPDATE onex.effect_ledger
        SET outcome = $3, result = $4, recorded_at = clock_timestamp()
        WHERE command_id = $1 AND lease_token = $2 AND outcome IS NULL
        """;

    private const string TakeProbe = "SELECT pg_advisory_xact_lock($1)";

    // Who sees a lock that was just taken is in the same database of the same running server; system identifiers, names and addresses say
    // less, for a copy of a server has the same ones.
    private const string SeeProbe = """
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
               coalesce(outcome = 'cancelled', false)
        FROM onex.effect_ledger WHERE command_id = ANY($1)
        """;

    // The primary key decides between this and a claim that is made at the same time: whichever comes second waits for the first, and finds
    // its row. What is not known of a command that nobody has taken stays empty.
    private const string Cancel = """
        INSERT INTO onex.effect_ledger
            (command_id, saga_id, step, operation, attempt, lease_token, leased_until, claimed_at, outcome, recorded_at)
        SELECT c.id, $2, '', '', 0, gen_random_uuid(), clock_timestamp(), clock_timestamp(), 'cancelled', clock_timestamp()
        FROM unnest($1) AS c(id)
        ORDER BY c.id
        ON CONFLICT (command_id) DO NOTHING
        """;

    // In command order, as claims. Who holds the row is about to commit what came of it, or stands still: that is not waited for here.
    private const string Settle = """
        UPDATE onex.effect_ledger SET outcome = 'lapsed', recorded_at = clock_timestamp()
        WHERE command_id IN (
            SELECT command_id FROM onex.effect_ledger
            WHERE command_id = ANY($1) AND outcome IS NULL AND leased_until <= clock_timestamp()
            ORDER BY command_id FOR UPDATE SKIP LOCKED)
        """;

    private readonly NpgsqlDataSource _dataSource;
    private readonly GroupCommit<Asked, ClaimResult> _claims;
    private readonly GroupCommit<Recorded, bool> _records;

    /// <summary>A ledger on this pool of connections.</summary>
    public EffectLedger(NpgsqlDataSource dataSource)
    {
        _dataSource = dataSource;
        _claims = new(ClaimAllAsync, BatchMax);
        _records = new(RecordAllAsync, BatchMax);
    }

    /// <inheritdoc />
    public Task<ClaimResult> ClaimAsync(StepCommand command, CancellationToken cancellation) =>
        _claims.RunAsync(new Asked(command, new Guid(RandomNumberGenerator.GetBytes(16))), cancellation);

    /// <inheritdoc />
    public Task<bool> RecordAsync(Guid leaseToken, StepResult result, CancellationToken cancellation) => _records.RunAsync(
        new Recorded(leaseToken, result, JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult)), cancellation);

    /// <summary>
    /// Whether a connection, which is in no transaction, leads to the very database that holds this ledger, as a user who may record there.
    /// What goes wrong on that connection is thrown as it is.
    /// </summary>
    public async Task<bool> IsBehindAsync(NpgsqlConnection other, CancellationToken cancellation)
    {
        var key = BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(long)));
        await using var own = await TakeProbeAsync(key, cancellation);
        await using var see = new NpgsqlCommand(SeeProbe, other) { Parameters = { new NpgsqlParameter<long> { TypedValue = key } } };
        return await see.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>
    /// Records what came of an attempt in a transaction that is not ours, of a connection that <see cref="IsBehindAsync"/> said yes to: what
    /// it did and the outcome are committed together. False if the lease was lost: the transaction must be rolled back then.
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
    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CancelAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        ReadStatesAsync(
            commandIds,
            [
                new NpgsqlBatchCommand(Cancel)
                {
                    Parameters =
                    {
                        PostgresArray.Of(NpgsqlDbType.Uuid, [.. commandIds.Distinct().Select(id => id.Value)]),
                        new NpgsqlParameter<Guid> { TypedValue = Guid.Empty },
                    },
                },
                SettleAll(commandIds),
            ],
            cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<CommandId, LedgerState>> SettleAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        ReadStatesAsync(commandIds, [SettleAll(commandIds)], cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<CommandId, LedgerState>> LookUpAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        ReadStatesAsync(commandIds, [], cancellation);

    private static NpgsqlBatchCommand SettleAll(IReadOnlyCollection<CommandId> commandIds) =>
        new(Settle) { Parameters = { PostgresArray.Of(NpgsqlDbType.Uuid, [.. commandIds.Select(id => id.Value)]) } };

    // Reads after the commands before it, which answer nothing.
    private Task<IReadOnlyDictionary<CommandId, LedgerState>> ReadStatesAsync(
        IReadOnlyCollection<CommandId> commandIds, NpgsqlBatchCommand[] before, CancellationToken cancellation) =>
        _dataSource.RunAsync<IReadOnlyDictionary<CommandId, LedgerState>>(
            [.. before, new NpgsqlBatchCommand(Read) { Parameters = { PostgresArray.Of(NpgsqlDbType.Uuid, [.. commandIds.Select(id => id.Value)]) } }],
            async reader =>
            {
                var states = new Dictionary<CommandId, LedgerState>(commandIds.Count);
                while (await reader.ReadAsync(cancellation))
                {
                    states[new CommandId(reader.GetGuid(0))] = new LedgerState(
                        reader.GetInt32(1), reader.GetBoolean(2), reader.GetFieldValue<DateTimeOffset>(3), Result(reader, 4))
                    {
                        Cancelled = reader.GetBoolean(5),
                    };
                }

                return states;
            },
            cancellation);

    // The lock lasts until the answer is disposed of. A pooled connection may be dead: the second one is fresh.
    private async Task<NpgsqlConnection> TakeProbeAsync(long key, CancellationToken cancellation)
    {
        for (var fresh = false; ; fresh = true)
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = await _dataSource.OpenConnectionAsync(cancellation);
                await connection.BeginTransactionAsync(cancellation);
                await using var take = new NpgsqlCommand(TakeProbe, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = key } } };
                await take.ExecuteNonQueryAsync(cancellation);
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

                if (fresh)
                {
                    throw StoreErrors.Unavailable(error);
                }

                _dataSource.Clear();
            }
        }
    }

    // One statement touches a row at most once, so of several claims on one command the first goes first, and the others see what it did.
    private async Task<IReadOnlyList<ClaimResult>> ClaimAllAsync(IReadOnlyList<Asked> asked)
    {
        var verdicts = new ClaimResult?[asked.Count];
        var places = Enumerable.Range(0, asked.Count).ToList();
        while (places.Count > 0)
        {
            var round = places.DistinctBy(place => asked[place].Command.CommandId).ToList();
            await ClaimRoundAsync(asked, round, verdicts);
            places.RemoveAll(place => verdicts[place] is not null);
        }

        return verdicts!;
    }

    private Task<bool> ClaimRoundAsync(IReadOnlyList<Asked> asked, List<int> places, ClaimResult?[] verdicts)
    {
        var commands = places.Select(place => asked[place].Command).ToArray();
        var ids = commands.Select(command => command.CommandId.Value).ToArray();
        var notAfter = commands.Select(command => command.NotAfter.UtcDateTime).ToArray();
        return _dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(ReadUnrecorded) { Parameters = { PostgresArray.Of(NpgsqlDbType.Uuid, ids) } },
                new NpgsqlBatchCommand(Claim)
                {
                    Parameters =
                    {
                        PostgresArray.Of(NpgsqlDbType.Uuid, ids),
                        PostgresArray.Of(NpgsqlDbType.Uuid, commands, command => command.SagaId.Value),
                        PostgresArray.Of(NpgsqlDbType.Text, commands, command => command.Step),
                        PostgresArray.Of(NpgsqlDbType.Text, commands, command => command.Operation),
                        PostgresArray.Of(NpgsqlDbType.Integer, commands, command => command.Attempt),
                        PostgresArray.Of(NpgsqlDbType.Uuid, places, place => asked[place].Token),
                        PostgresArray.Of(NpgsqlDbType.Interval, commands, Lease),
                        PostgresArray.Of(NpgsqlDbType.TimestampTz, notAfter),
                        PostgresArray.Of(NpgsqlDbType.Uuid, [.. commands.Where(command => command.AskAgain == true).Select(command => command.CommandId.Value)]),
                    },
                },
                new NpgsqlBatchCommand(ReadClaimed)
                {
                    Parameters = { PostgresArray.Of(NpgsqlDbType.Uuid, ids), PostgresArray.Of(NpgsqlDbType.TimestampTz, notAfter) },
                },
            ],
            async reader =>
            {
                var unrecorded = new HashSet<CommandId>();
                while (await reader.ReadAsync())
                {
                    unrecorded.Add(new CommandId(reader.GetGuid(0)));
                }

                await reader.NextResultAsync();
                while (await reader.ReadAsync())
                {
                    var place = places[reader.GetInt32(0) - 1];
                    verdicts[place] = Judge(asked[place], reader) is ClaimResult.Granted granted
                        ? granted with { TakesOver = unrecorded.Contains(asked[place].Command.CommandId) }
                        : Judge(asked[place], reader);
                }

                return true;
            },
            CancellationToken.None);
    }

    // Null: the lease ran out between the two statements; the claim goes again.
    private static ClaimResult? Judge(Asked asked, NpgsqlDataReader reader)
    {
        var tooLate = reader.GetBoolean(5);
        if (reader.IsDBNull(1))
        {
            return tooLate ? ClaimResult.Expired.Late(asked.Command) : null;
        }

        var attempt = reader.GetInt32(2);
        switch (reader.IsDBNull(6) ? null : reader.GetString(6))
        {
            case "cancelled":
                return ClaimResult.Expired.Cancelled;
            case "lapsed" when asked.Command.Attempt <= attempt:
                return ClaimResult.Expired.Closed(attempt);
        }

        return Result(reader, 3) switch
        {
            { } known when known.AnswersTo(asked.Command) => new ClaimResult.Known(known),
            null when reader.GetGuid(1) == asked.Token => new ClaimResult.Granted(asked.Token),
            null when asked.Command.Attempt < attempt => ClaimResult.Expired.Overtaken(attempt),
            null when reader.GetBoolean(4) => ClaimResult.Leased.Instance,
            _ => tooLate ? ClaimResult.Expired.Late(asked.Command) : null,
        };
    }

    private async Task<IReadOnlyList<bool>> RecordAllAsync(IReadOnlyList<Recorded> recorded)
    {
        var ids = recorded.Select(item => item.Result.CommandId.Value).ToArray();
        var tokens = recorded.Select(item => item.Token).ToArray();
        var done = new bool[recorded.Count];
        await _dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(LockLedger) { Parameters = { PostgresArray.Of(NpgsqlDbType.Uuid, ids) } },
                new NpgsqlBatchCommand(Record)
                {
                    Parameters =
                    {
                        PostgresArray.Of(NpgsqlDbType.Uuid, ids),
                        PostgresArray.Of(NpgsqlDbType.Uuid, tokens),
                        PostgresArray.Of(NpgsqlDbType.Text, recorded, item => item.Result.Outcome),
                        PostgresArray.Of(NpgsqlDbType.Json, recorded, item => item.Json),
                    },
                },
                new NpgsqlBatchCommand(ReadRecorded)
                {
                    Parameters = { PostgresArray.Of(NpgsqlDbType.Uuid, ids), PostgresArray.Of(NpgsqlDbType.Uuid, tokens) },
                },
            ],
            async reader =>
            {
                await reader.NextResultAsync();
                while (await reader.ReadAsync())
                {
                    done[reader.GetInt32(0) - 1] = true;
                }

                return true;
            },
            CancellationToken.None);
        return done;
    }

    /// <summary>How long a command is leased.</summary>
    internal static TimeSpan Lease(StepCommand command) => TimeSpan.FromMilliseconds(command.TimeoutMs) + LeaseMargin;

    private static StepResult? Result(NpgsqlDataReader reader, int column) => reader.IsDBNull(column)
        ? null
        : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), MessageJson.Default.StepResult);

    private sealed record Asked(StepCommand Command, Guid Token);

    private sealed record Recorded(Guid Token, StepResult Result, byte[] Json);
}
