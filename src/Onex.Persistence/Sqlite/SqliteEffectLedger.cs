using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Persistence.Ledger;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>The effect ledger in SQLite. All times are by the clock of this process, the only one that uses the file.</summary>
internal sealed partial class SqliteEffectLedger : IEffectLedger, IParkedCommands
{
    private const int BatchMax = 500;

    private static readonly string _lease = $"""
        INSERT INTO effect_ledger (leased_until, claimed_at, {LedgerTable.Columns.Names()})
        VALUES ($1, $2, {LedgerTable.Columns.Placeholders(first: 3)})
        ON CONFLICT (command_id) DO UPDATE
        SET {LedgerTable.Columns.Assignments("excluded")}, leased_until = excluded.leased_until, claimed_at = excluded.claimed_at,
            outcome = NULL, result = NULL, recorded_at = NULL, parked_for = NULL, parked_at = NULL, parked_command = NULL, may_sent = 0
        """;

    // Columns that are unknown for a command without a claim stay empty.
    private const string Cancel = """
        INSERT INTO effect_ledger
            (command_id, saga_id, step, operation, attempt, lease_token, leased_until, claimed_at, outcome, recorded_at)
        VALUES ($1, $2, '', '', 0, $3, $4, $4, 'cancelled', $4)
        ON CONFLICT (command_id) DO NOTHING
        """;

    // The outcome of a closed attempt is 'lapsed'.
    private const string CloseExpiredLease = """
        UPDATE effect_ledger SET outcome = 'lapsed', recorded_at = $2 WHERE command_id = $1 AND outcome IS NULL AND leased_until <= $2
        """;

    // Requires the token of the lease. An expired lease still counts until another claim replaces it, closed or not.
    private const string Record = """
        UPDATE effect_ledger SET outcome = $3, result = $4, recorded_at = $5
        WHERE command_id = $1 AND lease_token = $2 AND (outcome IS NULL OR outcome = 'lapsed')
        """;

    private const string IsRecorded = "SELECT 1 FROM effect_ledger WHERE command_id = $1 AND lease_token = $2 AND outcome IS NOT NULL";

    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;
    private readonly GroupCommit<StepCommand, ClaimResult> _claims;
    private readonly GroupCommit<(Guid Token, StepResult Result), bool> _records;
    private readonly GroupCommit<ParkRow, ClaimResult> _parks;

    public SqliteEffectLedger(SqliteDatabase database, TimeProvider time)
    {
        _database = database;
        _time = time;
        _claims = new(
            commands => database.WriteAsync<IReadOnlyList<ClaimResult>>(
                session => [.. commands.Select(command => Claim(session, command))], CancellationToken.None),
            BatchMax,
            error => error is UnstorableException);
        _records = new(
            items => database.WriteAsync<IReadOnlyList<bool>>(
                session => [.. items.Select(item => RecordOne(session, item.Token, item.Result))], CancellationToken.None),
            BatchMax,
            error => error is UnstorableException);
        _parks = new(
            rows => database.WriteAsync<IReadOnlyList<ClaimResult>>(
                session => [.. rows.Select(row => Park(session, row))], CancellationToken.None),
            BatchMax,
            error => error is UnstorableException);
    }

    public Task<ClaimResult> ClaimAsync(StepCommand command, CancellationToken cancellation) => _claims.RunAsync(command, cancellation);

    public Task<bool> RecordAsync(Guid leaseToken, StepResult result, CancellationToken cancellation) =>
        _records.RunAsync((leaseToken, result), cancellation);

    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CancelAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        _database.WriteAsync<IReadOnlyDictionary<CommandId, LedgerState>>(
            session =>
            {
                foreach (var id in commandIds)
                {
                    session.Execute(Cancel, id, Guid.Empty, NewToken(), _time.GetUtcNow());
                    session.Execute(CancelParked, id, _time.GetUtcNow());
                }

                return CloseExpired(session, commandIds);
            },
            cancellation);

    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CloseExpiredAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        _database.WriteAsync<IReadOnlyDictionary<CommandId, LedgerState>>(session => CloseExpired(session, commandIds), cancellation);

    public Task<IReadOnlyDictionary<CommandId, LedgerState>> LookUpAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        _database.ReadAsync<IReadOnlyDictionary<CommandId, LedgerState>>(session => ReadStates(session, commandIds), cancellation);

    private ClaimResult Claim(SqliteSession session, StepCommand command)
    {
        var now = _time.GetUtcNow();
        return FindDenial(session, command, now, out var entry)
            ?? Grant(session, command, now) with { FollowsUnrecordedLease = entry is { Outcome: null } };
    }

    // Why a command may be neither claimed nor parked; null if it may.
    private static ClaimResult? FindDenial(SqliteSession session, StepCommand command, DateTimeOffset now, out Entry? found)
    {
        var isTooLate = command.NotAfter < now;
        found = Find(session, command.CommandId);
        return found switch
        {
            null => isTooLate ? ClaimResult.Expired.Late(command) : null,
            { Outcome: "cancelled" } entry when entry.Attempt == 0 || command.Attempt <= entry.Attempt => ClaimResult.Expired.Cancelled,
            { Outcome: "parked" } entry when command.Attempt <= entry.Attempt => ClaimResult.Parked.Instance,
            { Outcome: "lapsed" } entry when command.Attempt <= entry.Attempt => ClaimResult.Expired.Closed(entry.Attempt),
            { Result: { } recorded } when recorded.AnswersTo(command) => new ClaimResult.Recorded(recorded),
            { Result: null } entry when command.Attempt < entry.Attempt => ClaimResult.Expired.Superseded(entry.Attempt),
            { Outcome: null } entry when entry.LeasedUntil > now => ClaimResult.Leased.Instance,
            _ => isTooLate ? ClaimResult.Expired.Late(command) : null,
        };
    }

    private static ClaimResult.Granted Grant(SqliteSession session, StepCommand command, DateTimeOffset now)
    {
        var token = NewToken();
        session.Execute(_lease, [now + LedgerTimes.Lease(command), now, .. LedgerTable.Columns.Values(new ClaimRow(command, token))]);
        return new ClaimResult.Granted(token);
    }

    private bool RecordOne(SqliteSession session, Guid token, StepResult result)
    {
        var json = Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult));
        session.Execute(Record, result.CommandId, token, result.Outcome, json, _time.GetUtcNow());
        return session.Exists(IsRecorded, result.CommandId, token);
    }

    private Dictionary<CommandId, LedgerState> CloseExpired(SqliteSession session, IReadOnlyCollection<CommandId> commandIds)
    {
        var now = _time.GetUtcNow();
        foreach (var id in commandIds)
        {
            session.Execute(CloseExpiredLease, id, now);
        }

        return ReadStates(session, commandIds);
    }

    private static Dictionary<CommandId, LedgerState> ReadStates(SqliteSession session, IReadOnlyCollection<CommandId> commandIds)
    {
        var states = new Dictionary<CommandId, LedgerState>(commandIds.Count);
        foreach (var id in commandIds)
        {
            if (Find(session, id) is { } entry)
            {
                states[id] = new LedgerState(entry.Attempt, entry.Outcome is null, entry.LeasedUntil, entry.Result)
                {
                    Cancelled = entry.Outcome == "cancelled",
                    ParkedAt = entry.ParkedAt,
                    ParkedFor = entry.ParkedFor,
                };
            }
        }

        return states;
    }

    private static Entry? Find(SqliteSession session, CommandId commandId) => session.Query(
        "SELECT attempt, leased_until, outcome, result, parked_at, parked_for, may_sent FROM effect_ledger WHERE command_id = $1",
        row => new Entry(row.Integer(0), row.Time(1), row.OptionalText(2), ReadResult(row, 3))
        {
            ParkedAt = row.OptionalTime(4),
            ParkedFor = row.OptionalText(5),
            MaySent = row.Boolean(6),
        },
        commandId).SingleOrDefault();

    private static StepResult? ReadResult(SqliteRow row, int ordinal) =>
        row.OptionalText(ordinal) is { } json ? JsonSerializer.Deserialize(json, MessageJson.Default.StepResult) : null;

    private static Guid NewToken() => new(RandomNumberGenerator.GetBytes(16));

    private sealed record Entry(int Attempt, DateTimeOffset LeasedUntil, string? Outcome, StepResult? Result)
    {
        public DateTimeOffset? ParkedAt { get; init; }

        public string? ParkedFor { get; init; }

        public bool MaySent { get; init; }
    }
}
